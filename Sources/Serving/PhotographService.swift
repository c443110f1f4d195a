internal import Files
package import FlyingFox
package import Photographs
internal import Runs
internal import Synchronization

/// What each request is answered with. Knows nothing of sockets.
package final class PhotographService: Sendable {
  /// What is served, by path.
  enum Route: String, CaseIterable {
    case page = "/"
    case style = "/page.css"
    case script = "/page.js"
    case api = "/openapi.json"
    case health = "/v1/health"
    case metrics = "/metrics"
    case read = "/v1/read"
    case drawing = "/v1/drawing"
    case digit = "/v1/digit"

    /// Whether it takes a picture, by POST; the others are fetched by GET.
    var takesPicture: Bool { [.read, .drawing, .digit].contains(self) }
  }

  /// The readers of one thread, which alone uses them.
  package final class Readers: @unchecked Sendable {
    let photographs: PhotographReader
    let drawings: DrawingReader

    package init(_ recognizer: any DigitRecognizer) {
      photographs = PhotographReader(recognizer)
      drawings = DrawingReader(recognizer)
    }
  }

  /// What bounds the work that clients can make.
  package struct Limits: Sendable {
    /// Of a picture's file, in bytes.
    package var bodyBytes = 32 << 20
    /// Seconds within which a picture must arrive.
    package var bodySeconds = 60.0
    /// Requests under way; further pictures are refused before they are taken in, so that memory is bounded too.
    package var requests = 256
    /// Pictures that may wait for each reader.
    package var waitingPerReader = 16
    /// Seconds that a picture may wait for a reader.
    package var waitingSeconds = 30.0

    package init() {}
  }

  private struct Health: Encodable {
    let status = "ok"
    let model: String
    let readers: Int
  }

  private let modelName: String
  private let readerCount: Int
  private let queue: ReadingQueue<Readers>
  private let limits: Limits
  private let metrics = ServerMetrics()
  let inFlight = InFlight()
  private let isStopping = Mutex(false)

  /// - Parameters:
  ///   - modelName: What /v1/health calls the model.
  ///   - readers: So many pictures are read at once.
  ///   - limits: What bounds the work.
  package init(modelName: String, readers: [Readers], limits: Limits = Limits()) {
    self.modelName = modelName
    readerCount = readers.count
    self.limits = limits
    queue = ReadingQueue(
      readers, waitingLimit: limits.waitingPerReader * readers.count, patience: limits.waitingSeconds)
  }

  /// From now on, requests are refused; those that came are still answered.
  func stop() { isStopping.withLock { $0 = true } }

  /// Answers a request.
  package func respond(to request: HTTPRequest) async -> HTTPResponse {
    let token = inFlight.enter()
    let start = MonotonicClock.now()
    let route = Route(rawValue: request.path)
    let answer = await answer(request, route)
    // Paths that nobody serves are many, and make one line.
    metrics.add(
      path: route?.rawValue ?? "other", status: answer.status.code, seconds: MonotonicClock.now() - start)
    return answer.response(isHead: request.method == .HEAD, token)
  }

  private func answer(_ request: HTTPRequest, _ route: Route?) async -> Answer {
    if isStopping.withLock({ $0 }) {
      return Answer(
        error: "the server is stopping", status: .serviceUnavailable, headers: [(Self.retryAfter, "5")],
        closes: true)
    }
    guard let route else {
      return await refusal(
        request, "there is nothing at this path: GET /openapi.json tells what there is", .notFound)
    }
    let methods = route.takesPicture ? [HTTPMethod.POST] : [.GET, .HEAD]
    guard methods.contains(request.method) else {
      let names = methods.map(\.rawValue)
      return await refusal(
        request, "\(route.rawValue) takes \(names.joined(separator: " and ")) requests", .methodNotAllowed,
        [(HTTPHeader("Allow"), names.joined(separator: ", "))])
    }
    if route.takesPicture { return await read(request, route) }
    // A body that nobody asked for must not be taken for the next request.
    if let problem = await discard(request) { return problem }
    switch route {
    case .page: return Answer(type: "text/html; charset=utf-8", body: PackageResources.page_html)
    case .style: return Answer(type: "text/css; charset=utf-8", body: PackageResources.page_css)
    case .script: return Answer(type: "text/javascript; charset=utf-8", body: PackageResources.page_js)
    case .api: return Answer(type: "application/json", body: PackageResources.openapi_json)
    case .metrics:
      let text = metrics.text(inFlight: inFlight.count, waiting: queue.waitingCount, readers: readerCount)
      return Answer(type: ServerMetrics.type, body: Array(text.utf8))
    default: return json(Health(model: modelName, readers: readerCount))
    }
  }

  // MARK: Requests without a picture

  private static let retryAfter = HTTPHeader("Retry-After")

  private func refusal(
    _ request: HTTPRequest, _ sentence: String, _ status: HTTPStatusCode,
    _ headers: [(HTTPHeader, String)] = []
  ) async -> Answer {
    Answer(error: sentence, status: status, headers: headers, closes: await discard(request) != nil)
  }

  /// Reads a body that is of no use; what to answer if that fails.
  private func discard(_ request: HTTPRequest) async -> Answer? {
    do throws(RequestBody.Problem) {
      _ = try await RequestBody(limit: 0, seconds: limits.bodySeconds).read(request)
      return nil
    } catch .tooLarge(isTaken: true) {
      return nil
    } catch {
      return answer(to: error)
    }
  }

  private func answer(to problem: RequestBody.Problem) -> Answer {
    switch problem {
    case .tooLarge(let isTaken):
      return Answer(
        error: "the picture's file is too large: expected at most \(limits.bodyBytes >> 20) MiB",
        status: .payloadTooLarge, closes: !isTaken)
    case .late:
      return Answer(
        error: "the picture did not arrive within \(Int(limits.bodySeconds)) seconds",
        status: .requestTimeout,
        closes: true)
    case .broken:
      return Answer(
        error: "the request's body ended early, or is not as its headers announce it", status: .badRequest,
        closes: true)
    }
  }

  private func json(_ value: some Encodable) -> Answer {
    do {
      return try Answer(json: value)
    } catch {
      return Answer(error: "the answer cannot be written as JSON", status: .internalServerError)
    }
  }

  private func tooMuch(closes: Bool = false) -> Answer {
    Answer(
      error: "too many pictures wait to be read: try again in a second", status: .serviceUnavailable,
      headers: [(Self.retryAfter, "1")], closes: closes)
  }

  // MARK: Pictures

  private func read(_ request: HTTPRequest, _ route: Route) async -> Answer {
    if inFlight.count > limits.requests { return tooMuch(closes: true) }
    let file: [UInt8]
    do throws(RequestBody.Problem) {
      file = try await RequestBody(limit: limits.bodyBytes, seconds: limits.bodySeconds).read(request)
    } catch {
      return answer(to: error)
    }
    do {
      let picture = try PictureRequest(request, route, file: file)
      return try await queue.with { [metrics] readers in try picture.answer(of: readers, counting: metrics) }
    } catch let problem as PictureRequest.Problem {
      return Answer(error: problem.sentence, status: problem.status)
    } catch let error as PictureError {
      return Answer(error: error.description, status: error.status)
    } catch is ReadingQueue<Readers>.Refusal {
      return tooMuch()
    } catch {
      return Answer(error: RunError(error).description, status: .internalServerError)
    }
  }
}
