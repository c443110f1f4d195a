extension StepRecord {
  /// Appends the record as one line of JSON. Written by hand and into memory that is there: `JSONEncoder` would
  /// cost the root some per cent of a step.
  func appendLine(to text: inout LineBuffer) {
    text.write("{\"event\":\"step\",\"step\":")
    text.write("\(step)")
    text.write(",\"epoch\":")
    text.write("\(epoch)")
    text.append(",\"loss\":", loss)
    text.append(",\"accuracy\":", accuracy)
    text.append(",\"learningRate\":", learningRate)
    text.append(",\"seconds\":{\"data\":", seconds.data)
    text.append(",\"forward\":", seconds.forward)
    text.append(",\"backward\":", seconds.backward)
    text.append(",\"reduction\":", seconds.reduction)
    text.append(",\"wait\":", seconds.wait)
    text.append(",\"update\":", seconds.update)
    text.append(",\"checkpoint\":", seconds.checkpoint)
    text.write("}")
    if let digest {
      text.write(",\"digest\":\"")
      text.append(digest)
      text.write("\"")
    }
    text.write("}\n")
  }
}

/// Text that is on its way to a file. Its memory is used again.
struct LineBuffer: TextOutputStream {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int) { bytes.reserveCapacity(capacity) }

  mutating func write(_ string: String) { bytes.append(contentsOf: string.utf8) }

  /// How the standard library hands a number's characters to a stream that takes them, without a String: most of a
  /// step's numbers have too many characters for one that needs no memory.
  mutating func _writeASCII(_ buffer: UnsafeBufferPointer<UInt8>) { bytes.append(contentsOf: buffer) }

  mutating func append(_ text: some Sequence<UInt8>) { bytes.append(contentsOf: text) }

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// A key with what stands around it, then the number, in quotes if JSON has no such number.
  fileprivate mutating func append(_ key: StaticString, _ number: Double) {
    key.withUTF8Buffer { bytes.append(contentsOf: $0) }
    let quote: StaticString = number.isFinite ? "" : "\""
    quote.withUTF8Buffer { bytes.append(contentsOf: $0) }
    // A NaN has a sign too, which readers do not expect.
    if number.isNaN { write("nan") } else { number.write(to: &self) }
    quote.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }
}
