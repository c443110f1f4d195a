/// Where the square windows of a pooling layer lie.
struct PoolingWindows {
  let input: Shape
  let output: Shape
  /// Pixels from one window to the next, along and down.
  let stride: Int

  /// Calls `body` for each window of `count` samples, in order, with the offset of its upper left in the input and that of
  /// its result in the output, both counted in values from the first sample.
  @inline(__always)
  func forEach(_ count: Int, _ body: (_ inputOffset: Int, _ outputOffset: Int) -> Void) {
    let channels = input.channels
    var outputOffset = 0
    for sample in 0..<count {
      for oy in 0..<output.height {
        for ox in 0..<output.width {
          body(sample * input.count + (oy * stride * input.width + ox * stride) * channels, outputOffset)
          outputOffset += channels
        }
      }
    }
  }
}
