#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Text in memory of a fixed size, for a signal handler.
struct SignalSafeText {
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private var count = 0

  init(capacity: Int) {
    bytes = .allocate(capacity: capacity)
    bytes.initialize(repeating: 0)
  }

  /// Gives the memory back.
  func deallocate() { bytes.deallocate() }

  mutating func clear() { count = 0 }

  mutating func append(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { append(byte: text.utf8Start[index]) }
  }

  mutating func append(_ text: UnsafePointer<CChar>?) {
    guard var next = text else { return }
    while next.pointee != 0 {
      append(byte: UInt8(bitPattern: next.pointee))
      next += 1
    }
  }

  mutating func append(_ other: SignalSafeText) {
    for index in 0..<other.count { append(byte: other.bytes[index]) }
  }

  /// A number that is not negative.
  mutating func append(_ number: Int) {
    var power = 1
    while number / power >= 10 { power *= 10 }
    while power > 0 {
      append(byte: UInt8(48 + number / power % 10))
      power /= 10
    }
  }

  func write() {
    #if canImport(Glibc)
      _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, count)
    #else
      _ = Musl.write(STDERR_FILENO, bytes.baseAddress, count)
    #endif
  }

  private mutating func append(byte: UInt8) {
    guard count < bytes.count else { return }
    bytes[count] = byte
    count += 1
  }
}
