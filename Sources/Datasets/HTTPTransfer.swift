internal import Files
internal import Foundation

#if canImport(FoundationNetworking)
  internal import FoundationNetworking
#endif

/// One HTTP(S) request whose body is handed to the calling thread as it arrives.
///
/// Proxies and certificates are those that `URLSession` finds; redirects are followed.
final class HTTPTransfer: @unchecked Sendable {
  fileprivate enum Event: Sendable {
    case redirect(URL)
    case response(status: Int, total: Int?)
    case body(Data)
    case end(failure: String?)
  }

  private static let maximumRedirects = 10

  // Guards `events`, which URLSession's thread fills and the caller's empties.
  private let condition = NSCondition()
  private var events: [Event] = []

  /// Fetches `url` and passes each piece of its body to `receive`, with the length of the whole if the
  /// server told it.
  ///
  /// The server must begin to answer within `connectTimeout` seconds; after that, `stallTimeout` seconds may
  /// pass without a byte.
  ///
  /// - Throws: kind `unavailable` if the server cannot be reached, answers with another status than 200 or
  ///   stops in the middle; and what `receive` throws.
  static func get(
    _ url: URL, connectTimeout: Double, stallTimeout: Double,
    receive: (UnsafeRawBufferPointer, Int?) throws(FileError) -> Void
  ) throws(FileError) {
    var place = url
    for _ in 0...maximumRedirects {
      let next = try HTTPTransfer().follow(place, connectTimeout, stallTimeout, receive)
      guard let next else { return }
      place = next
    }
    throw unavailable(url, "more than \(maximumRedirects) redirects")
  }

  /// Carries out one request; returns the address that it is redirected to, if so.
  private func follow(
    _ url: URL, _ connectTimeout: Double, _ stallTimeout: Double,
    _ receive: (UnsafeRawBufferPointer, Int?) throws(FileError) -> Void
  ) throws(FileError) -> URL? {
    let task = TransferRouter.shared.start(url, for: self)
    defer { task.cancel() }
    var redirect: URL?
    var total: Int?
    var isAnswered = false
    while true {
      let limit = isAnswered ? stallTimeout : connectTimeout
      guard let event = nextEvent(within: limit) else {
        throw Self.unavailable(url, "no \(isAnswered ? "further data" : "answer") within \(seconds(limit))")
      }
      switch event {
      case .redirect(let next):
        redirect = next
      case .response(let status, let length):
        isAnswered = true
        total = length
        guard redirect != nil || status == 200 else {
          let words = HTTPURLResponse.localizedString(forStatusCode: status)
          throw Self.unavailable(url, "HTTP status \(status) (\(words))")
        }
      case .body(let data):
        if redirect != nil { continue }
        // An array, since typed throws do not pass through Data's closures.
        try [UInt8](data).withUnsafeBufferPointer { bytes throws(FileError) in
          try receive(UnsafeRawBufferPointer(bytes), total)
        }
      case .end(let failure):
        if let redirect { return redirect }
        if let failure { throw Self.unavailable(url, "connection failed: \(failure)") }
        return nil
      }
    }
  }

  private func nextEvent(within limit: Double) -> Event? {
    let deadline = Date(timeIntervalSinceNow: limit)
    condition.lock()
    defer { condition.unlock() }
    while events.isEmpty {
      guard condition.wait(until: deadline) else { return nil }
    }
    return events.removeFirst()
  }

  fileprivate func add(_ event: Event) {
    condition.lock()
    events.append(event)
    condition.signal()
    condition.unlock()
  }

  private static func unavailable(_ url: URL, _ reason: String) -> FileError {
    FileError(.unavailable, "\(url.absoluteString): \(reason)")
  }

  private func seconds(_ limit: Double) -> String {
    limit == 1 ? "1 second" : "\(limit == limit.rounded() ? String(Int(limit)) : String(limit)) seconds"
  }
}

/// The process's one session, and the way from its callbacks to the transfer they are about.
///
/// It is never invalidated: on Linux, tearing a session down races with its own sockets and can crash the
/// process (swift-corelibs-foundation, issues 5203 and 4791). Callbacks answer the session before they pass
/// anything on, because it also crashes when a task is cancelled between a question and its answer.
private final class TransferRouter: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  static let shared = TransferRouter()

  private let lock = NSLock()
  private var transfers: [Int: HTTPTransfer] = [:]
  private var session: URLSession?

  func start(_ url: URL, for transfer: HTTPTransfer) -> URLSessionDataTask {
    lock.lock()
    defer { lock.unlock() }
    let session = session ?? makeSession()
    self.session = session
    var request = URLRequest(url: url)
    request.setValue("lockstep", forHTTPHeaderField: "User-Agent")
    let task = session.dataTask(with: request)
    transfers[task.taskIdentifier] = transfer
    task.resume()
    return task
  }

  private func makeSession() -> URLSession {
    let configuration = URLSessionConfiguration.ephemeral
    // Only a second line of defence: transfers measure for themselves.
    configuration.timeoutIntervalForRequest = 120
    return URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
  }

  private func transfer(_ task: URLSessionTask) -> HTTPTransfer? {
    lock.withLock { transfers[task.taskIdentifier] }
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    let length = response.expectedContentLength
    let status = (response as? HTTPURLResponse)?.statusCode ?? 0
    completionHandler(.allow)
    transfer(dataTask)?.add(.response(status: status, total: length > 0 ? Int(length) : nil))
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    transfer(dataTask)?.add(.body(data))
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    let transfer = lock.withLock { transfers.removeValue(forKey: task.taskIdentifier) }
    transfer?.add(.end(failure: error?.localizedDescription))
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping (URLRequest?) -> Void
  ) {
    // Each redirect becomes a request of its own, so that none is in flight when a transfer gives up.
    completionHandler(nil)
    if let url = request.url { transfer(task)?.add(.redirect(url)) }
  }
}
