/// The precision of gradient sums, in memory and on the wire.
package enum GradientFormat: String, Sendable, Codable, CaseIterable {
  /// 32 bits.
  case float32
  /// 16 bits with a float's range (8 bits of precision). Every leaf and every sum in the tree is rounded to it, nearest,
  /// ties to even, whether or not it travels: so which of them travel, and with it the number of ranks, cannot be
  /// told from the result.
  case bfloat16
}
