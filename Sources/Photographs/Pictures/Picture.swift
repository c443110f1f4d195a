internal import CPictures
internal import Files
internal import Foundation

/// A colour picture, upright.
package struct Picture: Sendable {
  package let width: Int
  package let height: Int
  /// [height, width, 3]: red, green, blue, 0...255.
  package var pixels: [UInt8]
  /// The file's own size, before it was shrunk while it was decoded; (width, height) of a picture that is not from a
  /// file.
  package var fullSize: (width: Int, height: Int)
  /// Whether the file ended early or was damaged in places.
  package var isIncomplete = false

  /// Pixels of the full size for each that was kept.
  var scale: Float { Float(fullSize.width) / Float(max(width, 1)) }

  /// - Precondition: `pixels` has width · height · 3 elements.
  package init(width: Int, height: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height * 3, "\(pixels.count) bytes for \(height) × \(width) pixels")
    (self.width, self.height, self.pixels) = (width, height, pixels)
    fullSize = (width, height)
  }
}

/// Why a file gives no picture.
package struct PictureError: ReportedError {
  package enum Kind: Sendable {
    case unknown, damaged, tooLarge, unsupported, noMemory
  }

  package let kind: Kind
  package let description: String

  package var exitCode: Int32 { kind == .noMemory ? 71 : 65 }
}

extension Picture {
  /// No file may have more pixels: what cameras and scanners give, several times over.
  package static let pixelLimit = 200_000_000
  /// About so many pixels are kept of a file that has more: digits that fill a 300th of a page are still 7 pixels high.
  package static let keptPixels = 4_000_000

  /// Decodes a JPEG, PNG, WebP, HEIC, AVIF or Netpbm file, turned as its EXIF data say, shrunk to about `keptPixels`.
  ///
  /// Colours of 16 bits are rounded to 8, CMYK becomes RGB, transparent parts white paper (black, if the ink is light).
  ///
  /// - Parameters:
  ///   - file: The file's bytes.
  ///   - name: What messages call it.
  /// - Throws: `PictureError`.
  package init(decoding file: [UInt8], name: String) throws(PictureError) {
    var decoded = cpictures_picture()
    var message = [CChar](repeating: 0, count: Int(CPICTURES_MESSAGE))
    let outcome = cpictures_decode(
      file, file.count, Int64(Self.keptPixels), Int64(Self.pixelLimit), &decoded, &message)
    let detail = String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    func failure(_ kind: PictureError.Kind, _ sentence: String) -> PictureError {
      PictureError(kind: kind, description: "\(name): \(sentence)")
    }
    switch outcome {
    case CPICTURES_DONE: break
    case CPICTURES_DAMAGED:
      throw failure(.damaged, "the picture cannot be decoded: \(detail.isEmpty ? "it is damaged" : detail)")
    case CPICTURES_TOO_LARGE: throw failure(.tooLarge, detail)
    case CPICTURES_UNSUPPORTED: throw failure(.unsupported, "this kind of picture is not read: \(detail)")
    case CPICTURES_NO_MEMORY: throw failure(.noMemory, "there is no memory for this picture")
    default:
      throw failure(
        .unknown,
        file.isEmpty
          ? "expected a picture, found an empty file"
          : "expected a JPEG, PNG, WebP, HEIC, PGM or PPM picture, found something else")
    }
    guard let pixels = decoded.pixels else { throw failure(.noMemory, "there is no memory for this picture") }
    defer { free(pixels) }
    let (width, height) = (Int(decoded.width), Int(decoded.height))
    self.init(
      width: width, height: height,
      pixels: Array(UnsafeBufferPointer(start: pixels, count: width * height * 3)))
    fullSize = (Int(decoded.full_width), Int(decoded.full_height))
    isIncomplete = decoded.incomplete != 0
  }

  /// The picture as the bytes of a JPEG file of `quality` 1...100.
  package func jpeg(quality: Int) -> [UInt8] {
    encoded { cpictures_encode_jpeg(pixels, Int32(width), Int32(height), Int32(quality), &$0) }
  }

  /// The picture as the bytes of a PNG file.
  package func png() -> [UInt8] {
    encoded { cpictures_encode_png(pixels, Int32(width), Int32(height), &$0) }
  }

  private func encoded(_ encode: (inout Int) -> UnsafeMutablePointer<UInt8>?) -> [UInt8] {
    var count = 0
    guard let file = encode(&count) else {
      preconditionFailure("no memory to encode \(height) × \(width) pixels")
    }
    defer { free(file) }
    return Array(UnsafeBufferPointer(start: file, count: count))
  }
}
