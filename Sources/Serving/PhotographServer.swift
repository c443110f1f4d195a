internal import Dispatch
internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Jobs
internal import Runs
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Serves a `PhotographService` over HTTP until the process is told to stop.
package struct PhotographServer {
  /// A connection on which nothing moves for so many seconds is closed.
  private static let idleSeconds = 60.0
  /// After SIGTERM, requests that came are waited for so many seconds at most.
  private static let stoppingSeconds = 30.0

  /// What FlyingFox does not hand on unless told: the other methods of the IANA's HTTP Method Registry (RFC 9110, section
  /// 16.1.1), which are refused in our words.
  private static let rareMethods = [
    "ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE",
    "MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PRI",
    "PROPFIND", "PROPPATCH", "QUERY", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK",
    "UNLOCK", "UPDATE", "UPDATEREDIRECTREF", "VERSION-CONTROL",
  ].map { HTTPMethod($0) }

  private let service: PhotographService
  private let host: String
  private let port: Int

  /// - Parameters:
  ///   - service: What answers.
  ///   - host: An address or name of this machine.
  ///   - port: 0 for any that is free.
  package init(_ service: PhotographService, host: String, port: Int) {
    (self.service, self.host, self.port) = (service, host, port)
  }

  /// Serves until SIGTERM or SIGINT: then what was begun is answered, and this returns. A second signal ends the process.
  ///
  /// - Parameter whenListening: Called with the address, as `http://127.0.0.1:8080`, once clients can connect.
  /// - Throws: `RunError` with exit code 71 if nobody can listen there, or the system fails later.
  package func run(whenListening: @escaping @Sendable (_ address: String) -> Void) throws {
    let address = try HostAddress(host, port: port)
    Self.allowManyConnections()
    // A client that goes away while it is written to is no reason to end.
    signal(SIGPIPE, SIG_IGN)
    let signals = SignalQueue([SIGTERM, SIGINT])
    let server = HTTPServer(
      config: address.configuration(
        TimeLimitedPool(pool: HTTPServer.defaultPool(), seconds: Self.idleSeconds)),
      handler: ClosureHTTPHandler { [service] in await service.respond(to: $0) })
    let isOver = DispatchSemaphore(value: 0)
    let failure = Mutex<(any Error)?>(nil)
    let isStopping = Mutex(false)

    Task {
      await server.appendRoute("*", for: Self.rareMethods) { [service] in await service.respond(to: $0) }
      do {
        try await server.run()
      } catch {
        if !isStopping.withLock({ $0 }) { failure.withLock { $0 = error } }
      }
      isOver.signal()
    }
    Task { [host] in
      try await server.waitUntilListening(timeout: 60)
      guard let port = await server.listeningAddress?.port else { return }
      whenListening("http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
    }
    Thread { [service] in
      while signals.next(withinSeconds: 1e6) == nil {}
      for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
      service.stop()
      service.inFlight.waitUntilNone(atMost: Self.stoppingSeconds)
      isStopping.withLock { $0 = true }
      Task { await server.stop() }
    }.start()

    isOver.wait()
    if let error = failure.withLock({ $0 }) { throw problem(error) }
  }

  private func problem(_ error: any Error) -> RunError {
    guard case SocketError.failed(_, let number, _) = error else {
      return RunError("the server failed: \(error)", exitCode: 71)
    }
    let place = "\(host), port \(port)"
    switch number {
    case EADDRINUSE:
      return RunError(
        "\(place): another program listens there; --port 0 takes any that is free", exitCode: 71)
    case EACCES: return RunError("\(place): ports below 1024 need root's rights", exitCode: 71)
    case EADDRNOTAVAIL: return RunError("\(place): expected an address of this machine", exitCode: 71)
    default:
      return RunError("\(place): cannot listen there: \(String(cString: strerror(number)))", exitCode: 71)
    }
  }

  /// Each connection takes a file descriptor, of which processes get few until they ask.
  private static func allowManyConnections() {
    var limit = rlimit()
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    guard getrlimit(resource, &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
  }
}

/// Where to listen.
private enum HostAddress {
  case ip4(sockaddr_in)
  case ip6(sockaddr_in6)

  /// - Throws: `RunError` with exit code 71 if `host` is neither an address nor a name that is known.
  init(_ host: String, port: Int) throws(RunError) {
    var hints = addrinfo()
    hints.ai_flags = AI_PASSIVE
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, "\(port)", &hints, &found)
    guard code == 0, let found else {
      throw RunError(
        "--host \(host): expected an address or name of this machine: \(String(cString: gai_strerror(code)))",
        exitCode: 71)
    }
    defer { freeaddrinfo(found) }
    let address = UnsafeRawPointer(found.pointee.ai_addr)
    switch (found.pointee.ai_family, address) {
    case (AF_INET, let address?): self = .ip4(address.loadUnaligned(as: sockaddr_in.self))
    case (AF_INET6, let address?): self = .ip6(address.loadUnaligned(as: sockaddr_in6.self))
    default: throw RunError("--host \(host): expected an IPv4 or IPv6 address", exitCode: 71)
    }
  }

  /// Bodies larger than a buffer are read as they come and not kept, so that whoever reads them sets the limits, of time
  /// too.
  func configuration(_ pool: TimeLimitedPool) -> HTTPServer.Configuration {
    func made(_ address: some SocketAddress) -> HTTPServer.Configuration {
      HTTPServer.Configuration(
        address: address, timeout: 3600, sharedRequestReplaySize: 0, pool: pool,
        logger: DisabledLogger.disabled)
    }
    switch self {
    case .ip4(let address): return made(address)
    case .ip6(let address): return made(address)
    }
  }
}

extension Socket.Address {
  fileprivate var port: UInt16? {
    switch self {
    case .ip4(_, let port), .ip6(_, let port): port
    case .unix: nil
    }
  }
}
