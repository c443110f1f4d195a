internal import Tensors

/// Clipping by the global norm (Pascanu et al. 2013, algorithm 1), in PyTorch's form: what the mean gradient
/// is multiplied by, min(1, limit / (‖scale · gradient‖ + 10⁻⁶)).
package func clippingFactor(
  _ gradient: Span<Float>, scale: Float, limit: Float
) -> Float {
  let norm = Float(sumOfSquares(gradient).squareRoot()) * scale
  return min(1, limit / (norm + 1e-6))
}
