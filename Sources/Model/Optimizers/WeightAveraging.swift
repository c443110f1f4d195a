package import Tensors

/// Exponential moving average of the weights (Polyak, Juditsky 1992; Izmailov et al. 2018 for networks):
/// average ← decay · average + (1 − decay) · parameters.
package func updateAverage(_ average: FloatBuffer, with parameters: FloatBuffer, decay: Float) {
  precondition(parameters.count == average.count, "buffers of different layouts")
  let (w, a) = (parameters.pointer, average.pointer)
  for i in 0..<parameters.count {
    a[i] = decay * a[i] + (1 - decay) * w[i]
  }
}
