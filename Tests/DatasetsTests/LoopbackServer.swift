import Foundation

/// A tiny HTTP/1.1 server on the loopback interface: one response per connection, then it closes.
final class LoopbackServer: @unchecked Sendable {
  enum Silence {
    case beforeAnswer
    case afterBody
  }

  struct Response {
    var status = "200 OK"
    var headers: [String] = []
    var body: [UInt8] = []
    /// What Content-Length says: the body's length, something else, or nothing if nil.
    var announced: Int?
    /// Where the server falls silent, until the client goes away.
    var silence: Silence?

    init(_ body: [UInt8]) {
      self.body = body
      announced = body.count
    }

    init(status: String, headers: [String] = []) {
      self.status = status
      self.headers = headers
      announced = 0
    }
  }

  /// The address of the server's root, ending in a slash.
  let address: String
  private let socket: Int32
  private let routes: [String: Response]
  private let lock = NSLock()
  private var log: [String] = []

  /// The paths asked for so far.
  var requests: [String] { lock.withLock { log } }

  /// A server that accepts no connections; it keeps its port, so that nobody else does.
  static let deaf = Result { try LoopbackServer([:], listens: false) }

  /// Serves `routes`, by path; everything else is 404.
  init(_ routes: [String: Response], listens: Bool = true) throws {
    // A proxy of the machine's must not be asked for the loopback interface.
    setenv("no_proxy", "127.0.0.1", 1)
    self.routes = routes
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = socket
    let code = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0
          && (!listens || listen(listener, 16) == 0)
      }
    }
    guard code else { throw CocoaError(.fileNoSuchFile) }
    address = "http://127.0.0.1:\(UInt16(bigEndian: name.sin_port))/"
    guard listens else { return }
    Thread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else {
          // Here, not in `deinit`: another server could get the number while this thread still accepts on it.
          close(listener)
          return
        }
        Thread { [weak self] in
          self?.answer(connection)
          close(connection)
        }.start()
      }
    }.start()
  }

  deinit {
    shutdown(socket, Int32(SHUT_RDWR))
  }

  private func answer(_ connection: Int32) {
    var request: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
      let got = recv(connection, &piece, piece.count, 0)
      guard got > 0 else { return }
      request += piece[..<got]
    }
    let words = String(decoding: request, as: UTF8.self).split(separator: " ", maxSplits: 2)
    let path = words.count > 1 ? String(words[1].dropFirst()) : ""
    lock.withLock { log.append(path) }
    let response = routes[path] ?? Response(status: "404 Not Found")
    if response.silence == .beforeAnswer { return awaitEnd(connection) }
    var lines = ["HTTP/1.1 \(response.status)", "Connection: close"] + response.headers
    if let announced = response.announced { lines.append("Content-Length: \(announced)") }
    send(connection, Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + response.body)
    if response.silence == .afterBody { awaitEnd(connection) }
  }

  /// Returns once the client has closed its end.
  private func awaitEnd(_ connection: Int32) {
    var byte: UInt8 = 0
    while recv(connection, &byte, 1, 0) > 0 {}
  }

  private func send(_ connection: Int32, _ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          connection, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }
}
