/// The type of a tensor's elements, by its name in a safetensors header.
package enum ElementType: String, Hashable, Sendable, CaseIterable {
  /// IEEE 754 single precision; the only type that Lockstep writes.
  case float32 = "F32"
  /// Two's complement, 64 bits.
  case int64 = "I64"
  /// Bytes.
  case uint8 = "U8"
  /// IEEE 754 half precision.
  case float16 = "F16"
  /// The upper half of a single-precision number.
  case bfloat16 = "BF16"
  /// IEEE 754 double precision.
  case float64 = "F64"

  /// The bytes of one element.
  package var byteCount: Int {
    switch self {
    case .float32: 4
    case .int64, .float64: 8
    case .uint8: 1
    case .float16, .bfloat16: 2
    }
  }
}

/// A tensor's name, element type and shape; the data lie elsewhere, row-major.
package struct TensorDescription: Hashable, Sendable {
  /// E.g. `parameters.conv1.weight`.
  package let name: String
  /// The type of the elements.
  package let elementType: ElementType
  /// The extents, the last one varying fastest; empty for a single element.
  package let shape: [Int]

  /// Describes a tensor whose extents are not negative.
  package init(name: String, elementType: ElementType = .float32, shape: [Int]) {
    precondition(shape.allSatisfy { $0 >= 0 }, "tensor \(name) has a negative extent")
    self.name = name
    self.elementType = elementType
    self.shape = shape
  }

  /// The number of elements.
  package var count: Int { shape.reduce(1, *) }

  /// The number of bytes of all elements.
  package var byteCount: Int { count * elementType.byteCount }

  /// `byteCount`, or nil if that is no number the machine can hold.
  var byteCountIfRepresentable: Int? {
    var product = elementType.byteCount
    for extent in shape {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      product = next
    }
    return product
  }
}
