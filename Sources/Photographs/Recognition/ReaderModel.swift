internal import CReaderModel
package import Inference
internal import Runs

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
  package static func trained() throws -> StoredModel { try opened(path: nil) }

  /// The model in the checkpoint at `path`, or the one that comes with the program.
  ///
  /// - Throws: `RunError` if the file is missing, damaged or no model.
  package static func opened(path: String?) throws -> StoredModel {
    do {
      return try path.map { try StoredModel(path: $0) } ?? StoredModel(file: file, name: name)
    } catch {
      throw RunError(error)
    }
  }
}
