internal import FlyingFox
internal import FlyingSocks
internal import Foundation

/// What the server says to a request.
struct Answer: Sendable {
  var status: HTTPStatusCode
  /// The media type of `body`.
  var type: String
  var body: [UInt8]
  var headers: [(HTTPHeader, String)] = []
  /// Whether the connection ends with it: what else comes on it cannot be understood.
  var closes = false

  init(_ status: HTTPStatusCode = .ok, type: String, body: [UInt8]) {
    (self.status, self.type, self.body) = (status, type, body)
  }

  /// A value as JSON.
  init(json value: some Encodable, status: HTTPStatusCode = .ok) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    self.init(status, type: "application/json", body: Array(try encoder.encode(value)) + [UInt8(ascii: "\n")])
  }

  /// One sentence, `{"error": "…"}`.
  init(
    error sentence: String, status: HTTPStatusCode, headers: [(HTTPHeader, String)] = [], closes: Bool = false
  ) {
    struct Problem: Encodable { let error: String }
    let json = try? Answer(json: Problem(error: sentence), status: status)
    self = json ?? Answer(status, type: "application/json", body: [])
    self.headers = headers
    self.closes = closes
  }

  /// Browsers get nothing from elsewhere into the page, and guess no types.
  private static let always: [(HTTPHeader, String)] = [
    (
      HTTPHeader("Content-Security-Policy"),
      "default-src 'none'; script-src 'self'; style-src 'self'; "
        + "connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    (HTTPHeader("X-Content-Type-Options"), "nosniff"), (HTTPHeader("Referrer-Policy"), "no-referrer"),
    (.cacheControl, "no-store"),
  ]

  /// The answer as it is sent; `token` is held until that is done. The answer to HEAD has no body.
  func response(isHead: Bool, _ token: InFlight.Token) -> HTTPResponse {
    var fields = HTTPHeaders()
    for (name, value) in Self.always + headers { fields[name] = value }
    fields[.contentType] = type
    fields[.contentLength] = "\(body.count)"
    if closes { fields[.connection] = "close" }
    let sent = SentBody(bytes: isHead ? [] : body, closes: closes, token: token)
    return HTTPResponse(
      statusCode: status, headers: fields,
      body: HTTPBodySequence(from: sent, count: sent.bytes.count, suggestedBufferSize: 1 << 16))
  }
}

/// A body on its way to the client.
private struct SentBody: AsyncBufferedSequence {
  typealias Element = UInt8

  let bytes: [UInt8]
  let closes: Bool
  let token: InFlight.Token

  func makeAsyncIterator() -> Iterator { Iterator(body: self) }

  struct Iterator: AsyncBufferedIteratorProtocol {
    let body: SentBody
    var sent = 0

    mutating func next() async throws -> UInt8? { try await nextBuffer(suggested: 1)?.first }

    mutating func nextBuffer(suggested count: Int) async throws -> ArraySlice<UInt8>? {
      guard sent < body.bytes.count else {
        // The one way to have the connection closed once all is sent.
        if body.closes { throw SocketError.disconnected }
        return nil
      }
      let piece = body.bytes[sent..<Swift.min(sent + count, body.bytes.count)]
      sent = piece.endIndex
      return piece
    }
  }
}
