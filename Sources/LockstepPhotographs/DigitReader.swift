internal import Digests
internal import Files
internal import Inference
internal import Photographs

/// Reads handwritten digits in photographs of pen on paper.
///
/// The model that reads comes with the library; any model that `lockstep train` made of 28 × 28 pixels and ten digits can
/// read instead.
///
/// ```swift
/// let reader = try DigitReader()
/// let reading = try reader.read(path: "letter.jpg")
/// for row in reading.rows {
///   for digit in row { print(digit.digit, digit.confidence, digit.box) }
/// }
/// ```
///
/// Results are those of `lockstep read`, with the same bits on every x86-64 processor. A reader serves one thread at a
/// time: a program that reads on several threads has one for each.
public final class DigitReader {
  /// SHA-256 of the model's file, 64 hexadecimal digits.
  public let modelDigest: String

  private let reader: PhotographReader

  /// Opens the reader that comes with the library.
  ///
  /// - Throws: ``DigitReaderError`` if the library was built with a damaged model.
  public convenience init() throws(DigitReaderError) {
    try self.init(path: nil)
  }

  /// Opens a reader whose model is in the file at `modelPath`.
  ///
  /// - Parameter modelPath: A checkpoint of Lockstep's, such as a run's `final.safetensors`.
  /// - Throws: ``DigitReaderError`` of kind ``DigitReaderError/Kind-swift.enum/missing`` if there is no such file, of
  ///   kind ``DigitReaderError/Kind-swift.enum/unusableModel`` if it is damaged or no model that reads digits.
  public convenience init(modelPath: String) throws(DigitReaderError) {
    try self.init(path: modelPath)
  }

  private init(path: String?) throws(DigitReaderError) {
    do {
      let model = try ReaderModel.opened(path: path)
      modelDigest = model.fileDigest.description
      reader = PhotographReader(try NetworkRecognizer(model, name: model.path))
    } catch {
      throw DigitReaderError(error, otherwise: .unusableModel)
    }
  }

  /// Reads the photograph at `path`.
  ///
  /// - Parameter path: A JPEG, PNG, WebP, Netpbm, or, where libheif is installed, HEIC or AVIF file of up to 200
  ///   megapixels.
  /// - Returns: The digits, row by row; none is no error.
  /// - Throws: ``DigitReaderError`` if the file is missing or no picture that can be decoded.
  public func read(path: String) throws(DigitReaderError) -> DigitReading {
    let file: [UInt8]
    do { file = try readFile(path) } catch { throw DigitReaderError(error, otherwise: .missing) }
    return try read(file, name: path)
  }

  /// Reads a photograph whose file is in memory.
  ///
  /// - Parameters:
  ///   - file: The bytes of such a file as ``read(path:)`` reads.
  ///   - name: What errors call it.
  /// - Returns: The digits, row by row; none is no error.
  /// - Throws: ``DigitReaderError`` if it is no picture that can be decoded.
  public func read(_ file: [UInt8], name: String = "photograph") throws(DigitReaderError) -> DigitReading {
    do {
      return DigitReading(reader.read(try Picture(decoding: file, name: name)))
    } catch {
      throw DigitReaderError(error)
    }
  }
}
