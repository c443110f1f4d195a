internal import FlyingSocks
internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Waits for sockets no longer than so many seconds, so that clients which fall silent are let go.
struct TimeLimitedPool: AsyncSocketPool {
  let pool: any AsyncSocketPool
  let seconds: Double

  func prepare() async throws { try await pool.prepare() }

  func run() async throws { try await pool.run() }

  func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
    // Nobody may come for hours.
    if socket.isListening { return try await pool.suspendSocket(socket, untilReadyFor: events) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await pool.suspendSocket(socket, untilReadyFor: events) }
      group.addTask {
        try await Task.sleep(for: .seconds(seconds))
        throw SocketError.timeout(message: "nothing came, or was taken, for \(seconds) seconds")
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}

extension Socket {
  fileprivate var isListening: Bool {
    var (value, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
    return getsockopt(file.rawValue, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0
  }
}
