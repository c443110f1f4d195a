package import Tensors

/// Turns a step's gradient into new parameters. Every rank, or every team of ranks, runs the same update on the same bits.
package protocol Optimizer: AnyObject {
  /// What the optimizer remembers from step to step: named flat buffers of the parameters' layout, to be
  /// saved and restored with a checkpoint.
  var moments: [(name: String, values: FloatBuffer)] { get }
  /// Whether each member of a team changes the parameters of its part of all of them in units of sixteen, and no others.
  var isElementwise: Bool { get }

  /// Takes one step: the part of it that is this member of a team's. The parameters are complete once all members have
  /// returned.
  ///
  /// - Throws: what the team's barrier throws.
  /// - Parameters:
  ///   - parameters: changed in place.
  ///   - gradient: the gradient's sum over the global batch, flat, in the parameters' layout; it may be longer.
  ///   - scale: what makes the sum a mean, gradient clipping included.
  ///   - rate: the schedule's factor of the learning rates at this step.
  ///   - step: the number of this step, from 0.
  func update(
    _ parameters: FloatBuffer, gradient: Span<Float>, scale: Float, rate: Float, step: Int) throws
}

/// An optimizer as data: what a recipe holds.
package enum OptimizerSpecification: Hashable, Sendable {
  case sgd(SGDSpecification)
  case adamW(AdamWSpecification)
  case muon(MuonSpecification)

  /// The names that the command line and recipes use.
  package static let names = ["sgd", "adamw", "muon"]

  /// `sgd`, `adamw` or `muon`.
  package var name: String {
    switch self {
    case .sgd: "sgd"
    case .adamW: "adamw"
    case .muon: "muon"
    }
  }

  /// The optimizer of that name with its default settings, nil for another name.
  package init?(name: String) {
    switch name {
    case "sgd": self = .sgd(SGDSpecification())
    case "adamw": self = .adamW(AdamWSpecification())
    case "muon": self = .muon(MuonSpecification())
    default: return nil
    }
  }

  /// The optimizer's buffers for a network, which the members of a team share.
  package func makeOptimizer(for layout: ParameterLayout, team: any Team = LoneTeam()) -> any Optimizer {
    switch self {
    case .sgd(let specification): SGD(specification, layout: layout, team: team)
    case .adamW(let specification): AdamW(specification, layout: layout, team: team)
    case .muon(let specification): Muon(specification, layout: layout, team: team)
    }
  }

  /// Multiplies all learning rates, as scaling rules for large batches do.
  package func scaled(by factor: Float) -> OptimizerSpecification {
    switch self {
    case .sgd(var specification):
      specification.learningRate *= factor
      return .sgd(specification)
    case .adamW(var specification):
      specification.learningRate *= factor
      return .adamW(specification)
    case .muon(var specification):
      specification.learningRate *= factor
      specification.others.learningRate *= factor
      return .muon(specification)
    }
  }

  /// The learning rate of the optimizer's own tensors.
  package var learningRate: Float {
    get {
      switch self {
      case .sgd(let specification): specification.learningRate
      case .adamW(let specification): specification.learningRate
      case .muon(let specification): specification.learningRate
      }
    }
    set {
      switch self {
      case .sgd(var specification):
        specification.learningRate = newValue
        self = .sgd(specification)
      case .adamW(var specification):
        specification.learningRate = newValue
        self = .adamW(specification)
      case .muon(var specification):
        specification.learningRate = newValue
        self = .muon(specification)
      }
    }
  }

  /// The weight decay of the optimizer's own tensors.
  package var weightDecay: Float {
    get {
      switch self {
      case .sgd(let specification): specification.weightDecay
      case .adamW(let specification): specification.weightDecay
      case .muon(let specification): specification.weightDecay
      }
    }
    set {
      switch self {
      case .sgd(var specification):
        specification.weightDecay = newValue
        self = .sgd(specification)
      case .adamW(var specification):
        specification.weightDecay = newValue
        self = .adamW(specification)
      case .muon(var specification):
        specification.weightDecay = newValue
        self = .muon(specification)
      }
    }
  }
}

extension OptimizerSpecification: Codable {
  private enum Keys: CodingKey {
    case name
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Keys.self)
    let name = try container.decode(String.self, forKey: .name)
    switch name {
    case "sgd": self = .sgd(try SGDSpecification(from: decoder))
    case "adamw": self = .adamW(try AdamWSpecification(from: decoder))
    case "muon": self = .muon(try MuonSpecification(from: decoder))
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .name, in: container,
        debugDescription: "expected one of \(Self.names.joined(separator: ", ")), found '\(name)'")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(name, forKey: .name)
    switch self {
    case .sgd(let specification): try specification.encode(to: encoder)
    case .adamW(let specification): try specification.encode(to: encoder)
    case .muon(let specification): try specification.encode(to: encoder)
    }
  }
}
