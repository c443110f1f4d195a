/// What an IDX file may hold, by the magic numbers that say so: two zero bytes, the elements' type, the number of
/// dimensions.
struct IDXContent: Sendable {
  /// The magic numbers that are right.
  let magics: [UInt32]
  /// What errors say is expected.
  let expectation: String

  /// Unsigned bytes in so many dimensions.
  static func bytes(dimensionCount rank: Int) -> IDXContent {
    let magic = UInt32(0x800 + rank)
    return IDXContent(
      magics: [magic],
      expectation: "the IDX magic number \(hexadecimal(magic)) (unsigned bytes in \(rank) "
        + "dimension\(rank == 1 ? "" : "s"))")
  }

  /// Grey images.
  static let images = bytes(dimensionCount: 3)

  /// Whole numbers: unsigned and signed bytes, 16 and 32 bits; or QMNIST's rows of 32 bits, which begin with the class.
  static let labels = IDXContent(
    magics: [0x801, 0x901, 0xB01, 0xC01, 0xC02],
    expectation: "an IDX magic number of labels: \(hexadecimal(0x801)) (unsigned bytes in 1 dimension), "
      + "\(hexadecimal(0x901)) (signed bytes), \(hexadecimal(0xB01)) (16 bits), \(hexadecimal(0xC01)) (32 bits) or "
      + "\(hexadecimal(0xC02)) (QMNIST's table)")

  /// The bytes of an element of a file with a right magic number.
  static func elementBytes(_ magic: UInt32) -> Int {
    switch magic >> 8 {
    case 0x0B: 2
    case 0x0C: 4
    default: 1
    }
  }
}

/// As in `0x00000803`.
func hexadecimal(_ word: UInt32) -> String {
  let digits = String(word, radix: 16)
  return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}
