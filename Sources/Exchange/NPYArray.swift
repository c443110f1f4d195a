internal import Checkpoints
internal import Files
internal import Foundation

/// An array in NumPy's format (numpy.org/doc, "numpy.lib.format": NPY, versions 1 to 3).
enum NPYArray {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// The bytes of a file with single-precision numbers, row by row.
  static func bytes(shape: [Int], values: [Float]) -> [UInt8] {
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(extents)), }"
    // With the 10 bytes before it and the line's end the header fills whole 64 bytes.
    header += String(repeating: " ", count: (64 - (header.utf8.count + 11) % 64) % 64) + "\n"
    let length = header.utf8.count
    return magic + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(header.utf8)
      + values.withUnsafeBytes { Array($0) }
  }

  /// Reads a file's bytes; `name` is what errors call it.
  ///
  /// - Throws: kind `malformed`.
  static func read(_ bytes: [UInt8], name: String) throws(FileError) -> (shape: [Int], values: [Float]) {
    func problem(_ clause: String) -> FileError { FileError(.malformed, "\(name): \(clause)") }
    guard bytes.count > 12, bytes.starts(with: magic), (1...3).contains(bytes[6]) else {
      throw problem("expected an array in NumPy's format (NPY 1 to 3), found other bytes")
    }
    let start = bytes[6] == 1 ? 10 : 12
    let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= bytes.count - start else {
      throw problem("expected a header of \(length) bytes, found only \(bytes.count - start)")
    }
    let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
    guard let descr = text(after: "'descr':", in: header), descr.first == "'",
      let type = NumberType(rawValue: String(descr.dropFirst().prefix { $0 != "'" }))
    else {
      let known = NumberType.allCases.map(\.rawValue).joined(separator: ", ")
      throw problem("expected numbers of type \(known), found the header \(header.prefix(80))")
    }
    let isColumnMajor = text(after: "'fortran_order':", in: header)?.hasPrefix("True") ?? false
    guard let tuple = text(after: "'shape':", in: header), tuple.first == "(" else {
      throw problem("expected a shape, found the header \(header.prefix(80))")
    }
    var shape: [Int] = []
    var count = 1
    for word in tuple.dropFirst().prefix(while: { $0 != ")" }).split(separator: ",") {
      let word = word.trimmingCharacters(in: .whitespaces)
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(word) ?? -1)
      guard let extent = Int(word), extent >= 0, !overflow else {
        throw problem("expected a shape of whole numbers, found '\(word.prefix(20))'")
      }
      shape.append(extent)
      count = product
    }
    let data = bytes[(start + length)...]
    let (size, overflow) = count.multipliedReportingOverflow(by: type.byteCount)
    guard size == data.count, !overflow else {
      throw problem("expected \(count) numbers of type \(type.rawValue), found \(data.count) bytes")
    }
    let values = type.floats(data, count: count)
    return (shape, isColumnMajor ? rowMajor(values, shape: shape) : values)
  }

  /// What stands behind `key`, spaces left out.
  private static func text(after key: String, in header: String) -> Substring? {
    header.range(of: key).map { header[$0.upperBound...].drop { $0 == " " } }
  }

  /// Numbers in which the first index varies fastest, in the order in which the last one does.
  private static func rowMajor(_ values: [Float], shape: [Int]) -> [Float] {
    let strides = shape.indices.map { shape[..<$0].reduce(1, *) }
    var index = [Int](repeating: 0, count: shape.count)
    return values.indices.map { _ in
      let value = values[zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }]
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
      return value
    }
  }

  /// The types of numbers that are read, by NumPy's names.
  private enum NumberType: String, CaseIterable {
    case half = "<f2"
    case single = "<f4"
    case double = "<f8"

    var byteCount: Int {
      switch self {
      case .half: 2
      case .single: 4
      case .double: 8
      }
    }

    func floats(_ bytes: ArraySlice<UInt8>, count: Int) -> [Float] {
      bytes.withUnsafeBytes { bytes in
        (0..<count).map { index in
          switch self {
          case .half:
            Float(halfPrecision(bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)))
          case .single: bytes.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
          case .double: Float(bytes.loadUnaligned(fromByteOffset: 8 * index, as: Double.self))
          }
        }
      }
    }
  }
}
