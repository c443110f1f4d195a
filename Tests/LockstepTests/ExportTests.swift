import Datasets
import Foundation
import LockstepModels
import Testing

/// Python with numpy, onnx, onnxruntime and safetensors; with torch; with keras. `scripts/test` makes them.
private enum Python {
  static let plain = ProcessInfo.processInfo.environment["LOCKSTEP_EXCHANGE_PYTHON"]
  static let torch = ProcessInfo.processInfo.environment["LOCKSTEP_TORCH_PYTHON"]
  static let keras = ProcessInfo.processInfo.environment["LOCKSTEP_KERAS_PYTHON"]
}

/// A trained model among the files that docs/models.md speaks of.
private struct Place {
  let scratch: ScratchFolder
  let images: [UInt8]
  let count: Int

  init() throws {
    scratch = try ScratchFolder()
    let data = try DatasetSource.resolve(option: TestData.folder, environment: [:]).open()
    let samples = try data.read(.test)
    (images, count) = (samples.images, samples.count)
    let words = ["--data", TestData.folder, "--steps", "60"]
    try lockstep(["train", "--quiet", "--no-report", "--run", scratch("runs/quick")] + words)
    for format in ["onnx", "safetensors", "npz"] {
      try lockstep(["export", scratch("runs/quick/final.safetensors"), "--format", format])
    }
    try Data(samples.images).write(to: URL(fileURLWithPath: scratch("images")))
  }

  func lockstep(_ words: [String]) throws {
    let outcome = try Command(executable: Command.binary, arguments: words).run()
    try #require(outcome.code == 0, "\(outcome.errors)")
  }

  /// Runs lines of the page, and returns the logits that they end with.
  func logits(_ python: String?, _ lines: String, then more: String = "") throws -> [Float] {
    let script = """
      import gzip, os
      os.chdir("\(scratch.path)")
      os.makedirs("data/mnist", exist_ok=True)
      with gzip.open("data/mnist/t10k-images-idx3-ubyte.gz", "wb", 1) as file:
          file.write(bytes(16) + open("images", "rb").read())
      \(try block(after: "# Models in other programs"))
      \(lines)
      np.asarray(logits, np.float32).tofile("logits")
      \(more)
      """
    let outcome = try Command(executable: try #require(python), arguments: ["-c", script]).run()
    try #require(outcome.code == 0, "\(outcome.errors)")
    return try floats("logits")
  }

  func floats(_ name: String) throws -> [Float] {
    let data = try Data(contentsOf: URL(fileURLWithPath: scratch(name)))
    return data.withUnsafeBytes { bytes in
      (0..<data.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  /// The same predictions for all images that there are logits of, and logits within 1e-4 of the model's.
  func expectSame(_ logits: [Float], as name: String) throws {
    let model = try DigitModel(path: scratch(name))
    try #require(!logits.isEmpty && logits.count % 10 == 0)
    var furthest: Float = 0
    var others: [Int] = []
    for image in 0..<logits.count / 10 {
      let own = try model.logits(of: Array(images[image * 784..<(image + 1) * 784]))
      let theirs = Array(logits[image * 10..<(image + 1) * 10])
      for (one, other) in zip(own, theirs) { furthest = max(furthest, abs(one - other)) }
      let (one, other) = (own.firstIndex(of: own.max() ?? 0), theirs.firstIndex(of: theirs.max() ?? 0))
      if one != other { others.append(image) }
    }
    #expect(others.isEmpty, "images that are predicted otherwise")
    #expect(furthest < 1e-4)
  }
}

/// The Python behind a heading of docs/models.md.
private func block(after heading: String) throws -> String {
  let text = try Checkout.text("docs/models.md")
  let start = try #require(text.range(of: heading + "\n"))
  let fence = try #require(text[start.upperBound...].range(of: "```python\n"))
  let end = try #require(text[fence.upperBound...].range(of: "```"))
  return String(text[fence.upperBound..<end.lowerBound])
}

extension RealRanks {
  /// Models in other programs, opened by the lines of docs/models.md.
  @Suite(.enabled(if: Python.plain != nil))
  struct ExportTests {
    @Test func onnxRuntimeAndNumPyPredictTheSame() throws {
      let place = try Place()
      let onnx = try place.logits(
        Python.plain, block(after: "## ONNX Runtime"),
        then: """
          import onnx
          onnx.checker.check_model(onnx.load("runs/quick/final.onnx"), full_check=True)
          assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
          assert (probabilities.argmax(1) == logits.argmax(1)).all()
          """)
      #expect(onnx.count == 10 * place.count)
      try place.expectSame(onnx, as: "runs/quick/final.safetensors")
      let numpy = try place.logits(Python.plain, block(after: "## NumPy"))
      #expect(numpy.count == 5000)
      try place.expectSame(numpy, as: "runs/quick/final.safetensors")
    }

    /// Layers of all kinds in ONNX Runtime, and the layouts of PyTorch by its own package for the format.
    @Test func everyLayerIsTheSameInONNXRuntime() throws {
      let scratch = try ScratchFolder()
      let networks = [
        "conv 4x3; relu; maxpool 2; dense 10",
        "conv 3x5 stride 2 same; relu; conv 5x3 stride 2 same; maxpool 2; relu; dropout 0.25; dense 12; relu; dense 10",
        "maxpool 3 stride 2; conv 4x3 same; conv 6x1 stride 2; relu; average; dropout 0.5; dense 10",
        "dense 20; conv 8x3 same; relu; maxpool 1; average; dense 10", "relu; dropout 0.1; dense 10",
        "conv 8x3; relu; avgpool 2; channel-dropout 0.25; conv 5x3; avgpool 3 stride 1; relu; avgpool 9; dense 10",
      ]
      for (index, network) in networks.enumerated() {
        let folder = scratch("\(index)")
        let words = [
          "train", "--quiet", "--no-report", "--run", folder, "--data", "synthetic:200", "--validation", "0",
          "--network",
          network, "--steps", "2",
        ]
        #expect(try Command(executable: Command.binary, arguments: words).run().code == 0)
        for format in ["onnx", "safetensors"] {
          let words = ["export", folder + "/final.safetensors", "--format", format]
          #expect(try Command(executable: Command.binary, arguments: words).run().code == 0)
        }
      }
      let pixels = (0..<16 * 784).map { UInt8(truncatingIfNeeded: ($0 * 31) ^ ($0 >> 3)) }
      try Data(pixels).write(to: URL(fileURLWithPath: scratch("images")))
      let script = """
        import os, numpy as np, onnx, onnxruntime
        from safetensors.numpy import load_file
        os.chdir("\(scratch.path)")
        images = np.fromfile("images", np.uint8).reshape(-1, 1, 28, 28)
        for index in range(\(networks.count)):
            path = f"{index}/final.onnx"
            model = onnx.load(path)
            onnx.checker.check_model(model, full_check=True)
            onnxruntime.InferenceSession(path).run(["logits"], {"pixels": images})[0].tofile(f"{index}/logits")
            inside = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
            for name, values in load_file(f"{index}/final.pytorch.safetensors").items():
                assert (inside[name] == values).all(), name
        """
      let outcome = try Command(executable: Python.plain ?? "", arguments: ["-c", script]).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      for (index, network) in networks.enumerated() {
        let data = try Data(contentsOf: URL(fileURLWithPath: scratch("\(index)/logits")))
        let theirs = data.withUnsafeBytes { bytes in
          (0..<160).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
        let model = try DigitModel(path: scratch("\(index)/final.safetensors"))
        for image in 0..<16 {
          let own = try model.logits(of: Array(pixels[image * 784..<(image + 1) * 784]))
          let distances = zip(own, theirs[(image * 10)...]).map { abs($0 - $1) }
          #expect((distances.max() ?? 1) < 1e-4, "'\(network)', image \(image)")
        }
      }
    }

    @Test(.enabled(if: Python.torch != nil)) func pyTorchPredictsTheSameAndComesBack() throws {
      let place = try Place()
      let logits = try place.logits(
        Python.torch, block(after: "## PyTorch"),
        then: """
          from safetensors.torch import save_file
          save_file(model.state_dict(), "theirs.safetensors")
          torch.onnx.export(model, (pixels[:1],), "theirs.onnx", external_data=False)
          """)
      #expect(logits.count == 10 * place.count)
      try place.expectSame(logits, as: "runs/quick/final.safetensors")
      try place.lockstep(
        [
          "import", place.scratch("theirs.safetensors"), "--network", "quick", "--out",
          place.scratch("one.safetensors"),
        ])
      try place.expectSame(logits, as: "one.safetensors")
      try place.lockstep(["import", place.scratch("theirs.onnx"), "--out", place.scratch("two.safetensors")])
      try place.expectSame(logits, as: "two.safetensors")
    }

    @Test(.enabled(if: Python.keras != nil)) func kerasPredictsTheSameAndComesBack() throws {
      let place = try Place()
      let logits = try place.logits(
        Python.keras, block(after: "## Keras and TensorFlow"),
        then: """
          np.savez("theirs.npz", *model.get_weights())
          model.save("theirs.keras")
          model.save("theirs.h5")
          """)
      #expect(logits.count == 10 * place.count)
      try place.expectSame(logits, as: "runs/quick/final.safetensors")
      try place.lockstep(
        [
          "import", place.scratch("theirs.npz"), "--network", "quick", "--out",
          place.scratch("one.safetensors"),
        ])
      try place.expectSame(logits, as: "one.safetensors")
      for name in ["theirs.keras", "theirs.h5"] {
        try place.lockstep(["import", place.scratch(name), "--out", place.scratch(name + ".safetensors")])
        try place.expectSame(logits, as: name + ".safetensors")
      }
    }
  }
}
