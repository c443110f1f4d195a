/// An interval for a probability of which `successes` of `count` are known: Wilson's score interval (Wilson 1927,
/// "Probable inference, the law of succession, and statistical inference"), 95 %.
package func wilsonInterval(successes: Int, count: Int) -> ClosedRange<Double> {
  guard count > 0 else { return 0...1 }
  let z = 1.959963984540054
  let n = Double(count)
  let p = Double(successes) / n
  let middle = (p + z * z / (2 * n)) / (1 + z * z / n)
  let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
  return max(middle - half, 0)...min(middle + half, 1)
}
