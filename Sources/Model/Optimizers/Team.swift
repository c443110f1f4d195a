package import Tensors

/// Those who make an update together: they see the same memory, and each does a part of the work.
///
/// All members make the same calls in the same order.
package protocol Team: AnyObject {
  /// A member's number, 0..<count.
  var index: Int { get }
  var count: Int { get }
  /// Whether members take turns on a core: each meeting then costs some of them a turn of the scheduler's.
  var isCrowded: Bool { get }

  /// Returns once all members have called it: what each wrote before, all see after.
  func barrier() throws

  /// A zeroed buffer that all members see.
  func makeBuffer(count: Int) -> FloatBuffer
}

extension Team {
  package var isCrowded: Bool { false }

  /// This member's part of `range`: neighbours, in multiples of `unit` where possible.
  package func part(of range: Range<Int>, unit: Int = 1) -> Range<Int> {
    let units = (range.count + unit - 1) / unit
    func bound(_ index: Int) -> Int { min(range.lowerBound + units * index / count * unit, range.upperBound) }
    return bound(index)..<bound(index + 1)
  }
}

extension Team {
  /// This member's parts of the elements of `tensors`, which it updates one by one: as many as any other member's, to
  /// within a cache line.
  func parts(of tensors: [ParameterTensor]) -> [(elements: Range<Int>, isWeight: Bool)] {
    let own = part(of: 0..<tensors.reduce(0) { $0 + $1.count }, unit: 16)
    var before = 0
    return tensors.compactMap { tensor in
      defer { before += tensor.count }
      let part = own.clamped(to: before..<before + tensor.count)
      guard !part.isEmpty else { return nil }
      let first = tensor.offset + part.lowerBound - before
      return (first..<first + part.count, tensor.role == .weight)
    }
  }
}

/// A team of one.
package final class LoneTeam: Team {
  package let index = 0
  package let count = 1

  package init() {}

  package func barrier() {}

  package func makeBuffer(count: Int) -> FloatBuffer { FloatBuffer(count: count) }
}
