import Datasets
import FlyingFox
import FlyingSocks
import Foundation
import Photographs
import Serving
import Testing

/// What the service answers, without a socket.
struct ServiceTests {
  private func service(_ limits: PhotographService.Limits = .init(), readers: Int = 1) throws
    -> PhotographService
  {
    let all = try (0..<readers).map { _ in
      PhotographService.Readers(try NetworkRecognizer(ReaderModel.trained(), name: "it"))
    }
    return PhotographService(modelName: "the model", readers: all, limits: limits)
  }

  private struct Got {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]

    func json() throws -> [String: Any] {
      try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
    }

    /// Of an answer that is one sentence and nothing else.
    func error() throws -> String {
      let fields = try json()
      #expect(fields.count == 1)
      return try #require(fields["error"] as? String)
    }
  }

  private func ask(
    _ service: PhotographService, _ method: HTTPMethod, _ path: String, _ query: [String: String] = [:],
    headers: [HTTPHeader: String] = [:], _ body: [UInt8] = []
  ) async throws -> Got {
    let request = HTTPRequest(
      method: method, version: .http11, path: path, query: query.map { .init(name: $0, value: $1) },
      headers: headers, body: Data(body))
    return try await ask(service, request)
  }

  private func ask(
    _ service: PhotographService, _ method: HTTPMethod, _ path: String, _ body: [UInt8]
  ) async throws -> Got {
    try await ask(service, method, path, [:], body)
  }

  private func ask(_ service: PhotographService, _ request: HTTPRequest) async throws -> Got {
    let response = await service.respond(to: request)
    return Got(
      status: response.statusCode.code, headers: response.headers, body: [UInt8](try await response.bodyData))
  }

  private func page() throws -> PageComposer.Page {
    let digits = try Dataset(synthetic: SyntheticDigits(seed: 11), trainCount: 1, testCount: 500).read(.test)
    return PageComposer(digits: digits, seed: 5).page(1, .clean)
  }

  /// Black digits of straight strokes, 20 pixels wide, on white: [strokes][points], in hundreds of pixels.
  private func drawing(_ strokes: [[SIMD2<Float>]], width: Int = 640, height: Int = 400) -> [UInt8] {
    var pixels = [UInt8](repeating: 255, count: width * height * 3)
    for stroke in strokes {
      for (a, b) in zip(stroke, stroke[1...]) {
        for step in 0...200 {
          let place = (a + (b - a) * Float(step) / 200) * 100
          for y in Int(place.y) - 10..<Int(place.y) + 10 {
            for x in Int(place.x) - 10..<Int(place.x) + 10 {
              for c in 0..<3 { pixels[(y * width + x) * 3 + c] = 0 }
            }
          }
        }
      }
    }
    return Picture(width: width, height: height, pixels: pixels).png()
  }

  private let one: [[SIMD2<Float>]] = [[[1, 1], [1, 3]]]
  private let seven: [[SIMD2<Float>]] = [[[2.5, 0.8], [3.8, 0.8], [3, 3.2]]]

  @Test func aPhotographIsReadAsTheCommandReadsIt() async throws {
    let service = try service()
    let page = try page()
    let file = page.picture.jpeg(quality: 95)
    let plain = try await ask(service, .POST, "/v1/read", file)
    #expect(plain.status == 200 && plain.headers[.contentType] == "application/json")
    let expected = PhotographReader(try NetworkRecognizer(ReaderModel.trained(), name: "it"))
      .read(try Picture(decoding: file, name: ""))
    let fields = try plain.json()
    let rows = try #require(fields["rows"] as? [[String: Any]])
    #expect(rows.compactMap { $0["text"] as? String } == expected.lines && !rows.isEmpty)
    #expect(
      fields["width"] as? Int == page.picture.width && fields["annotated"] == nil && fields["images"] == nil)

    let full = try await ask(service, .POST, "/v1/read", ["annotate": "true", "images": "true"], file).json()
    let address = try #require(full["annotated"] as? String)
    let start = "data:image/jpeg;base64,"
    #expect(address.hasPrefix(start))
    let picture = try #require(Data(base64Encoded: String(address.dropFirst(start.count))))
    let annotated = try Picture(decoding: [UInt8](picture), name: "")
    #expect(annotated.width == page.picture.width && annotated.pixels != page.picture.pixels)
    let images = try #require(full["images"] as? [[[[Int]]]])
    #expect(images.map(\.count) == expected.rows.map(\.count))
    #expect(images.first?.first?.flatMap { $0 } == expected.rows[0][0].image.map(Int.init))
  }

  @Test func aDrawingMayHoldOneDigitOrSeveral() async throws {
    let service = try service()
    for (strokes, text) in [(one, "1"), (seven, "7"), (one + seven, "17")] {
      let fields = try await ask(service, .POST, "/v1/drawing", drawing(strokes)).json()
      let rows = try #require(fields["rows"] as? [[String: Any]])
      #expect(rows.compactMap { $0["text"] as? String } == [text])
      #expect((fields["images"] as? [[[[Int]]]])?.first?.count == text.count)
    }
    let empty = try await ask(service, .POST, "/v1/drawing", drawing([])).json()
    #expect((empty["rows"] as? [Any])?.isEmpty == true)
  }

  @Test func oneDigitHasProbabilitiesAndAPicture() async throws {
    let service = try service()
    let fields = try await ask(service, .POST, "/v1/digit", drawing(seven)).json()
    let probabilities = try #require(fields["probabilities"] as? [Double])
    #expect(fields["digit"] as? Int == 7 && probabilities.count == 10)
    #expect(fields["confidence"] as? Double == probabilities[7])
    let image = try #require(fields["image"] as? [[Int]])
    #expect(image.count == 28 && image.allSatisfy { $0.count == 28 } && image.joined().contains(255))
    let empty = try await ask(service, .POST, "/v1/digit", drawing([]))
    #expect(try empty.status == 422 && empty.error().contains("no ink"))
  }

  @Test func whatIsNoPictureIsRefusedInOneSentence() async throws {
    let service = try service()
    let png = drawing(one)
    let cases: [(Int, [String: String], [HTTPHeader: String], [UInt8])] = [
      (415, [:], [:], []),
      (415, [:], [:], Array("no picture".utf8)),
      (415, [:], [.contentType: "multipart/form-data; boundary=x"], png),
      (422, [:], [:], Array(png[..<60])),
      (400, ["annotate": "maybe"], [:], png),
      (400, ["images": ""], [:], png),
    ]
    for (status, query, headers, body) in cases {
      let got = try await ask(service, .POST, "/v1/read", query, headers: headers, body)
      #expect(got.status == status)
      #expect(try !got.error().isEmpty)
    }
    // 15,000 × 15,000 pixels of a file that says no more.
    let huge = try await ask(service, .POST, "/v1/read", Array("P5 15000 15000 255\n".utf8))
    #expect(huge.status == 413)
    // curl's type for any body.
    let curl = try await ask(
      service, .POST, "/v1/read", headers: [.contentType: "application/x-www-form-urlencoded"], png)
    #expect(curl.status == 200)
  }

  @Test func pathsAndMethodsThatNobodyServes() async throws {
    let service = try service()
    let missing = try await ask(service, .GET, "/v1/nothing")
    #expect(try missing.status == 404 && missing.error().contains("/openapi.json"))
    for (method, path, allowed) in [
      (HTTPMethod.GET, "/v1/read", "POST"), (.POST, "/", "GET, HEAD"), (.DELETE, "/v1/health", "GET, HEAD"),
      (.OPTIONS, "/v1/digit", "POST"),
    ] {
      let got = try await ask(service, method, path)
      #expect(try got.status == 405 && !got.error().isEmpty)
      #expect(got.headers[HTTPHeader("Allow")] == allowed)
    }
  }

  @Test func pagesAndHEAD() async throws {
    let service = try service()
    for (path, type) in [
      ("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript"),
      ("/openapi.json", "application/json"), ("/v1/health", "application/json"),
    ] {
      let got = try await ask(service, .GET, path)
      #expect(got.status == 200 && got.headers[.contentType]?.hasPrefix(type) == true && !got.body.isEmpty)
      let head = try await ask(service, .HEAD, path)
      #expect(head.status == 200 && head.body.isEmpty && head.headers[.contentLength] == "\(got.body.count)")
      #expect(got.headers[HTTPHeader("Content-Security-Policy")]?.contains("default-src 'none'") == true)
    }
    let health = try await ask(service, .GET, "/v1/health").json()
    #expect(health["status"] as? String == "ok" && health["model"] as? String == "the model")
  }

  /// The description and the server name the same paths and methods.
  @Test func theDescriptionIsOfThisServer() async throws {
    let service = try service()
    let api = try await ask(service, .GET, "/openapi.json").json()
    let paths = try #require(api["paths"] as? [String: [String: Any]])
    #expect(Set(paths.keys) == ["/v1/read", "/v1/drawing", "/v1/digit", "/v1/health", "/metrics"])
    for (path, methods) in paths {
      for method in ["get", "post"] {
        let got = try await ask(service, HTTPMethod(method), path, method == "post" ? drawing(one) : [])
        #expect((got.status == 200) == (methods[method] != nil), "\(method) \(path)")
      }
    }
  }

  // MARK: Limits

  /// A body that is announced, and comes in part.
  private struct Trickle: AsyncBufferedSequence, AsyncBufferedIteratorProtocol {
    typealias Element = UInt8

    var left: Int
    var end: End

    enum End { case silence, endsEarly }

    func makeAsyncIterator() -> Trickle { self }
    mutating func next() async throws -> UInt8? { try await nextBuffer(suggested: 1)?.first }

    mutating func nextBuffer(suggested count: Int) async throws -> [UInt8]? {
      if left == 0 {
        if end == .endsEarly { return nil }
        try await Task.sleep(for: .seconds(3600))
      }
      let piece = Swift.min(count, left)
      left -= piece
      return [UInt8](repeating: 7, count: piece)
    }
  }

  private func request(_ body: HTTPBodySequence, _ headers: HTTPHeaders = [:]) -> HTTPRequest {
    HTTPRequest(
      method: .POST, version: .http11, path: "/v1/read", query: [], headers: headers, body: body)
  }

  /// The status, and whether the connection ends after the answer.
  private func outcome(_ service: PhotographService, _ request: HTTPRequest) async -> (Int, Bool) {
    let response = await service.respond(to: request)
    guard let body = try? await response.bodyData else {
      return (response.statusCode.code, response.headers[.connection] == "close")
    }
    #expect(body.starts(with: Array("{\"error\":".utf8)))
    return (response.statusCode.code, false)
  }

  @Test func bodiesAreBoundedInSizeAndTime() async throws {
    var limits = PhotographService.Limits()
    limits.bodyBytes = 1 << 20
    limits.bodySeconds = 0.05
    let service = try service(limits)
    func body(_ left: Int, _ end: Trickle.End, announced: Int) -> HTTPBodySequence {
      HTTPBodySequence(from: Trickle(left: left, end: end), count: announced)
    }
    let large = 2 << 20
    // Read to its end, so that the connection goes on.
    #expect(await outcome(service, request(HTTPBodySequence(data: Data(count: large)))) == (413, false))
    // Too much to wait for, or not yet sent.
    #expect(await outcome(service, request(body(0, .silence, announced: 1 << 40))) == (413, true))
    let waits: HTTPHeaders = [HTTPHeader("Expect"): "100-continue"]
    #expect(await outcome(service, request(body(0, .silence, announced: large), waits)) == (413, true))
    #expect(await outcome(service, request(body(1000, .silence, announced: 2000))) == (408, true))
    #expect(await outcome(service, request(body(1000, .endsEarly, announced: 2000))) == (400, true))
  }

  @Test func moreThanMayWaitIsSentAway() async throws {
    let service = try service(readers: 0)
    let got = try await ask(service, .POST, "/v1/read", drawing(one))
    #expect(try got.status == 503 && got.error().contains("wait"))
    #expect(got.headers[HTTPHeader("Retry-After")] == "1")
    // Before its body is taken in.
    var limits = PhotographService.Limits()
    limits.requests = 0
    let body = HTTPBodySequence(from: Trickle(left: 0, end: .silence), count: 1000)
    #expect(await outcome(try self.service(limits), request(body)) == (503, true))
  }

  @Test func metricsCountWhatWasAsked() async throws {
    let service = try service()
    _ = try await ask(service, .POST, "/v1/drawing", drawing(one + seven))
    _ = try await ask(service, .POST, "/v1/drawing", [1, 2, 3])
    _ = try await ask(service, .GET, "/nothing")
    _ = try await ask(service, .GET, "/nothing-else")
    let got = try await ask(service, .GET, "/metrics")
    let lines = Set(String(decoding: got.body, as: UTF8.self).split(separator: "\n").map(String.init))
    for line in [
      "lockstep_requests_total{path=\"/v1/drawing\",status=\"200\"} 1",
      "lockstep_requests_total{path=\"/v1/drawing\",status=\"415\"} 1",
      "lockstep_requests_total{path=\"other\",status=\"404\"} 2",
      "lockstep_request_seconds_count{path=\"/v1/drawing\"} 2",
      "lockstep_request_seconds_bucket{path=\"/v1/drawing\",le=\"+Inf\"} 2",
      "lockstep_requests_in_flight 1", "lockstep_pictures_waiting 0", "lockstep_readers 1",
      "lockstep_pictures_read_total 1", "lockstep_digits_read_total 2",
    ] {
      #expect(lines.contains(line))
    }
    #expect(!lines.contains { $0.contains("nothing") })
  }
}
