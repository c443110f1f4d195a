/// How the learning rate changes over a run, as a factor of the optimizer's own.
package enum Schedule: Hashable, Sendable {
  case constant
  /// Multiplied by `factor` after every `epochs` epochs.
  case step(factor: Float, epochs: Int)
  /// Half a cosine from 1 to 0 (Loshchilov, Hutter 2017, without restarts), after a linear warm-up.
  case cosine(warmup: Float)
  /// A linear rise over the fraction `warmup` of the steps, then a linear fall to 0 (after Smith 2018).
  case oneCycle(warmup: Float)

  /// The names that the command line and recipes use.
  package static let names = ["constant", "step", "cosine", "one-cycle"]

  /// The schedule of that name with its default settings, nil for another name.
  package init?(name: String) {
    switch name {
    case "constant": self = .constant
    case "step": self = .step(factor: 0.7, epochs: 1)
    case "cosine": self = .cosine(warmup: 0)
    case "one-cycle": self = .oneCycle(warmup: 0.2)
    default: return nil
    }
  }

  /// The name that recipes use.
  package var name: String {
    switch self {
    case .constant: "constant"
    case .step: "step"
    case .cosine: "cosine"
    case .oneCycle: "one-cycle"
    }
  }

  /// The factor at `step` of `totalSteps`, both counted from 0, `stepsPerEpoch` to an epoch.
  package func rate(at step: Int, of totalSteps: Int, stepsPerEpoch: Int) -> Float {
    switch self {
    case .constant: return 1
    case .step(let factor, let epochs):
      return (0..<(step / max(stepsPerEpoch * epochs, 1))).reduce(1) { rate, _ in rate * factor }
    case .cosine(let warmup):
      let warm = warmup * Float(totalSteps)
      if Float(step) < warm { return min(Float(step + 1) / warm, 1) }
      let progress = Double(Float(step) - warm) / Double(max(Float(totalSteps) - warm, 1))
      return Float(0.5 * (1 + Self.cosineOfHalfTurns(progress)))
    case .oneCycle(let warmup):
      let warm = warmup * Float(totalSteps)
      if Float(step) < warm { return min(Float(step + 1) / warm, 1) }
      return Float(totalSteps - step) / max(Float(totalSteps) - warm, 1)
    }
  }

  /// cos(π·x) for x in 0...1 by its Taylor series around ½, so that no C library's bits enter a model.
  private static func cosineOfHalfTurns(_ x: Double) -> Double {
    let angle = (0.5 - x) * Double.pi  // cos(πx) = sin(π/2 − πx)
    let square = angle * angle
    var series = 1.0
    for k in stride(from: 20, through: 2, by: -2) {
      series = 1 - square / Double(k * (k + 1)) * series
    }
    return angle * series
  }
}

extension Schedule: Codable {
  private enum Keys: CodingKey {
    case name, factor, epochs, warmup
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    let name = try container.decode(String.self, forKey: .name)
    switch Schedule(name: name) {
    case .constant: self = .constant
    case .step(let factor, let epochs):
      self = .step(
        factor: try container.decodeIfPresent(Float.self, forKey: .factor) ?? factor,
        epochs: try container.decodeIfPresent(Int.self, forKey: .epochs) ?? epochs)
    case .cosine(let warmup):
      self = .cosine(warmup: try container.decodeIfPresent(Float.self, forKey: .warmup) ?? warmup)
    case .oneCycle(let warmup):
      self = .oneCycle(warmup: try container.decodeIfPresent(Float.self, forKey: .warmup) ?? warmup)
    case nil:
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: container,
        debugDescription: "expected one of \(Self.names.joined(separator: ", ")), found '\(name)'")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(name, forKey: .name)
    switch self {
    case .constant: break
    case .step(let factor, let epochs):
      try container.encode(factor, forKey: .factor)
      try container.encode(epochs, forKey: .epochs)
    case .cosine(let warmup), .oneCycle(let warmup): try container.encode(warmup, forKey: .warmup)
    }
  }
}
