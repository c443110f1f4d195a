/// How much of what tells trials apart a parameter explains.
///
/// The trials of the first rung, which all had the same budget, are put in order of their validation accuracy, those that
/// diverged last; so one trial that is lost counts no more than its place. By each parameter they fall into groups, one for
/// each choice or a quarter of the numbers each. The share of the places' variance that lies between the groups, less what
/// chance alone would put there, is ε² (Kelley: "An unbiased correlation ratio measure", 1935).
package enum Importance {
  /// ε² from 0 to 1 of values that fall into `groups`; nil where that tells nothing: one group, or no more values than groups.
  package static func explained(_ values: [Double], groups: [Int]) -> Double? {
    let members = Dictionary(grouping: values.indices) { groups[$0] }
    guard members.count > 1, values.count > members.count else { return nil }
    func mean(_ indices: some Collection<Int>) -> Double {
      indices.reduce(0) { $0 + values[$1] } / Double(indices.count)
    }
    func square(_ indices: some Collection<Int>) -> Double {
      let mean = mean(indices)
      return indices.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) }
    }
    let total = square(values.indices)
    guard total > 0 else { return nil }
    // In the order of the groups: sums in another order would have other last bits.
    let within = members.sorted { $0.key < $1.key }.reduce(0) { $0 + square($1.value) }
    let freedom = Double(values.count - members.count)
    return max(1 - within / freedom / (total / Double(values.count - 1)), 0)
  }

  /// The group of each value: one for each that differs, or of more than four numbers a quarter each, by their order.
  static func groups(_ values: [JSONValue?]) -> [Int] {
    let numbers = values.compactMap { $0?.double }
    if numbers.count == values.count, Set(numbers).count > 4 {
      let sorted = numbers.sorted()
      return numbers.map { number in
        let below = sorted.firstIndex { $0 >= number } ?? 0
        return 4 * below / sorted.count
      }
    }
    let words = values.map { $0?.words ?? "" }
    let distinct = Set(words).sorted()
    return words.map { distinct.firstIndex(of: $0) ?? 0 }
  }
}
