/// What differs between two checkpoints.
package struct CheckpointDifference: Hashable, Sendable {
  /// A metadata key whose text differs.
  package struct Metadata: Hashable, Sendable {
    package let key: String
    /// The text in the first checkpoint; nil if it has none.
    package let first: String?
    /// The text in the second checkpoint; nil if it has none.
    package let second: String?
  }

  /// How a tensor differs.
  package enum TensorChange: Hashable, Sendable {
    /// The second checkpoint has no such tensor.
    case onlyInFirst
    /// The first checkpoint has no such tensor.
    case onlyInSecond
    /// Shape or element type differ.
    case description(first: TensorDescription, second: TensorDescription)
    /// `differing` of `count` elements have different bits; the largest absolute difference is `maximum`,
    /// which is 0 between 0 and -0, and infinite where a difference is not a number.
    case elements(differing: Int, count: Int, maximum: Double)
  }

  /// A tensor that differs.
  package struct Tensor: Hashable, Sendable {
    package let name: String
    package let change: TensorChange
  }

  /// The metadata that differ, in the order of their keys; without format and digest.
  package let metadata: [Metadata]
  /// The tensors that differ: those of the first checkpoint in its order, then those only in the second.
  package let tensors: [Tensor]

  /// Whether nothing differs.
  package var isEmpty: Bool { metadata.isEmpty && tensors.isEmpty }

  /// Compares two checkpoints, bit by bit.
  package init(between first: CheckpointContents, and second: CheckpointContents) {
    metadata = Set(first.metadata.keys).union(second.metadata.keys).sorted().compactMap { key in
      let texts = (first.metadata[key], second.metadata[key])
      return texts.0 == texts.1 ? nil : Metadata(key: key, first: texts.0, second: texts.1)
    }
    let common = first.tensors.compactMap { description -> Tensor? in
      guard let one = first[description.name] else { return nil }
      let change = second[description.name].map { Self.change(from: one, to: $0) } ?? .onlyInFirst
      return change.map { Tensor(name: description.name, change: $0) }
    }
    let added = second.tensors.filter { first[$0.name] == nil }
    tensors = common + added.map { Tensor(name: $0.name, change: .onlyInSecond) }
  }

  private static func change(from one: CheckpointTensor, to other: CheckpointTensor) -> TensorChange? {
    guard one.description == other.description else {
      return .description(first: one.description, second: other.description)
    }
    if one.bytes == other.bytes { return nil }
    let size = one.description.elementType.byteCount
    let values = (one.doubles, other.doubles)
    var differing = 0
    var maximum = 0.0
    for index in 0..<one.description.count {
      let (start, otherStart) = (one.bytes.startIndex + index * size, other.bytes.startIndex + index * size)
      if one.bytes[start..<start + size] == other.bytes[otherStart..<otherStart + size] { continue }
      differing += 1
      let distance = abs(values.0[index] - values.1[index])
      maximum = max(maximum, distance.isNaN ? .infinity : distance)
    }
    return .elements(differing: differing, count: one.description.count, maximum: maximum)
  }
}
