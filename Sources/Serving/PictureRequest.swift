internal import FlyingFox
internal import Foundation
internal import Photographs

/// A picture that a client sent, and what it wants to know of it.
struct PictureRequest: Sendable {
  /// Why a request is not understood.
  struct Problem: Error {
    let sentence: String
    let status: HTTPStatusCode
  }

  /// What messages call the picture: its file's name did not come with it.
  private static let name = "photograph"
  private static let annotatedQuality = 85

  private let route: PhotographService.Route
  private let file: [UInt8]
  /// Whether the picture with frames around its digits is wanted.
  private let annotates: Bool
  /// Whether what the network saw is wanted.
  private let hasImages: Bool

  /// - Parameters:
  ///   - request: What came.
  ///   - route: A path that takes pictures.
  ///   - file: The request's body.
  /// - Throws: `Problem` for a form, or for parameters that say neither yes nor no.
  init(_ request: HTTPRequest, _ route: PhotographService.Route, file: [UInt8]) throws(Problem) {
    if let type = request.headers[.contentType]?.lowercased(), type.hasPrefix("multipart/") {
      throw Problem(
        sentence: "expected the picture's bytes as the body, found a form (multipart/form-data)",
        status: .unsupportedMediaType)
    }
    (self.route, self.file) = (route, file)
    annotates = route == .read ? try Self.flag("annotate", of: request) : false
    hasImages = route == .read ? try Self.flag("images", of: request) : true
  }

  /// Whether a parameter is set.
  private static func flag(_ name: String, of request: HTTPRequest) throws(Problem) -> Bool {
    let values = request.query.filter { $0.name == name }.map(\.value)
    guard values.count <= 1, ["true", "false"].contains(values.first ?? "false") else {
      throw Problem(
        sentence: "\(name) must be true or false, found \(values.joined(separator: " and "))",
        status: .badRequest)
    }
    return values.first == "true"
  }

  /// Reads the picture, and counts its digits in `metrics`.
  ///
  /// - Throws: `PictureError` if it cannot be decoded, or what JSON cannot express.
  func answer(of readers: PhotographService.Readers, counting metrics: ServerMetrics) throws -> Answer {
    let picture = try Picture(decoding: file, name: Self.name)
    let reading: Reading
    switch route {
    case .drawing: reading = readers.drawings.read(picture)
    case .digit: reading = readers.drawings.readOne(picture)
    default: reading = readers.photographs.read(picture)
    }
    metrics.add(digits: reading.rows.joined().count)
    if route == .digit {
      guard let digit = DigitAnswer(reading) else {
        return Answer(
          error: "\(Self.name): expected a digit, found no ink", status: .unprocessableContent)
      }
      return try Answer(json: digit)
    }
    var answer = ReadAnswer(reading, name: Self.name, withImages: hasImages)
    if annotates {
      let jpeg = picture.annotated(with: reading).jpeg(quality: Self.annotatedQuality)
      answer.annotated = "data:image/jpeg;base64," + Data(jpeg).base64EncodedString()
    }
    return try Answer(json: answer)
  }
}

extension PictureError {
  /// The status of a request whose picture cannot be decoded.
  var status: HTTPStatusCode {
    switch kind {
    case .unknown, .unsupported: .unsupportedMediaType
    case .damaged: .unprocessableContent
    case .tooLarge: .payloadTooLarge
    case .noMemory: .serviceUnavailable
    }
  }
}
