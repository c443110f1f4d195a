package import Tensors

/// Exponential moving average of the weights (Polyak, Juditsky 1992; Izmailov et al. 2018 for networks):
/// average ← decay · average + (1 − decay) · parameters.
package func updateAverage(
  _ average: FloatBuffer, with parameters: FloatBuffer, decay: Float, by team: any Team = LoneTeam()
) {
  precondition(parameters.count == average.count, "buffers of different layouts")
  let (w, a) = (parameters.pointer, average.pointer)
  for i in team.part(of: 0..<parameters.count, unit: 16) {
    a[i] = decay * a[i] + (1 - decay) * w[i]
  }
}
