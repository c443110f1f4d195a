#if _endian(big)
  #error("safetensors data are little-endian, and so must the machine be")
#endif

/// One tensor of a checkpoint: its description and a view of its bytes.
package struct CheckpointTensor: Hashable, Sendable {
  /// Name, element type and shape.
  package let description: TensorDescription
  /// The elements, row-major, little-endian.
  package let bytes: ArraySlice<UInt8>

  /// The elements as doubles, row-major, whatever their type.
  package var doubles: [Double] {
    switch description.elementType {
    case .float32: elements(as: Float.self).map { Double($0) }
    case .int64: elements(as: Int64.self).map { Double($0) }
    case .uint8: bytes.map { Double($0) }
    case .float16: elements(as: UInt16.self).map { halfPrecision($0) }
    case .bfloat16: elements(as: UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) }
    case .float64: elements(as: Double.self)
    }
  }

  private func elements<Element: BitwiseCopyable>(as type: Element.Type) -> [Element] {
    [Element](unsafeUninitializedCapacity: description.count) { elements, count in
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(elements).copyMemory(from: $0) }
      count = description.count
    }
  }
}

/// The number that 16 bits of IEEE 754 half precision stand for. Not every platform's Swift has `Float16`.
package func halfPrecision(_ bits: UInt16) -> Double {
  let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023))
  let magnitude =
    switch exponent {
    case 0: fraction * 0x1p-24
    case 31: fraction == 0 ? Double.infinity : .nan
    default: (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
    }
  return bits >> 15 == 0 ? magnitude : -magnitude
}

/// What a checkpoint holds: tensors in the order of their data, and text by key.
///
/// Nothing in it depends on time, host or the number of processes, unless the caller puts it there.
package struct CheckpointContents: Hashable, Sendable {
  /// The tensors, in the order in which their data lie.
  package let tensors: [TensorDescription]
  /// Text by key; without `format` and `digest`, which belong to the file.
  package let metadata: [String: String]
  /// The data of all tensors, one after the other without gaps, little-endian.
  package let data: ArraySlice<UInt8>

  /// A tensor's place.
  private struct Place: Hashable {
    /// Its index in `tensors`.
    let index: Int
    /// Its first byte's distance from the start of `data`.
    let offset: Int
  }

  private let places: [String: Place]

  /// Puts contents together.
  ///
  /// - Precondition: names differ from each other and from `__metadata__`, `data` has exactly the bytes
  ///   that the tensors need, and metadata do not use the keys `format` and `digest`.
  package init(tensors: [TensorDescription], metadata: [String: String], data: ArraySlice<UInt8>) {
    self.tensors = tensors
    self.metadata = metadata
    self.data = data
    var places: [String: Place] = [:]
    var offset = 0
    for (index, tensor) in tensors.enumerated() {
      places[tensor.name] = Place(index: index, offset: offset)
      offset += tensor.byteCount
    }
    precondition(offset == data.count, "tensors of \(offset) bytes, data of \(data.count)")
    self.places = places
    checkWritable(tensors, metadata)
  }

  /// The tensor of that name, if there is one.
  package subscript(name: String) -> CheckpointTensor? {
    guard let place = places[name] else { return nil }
    let start = data.startIndex + place.offset
    let tensor = tensors[place.index]
    return CheckpointTensor(description: tensor, bytes: data[start..<start + tensor.byteCount])
  }
}

/// Traps if a caller wants to write what a file cannot express.
func checkWritable(_ tensors: [TensorDescription], _ metadata: [String: String]) {
  precondition(Set(tensors.map(\.name)).count == tensors.count, "two tensors have the same name")
  precondition(!tensors.contains { $0.name == SafeTensorsHeader.metadataKey }, "a tensor's name is reserved")
  for key in [SafeTensorsHeader.formatKey, SafeTensorsHeader.digestKey] {
    precondition(metadata[key] == nil, "the metadata key \(key) is reserved")
  }
}
