package import Checkpoints
package import Datasets
internal import Files
package import Model
package import Runs

extension SampleFormat {
  /// What the run was trained on that wrote a checkpoint with these metadata; `origin` is what errors call it. Where the
  /// images' shape or the number of classes is absent, it is MNIST's.
  ///
  /// - Throws: `RunError` with exit code 65 if that cannot be.
  package init(metadata: [String: String], origin: String) throws(RunError) {
    var shape = SampleFormat.mnist.shape
    if let text = metadata[Recipe.imageShapeKey] {
      guard let given = ImageShape(parsing: text) else {
        throw RunError(
          "\(origin): expected the metadata '\(Recipe.imageShapeKey)' such as 20x32, each from 1 to "
            + "\(SampleFormat.longestSide), found '\(text)'", exitCode: 65)
      }
      shape = given
    }
    let text = metadata[Recipe.classCountKey] ?? "\(SampleFormat.mnist.classCount)"
    guard let classCount = Int(text), (1...SampleFormat.mostClasses).contains(classCount) else {
      throw RunError(
        "\(origin): expected the metadata '\(Recipe.classCountKey)', a number from 1 to \(SampleFormat.mostClasses), "
          + "found '\(text)'", exitCode: 65)
    }
    self.init(shape: shape, classCount: classCount)
  }

  /// Checks that a network which tells `found` classes knows all of these; `origin` is what the error calls the model.
  ///
  /// - Throws: `RunError` with exit code 65 that names both.
  package func requireClasses(of found: Int, origin: String) throws(RunError) {
    guard found < classCount else { return }
    throw RunError(
      "\(origin): expected a network for \(classCount) classes, found one for \(found)", exitCode: 65)
  }
}

extension CheckpointFile {
  /// Checks that the file holds as many parameters as `network` has, before memory is taken for them: a network of some
  /// words may have more parameters than any machine holds.
  ///
  /// - Parameters:
  ///   - network: The network.
  ///   - input: The shape of an image.
  ///   - prefix: Which of them: `parameters`, or `ema` for their averages.
  /// - Throws: `FileError`, or `NetworkSpecificationError` if it is no network for these images.
  package func requireParameters(of network: NetworkSpecification, input: Shape, prefix: String) throws {
    let inputs = [input] + (try network.outputShapes(input: input))
    let expected = zip(network.layers, inputs).reduce(0) { $0 + $1.0.parameterCount(for: $1.1) }
    let found = contents.tensors.reduce(0) { $0 + ($1.name.hasPrefix(prefix + ".") ? $1.count : 0) }
    guard found == expected else {
      throw FileError(
        .different, "\(path): expected the \(expected) parameters of its network \(network), found \(found)")
    }
  }
}

extension Shape {
  /// A grey image as a network's input.
  package init(_ image: ImageShape) { self.init(image.height, image.width, 1) }
}
