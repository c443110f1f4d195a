internal import Tensors

/// What rides behind the gradient in the flat buffer, summed over the leaves like it.
struct StepTotals {
  private enum Slot {
    static let loss = 0
    static let correct = 1
    static let samples = 2
    static let stop = 3
    static let save = 4
  }

  /// The floats behind the gradient: the slots, and room for some more.
  static let count = 8
  /// Those of them, from the first on, that are a function of the step: the others are requests.
  static let digestedCount = 3

  /// Σ cross-entropy, in nats.
  var loss: Float = 0
  /// Samples classified right before the update.
  var correct: Float = 0
  var samples: Float = 0
  /// Ranks that were asked to save and stop, and to save and go on.
  var stops: Float = 0
  var saves: Float = 0

  init() {}

  /// Reads what stands from `offset` on, behind the gradient.
  init(_ buffer: Span<Float>, at offset: Int) {
    loss = buffer[offset + Slot.loss]
    correct = buffer[offset + Slot.correct]
    samples = buffer[offset + Slot.samples]
    stops = buffer[offset + Slot.stop]
    saves = buffer[offset + Slot.save]
  }

  /// Writes them from `offset` on.
  func write(to buffer: inout MutableSpan<Float>, at offset: Int) {
    for index in 0..<Self.count { buffer[offset + index] = 0 }
    buffer[offset + Slot.loss] = loss
    buffer[offset + Slot.correct] = correct
    buffer[offset + Slot.samples] = samples
    buffer[offset + Slot.stop] = stops
    buffer[offset + Slot.save] = saves
  }
}
