internal import CPNG
internal import Foundation

/// PNG files, written by libpng.
package enum PNGImage {
  /// A grey picture, [height, width], 0 black.
  package static func grey(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
    precondition(pixels.count == width * height, "\(pixels.count) pixels for \(height) × \(width)")
    var image = png_image()
    image.version = png_uint_32(PNG_IMAGE_VERSION)
    image.width = png_uint_32(width)
    image.height = png_uint_32(height)
    image.format = 0  // PNG_FORMAT_GRAY
    var size = 0
    var done = png_image_write_to_memory(&image, nil, &size, 0, pixels, 0, nil)
    var file = [UInt8](repeating: 0, count: size)
    if done != 0 { done = png_image_write_to_memory(&image, &file, &size, 0, pixels, 0, nil) }
    precondition(done != 0, "libpng cannot write a grey picture of \(height) × \(width)")
    return Array(file.prefix(size))
  }

  /// A `data:` address of a grey picture, for pages that must need nothing else.
  package static func address(ofGrey pixels: [UInt8], width: Int, height: Int) -> String {
    "data:image/png;base64," + Data(grey(pixels, width: width, height: height)).base64EncodedString()
  }
}
