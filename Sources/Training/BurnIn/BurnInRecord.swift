/// What a rank tells the others at the end of a round of a burn-in.
struct BurnInRecord: Hashable, Sendable {
  /// Leaves that it computed, and the seconds that they took.
  var leaves = 0
  var computeSeconds = 0.0
  /// Leaves that came out differently when it computed them again.
  var contradictions = 0
  /// The self-test's recipe that it trained in this round was another model than it must be.
  var failsSelfTest = false
  /// Messages from its partner, those of them with other bits than were sent, and the seconds of the exchange.
  var messages = 0
  var wrongMessages = 0
  var exchangeSeconds = 0.0
  /// The node's, in degrees Celsius; nil where the system does not tell, and on all ranks but a node's first.
  var temperature: Double?
  /// Whether it was asked to stop.
  var isStopRequested = false
  /// A hash for each whole block of leaves.
  var blocks: [UInt64] = []

  /// Leaves to a block: what differs is looked for in blocks first, so that rounds in which nothing does are cheap.
  static let blockSize = 32

  init() {}

  /// Of a rank that hashed its leaves like this.
  mutating func setBlocks(_ hashes: [UInt64]) {
    blocks = (0..<hashes.count / Self.blockSize).map { block in
      Self.block(block, of: hashes).reduce(0) { ($0 ^ $1) &* 0x9E37_79B9_7F4A_7C15 }
    }
  }

  /// The hashes of a block's leaves.
  static func block(_ index: Int, of hashes: [UInt64]) -> ArraySlice<UInt64> {
    hashes[index * blockSize..<(index + 1) * blockSize]
  }

  /// Words that travel.
  var words: [UInt64] {
    [
      UInt64(leaves), computeSeconds.bitPattern, UInt64(contradictions), failsSelfTest ? 1 : 0,
      UInt64(messages),
      UInt64(wrongMessages), exchangeSeconds.bitPattern, (temperature ?? .nan).bitPattern,
      isStopRequested ? 1 : 0,
    ] + blocks
  }

  private static let headerCount = 9

  /// Reads `words`.
  init(words: [UInt64]) {
    precondition(words.count >= Self.headerCount, "\(words.count) words of a record")
    leaves = Int(truncatingIfNeeded: words[0])
    computeSeconds = Double(bitPattern: words[1])
    contradictions = Int(truncatingIfNeeded: words[2])
    failsSelfTest = words[3] != 0
    messages = Int(truncatingIfNeeded: words[4])
    wrongMessages = Int(truncatingIfNeeded: words[5])
    exchangeSeconds = Double(bitPattern: words[6])
    let degrees = Double(bitPattern: words[7])
    temperature = degrees.isNaN ? nil : degrees
    isStopRequested = words[8] != 0
    blocks = Array(words.dropFirst(Self.headerCount))
  }
}
