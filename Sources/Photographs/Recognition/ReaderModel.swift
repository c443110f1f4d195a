internal import CReaderModel
package import Training

/// The model that comes with the program: trained by Lockstep on samples that `ReaderSamples` makes of MNIST
/// (docs/photographs.md tells how, and how well it reads).
package enum ReaderModel {
  /// What messages call it.
  package static let name = "the built-in reader"

  /// The file as `lockstep train` wrote it, without what only training needs.
  package static var file: [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: creader_model(), count: creader_model_size()))
  }

  /// The model, ready to read.
  ///
  /// - Throws: `RunError` if the program was built with a damaged one.
  package static func trained() throws -> TrainedModel {
    try TrainedModel(file: file, name: name)
  }
}
