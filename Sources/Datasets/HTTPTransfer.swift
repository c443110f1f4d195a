internal import CCurl
internal import Files

/// One HTTP(S) request, by libcurl, whose body is handed to the calling thread as it arrives.
///
/// Redirects are followed; proxies and certificates are those that libcurl finds.
struct HTTPTransfer: ~Copyable {
  private static let maximumRedirects = 10
  /// libcurl wants to be set up once, before any thread uses it.
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// What libcurl's callbacks have received and `get` has not taken yet.
  private final class Inbox {
    /// The status line of the last answer, as in `HTTP/1.1 404 Not Found`; empty before the first one.
    var statusLine = ""
    var body: [UInt8] = []
    /// When something arrived last, on `MonotonicClock`.
    var lastArrival = MonotonicClock.now()

    var status: Int { Int(statusLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    /// Whether there is an answer, other than one that sends us elsewhere.
    var isAnswered: Bool { status >= 200 && !(300..<400).contains(status) }
  }

  private let inbox = Inbox()
  private let transfer: UnsafeMutableRawPointer
  private let loop: UnsafeMutableRawPointer
  /// Where libcurl writes what went wrong, in a line.
  private let reason: UnsafeMutablePointer<CChar>

  /// Fetches `address` and passes each piece of its body to `receive`, with the length of the whole if the
  /// server told it.
  ///
  /// The server must begin to answer within `connectTimeout` seconds; after that, `stallTimeout` seconds may
  /// pass without a byte.
  ///
  /// - Throws: kind `unavailable` if the server cannot be reached, answers with another status than 200 or
  ///   stops in the middle; and what `receive` throws.
  static func get(
    _ address: String, connectTimeout: Double, stallTimeout: Double,
    receive: (UnsafeRawBufferPointer, Int?) throws(FileError) -> Void
  ) throws(FileError) {
    let request = HTTPTransfer(address)
    while true {
      let result = request.advance()
      try request.deliver(receive)
      if let result { return try request.finish(result, address) }
      try request.wait(connectTimeout, stallTimeout)
    }
  }

  private init(_ address: String) {
    guard Self.isReady, let transfer = curl_easy_init(), let loop = curl_multi_init() else {
      preconditionFailure("libcurl does not start")
    }
    self.transfer = transfer
    self.loop = loop
    reason = .allocate(capacity: Int(CURL_ERROR_SIZE))
    reason.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    ccurl_set_pointer(transfer, CURLOPT_ERRORBUFFER, reason)
    ccurl_set_text(transfer, CURLOPT_URL, address)
    ccurl_set_text(transfer, CURLOPT_USERAGENT, "lockstep")
    ccurl_allow_only_http(transfer)
    // Its status lines have words, and four files need no multiplexing.
    ccurl_set_number(transfer, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    ccurl_set_number(transfer, CURLOPT_FOLLOWLOCATION, 1)
    ccurl_set_number(transfer, CURLOPT_MAXREDIRS, Self.maximumRedirects)
    ccurl_set_number(transfer, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    ccurl_set_number(transfer, CURLOPT_NOSIGNAL, 1)

    let inbox = Unmanaged.passUnretained(inbox).toOpaque()
    ccurl_set_pointer(transfer, CURLOPT_HEADERDATA, inbox)
    ccurl_set_callback(transfer, CURLOPT_HEADERFUNCTION) { bytes, _, count, inbox in
      let line = UnsafeRawBufferPointer(start: bytes, count: count)
      HTTPTransfer.inbox(inbox).lastArrival = MonotonicClock.now()
      if line.starts(with: "HTTP/".utf8) {
        HTTPTransfer.inbox(inbox).statusLine = String(decoding: line.prefix { $0 >= 32 }, as: UTF8.self)
      }
      return count
    }
    ccurl_set_pointer(transfer, CURLOPT_WRITEDATA, inbox)
    ccurl_set_callback(transfer, CURLOPT_WRITEFUNCTION) { bytes, _, count, inbox in
      HTTPTransfer.inbox(inbox).lastArrival = MonotonicClock.now()
      HTTPTransfer.inbox(inbox).body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
      return count
    }
    curl_multi_add_handle(loop, transfer)
  }

  deinit {
    curl_multi_remove_handle(loop, transfer)
    curl_easy_cleanup(transfer)
    curl_multi_cleanup(loop)
    reason.deallocate()
  }

  private static func inbox(_ context: UnsafeMutableRawPointer?) -> Inbox {
    guard let context else { preconditionFailure("libcurl forgot the inbox") }
    return Unmanaged<Inbox>.fromOpaque(context).takeUnretainedValue()
  }

  /// Does what can be done without waiting; returns how it went once the transfer has ended.
  private borrowing func advance() -> CURLcode? {
    var running: Int32 = 0
    let code = curl_multi_perform(loop, &running)
    precondition(code == CURLM_OK, "libcurl: \(String(cString: curl_multi_strerror(code)))")
    var left: Int32 = 0
    return curl_multi_info_read(loop, &left)?.pointee.data.result
  }

  /// Passes on what has arrived of the body of the right answer.
  private borrowing func deliver(
    _ receive: (UnsafeRawBufferPointer, Int?) throws(FileError) -> Void
  ) throws(FileError) {
    if inbox.isAnswered { try requireStatus200() }
    guard inbox.status == 200, !inbox.body.isEmpty else { return }
    let length = Int(ccurl_content_length(transfer))
    try inbox.body.withUnsafeBufferPointer { body throws(FileError) in
      try receive(UnsafeRawBufferPointer(body), length > 0 ? length : nil)
    }
    inbox.body.removeAll(keepingCapacity: true)
  }

  /// Waits until there is something to do, but not longer than the server may stay silent.
  private borrowing func wait(_ connectTimeout: Double, _ stallTimeout: Double) throws(FileError) {
    let limit = inbox.isAnswered ? stallTimeout : connectTimeout
    let remaining = inbox.lastArrival + limit - MonotonicClock.now()
    guard remaining > 0 else {
      throw unavailable("no \(inbox.isAnswered ? "further data" : "answer") within \(Self.seconds(limit))")
    }
    curl_multi_poll(loop, nil, 0, Int32((1000 * min(remaining, 1)).rounded(.up)), nil)
  }

  /// Judges how the transfer from `address` ended.
  private borrowing func finish(_ result: CURLcode, _ address: String) throws(FileError) {
    switch result {
    case CURLE_OK: try requireStatus200()
    case CURLE_TOO_MANY_REDIRECTS:
      throw FileError(.unavailable, "\(address): more than \(Self.maximumRedirects) redirects")
    default:
      let words = String(cString: reason.pointee == 0 ? curl_easy_strerror(result) : UnsafePointer(reason))
      throw unavailable("connection failed: \(words)")
    }
  }

  private borrowing func requireStatus200() throws(FileError) {
    if inbox.status == 200 { return }
    let words = inbox.statusLine.split(separator: " ", maxSplits: 2).dropFirst(2).first ?? ""
    throw unavailable("HTTP status \(inbox.status)\(words.isEmpty ? "" : " (\(words))")")
  }

  /// An error that names the address that was asked last.
  private borrowing func unavailable(_ problem: String) -> FileError {
    let address = ccurl_effective_address(transfer).map { String(cString: $0) } ?? ""
    return FileError(.unavailable, "\(address): \(problem)")
  }

  private static func seconds(_ limit: Double) -> String {
    limit == 1 ? "1 second" : "\(limit == limit.rounded() ? String(Int(limit)) : String(limit)) seconds"
  }
}
