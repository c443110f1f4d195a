public import Tensors

/// Exponential moving average of the weights (Polyak, Juditsky 1992; Izmailov et al. 2018 for networks):
/// average ← decay · average + (1 − decay) · parameters.
public func average(_ parameters: FloatBuffer, into average: FloatBuffer, decay: Float) {
  precondition(parameters.count == average.count, "buffers of different layouts")
  let (w, a) = (parameters.pointer, average.pointer)
  for i in 0..<parameters.count {
    a[i] = decay * a[i] + (1 - decay) * w[i]
  }
}

/// Clipping by the global norm (Pascanu et al. 2013, algorithm 1), in PyTorch's form: what the mean gradient
/// is multiplied by, min(1, limit / (‖scale · gradient‖ + 10⁻⁶)).
public func clippingFactor(
  _ gradient: UnsafePointer<Float>, count: Int, scale: Float, limit: Float
) -> Float {
  let norm = Float(sumOfSquares(gradient, count: count).squareRoot()) * scale
  return min(1, limit / (norm + 1e-6))
}
