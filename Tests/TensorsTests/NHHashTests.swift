import Tensors
import Testing

/// The hash of a step: what it is, and that it does not depend on who computes which part.
@Suite struct NHHashTests {
  private func values(_ count: Int, seed: UInt64 = 1) -> [Float] {
    let generator = CounterGenerator(seed: seed, for: .test)
    return (0..<count).map { Float(bitPattern: UInt32(truncatingIfNeeded: generator.bits(at: UInt64($0)))) }
  }

  /// As the definition has it, word by word.
  private func defined(_ values: [Float]) -> UInt64 {
    let words = values.map(\.bitPattern) + Array(repeating: 0, count: (16 - values.count % 16) % 16)
    func factor(_ index: Int) -> UInt64 { UInt64(words[index] &+ NHHash.key(ofWord: index)) }
    return words.indices.filter { $0 % 16 < 8 }.reduce(0) { $0 &+ factor($1) &* factor($1 + 8) }
  }

  @Test func itIsTheDefinition() {
    for count in Array(0...70) + [1000, 4096, 29_322] {
      let values = values(count)
      #expect(NHHash.hash(values.span) == defined(values), "\(count) values")
    }
  }

  /// The first outputs of SplitMix64 with the seed 0 are published with it; keys of later groups differ.
  @Test func theKeysAreThoseOfSplitMix() {
    #expect(NHHash.key(ofWord: 0) == 0xE220_A839 && NHHash.key(ofWord: 1) == 0x6E78_9E6A)
    #expect(NHHash.key(ofWord: 16) == 0xE220_A839 &+ 0x7B1D_CDAF)
    #expect(Set((0..<100_000).map { NHHash.key(ofWord: $0) }).count > 99_990)
  }

  @Test func partsAddUp() {
    let values = values(1000)
    let whole = NHHash.hash(values.span)
    for bounds in [[0, 16, 1000], [0, 0, 480, 496, 992, 1000], [0, 1000, 1000]] {
      let parts = zip(bounds, bounds.dropFirst()).map { $0 % 16 == 0 ? NHHash.hash(values.span, $0..<$1) : 0 }
      #expect(parts.reduce(0, &+) == whole, "\(bounds)")
    }
  }

  @Test func everyBitCounts() {
    let values = values(100)
    let hash = NHHash.hash(values.span)
    for index in values.indices {
      for bit in 0..<32 {
        var changed = values
        changed[index] = Float(bitPattern: values[index].bitPattern ^ 1 << UInt32(bit))
        #expect(NHHash.hash(changed.span) != hash, "bit \(bit) of value \(index)")
      }
    }
    var swapped = values
    swapped.swapAt(3, 19)
    #expect(NHHash.hash(swapped.span) != hash)
  }
}
