internal import FlyingFox
internal import FlyingSocks
internal import Foundation

/// What comes with a request, and how much of it is taken.
struct RequestBody {
  /// Why a body was not taken.
  enum Problem: Error, Equatable {
    /// It has more bytes than the limit. `isTaken` tells whether it was read to its end, and thrown away: if not, the
    /// connection is of no more use.
    case tooLarge(isTaken: Bool)
    /// It did not arrive in time.
    case late
    /// It ended early, or has not the form that it announced.
    case broken
  }

  /// In bytes.
  var limit = 32 << 20
  /// A body over the limit is still read, and thrown away, up to so many bytes: a client that still sends hears no answer.
  var patience = 128 << 20
  /// Seconds within which it must be here.
  var seconds = 60.0

  /// The body's bytes.
  func read(_ request: HTTPRequest) async throws(Problem) -> [UInt8] {
    let body = request.bodySequence
    let announced = body.count
    if announced == 0 { return [] }
    let isAwaited = request.headers[HTTPHeader("Expect")] != nil
    if let announced, announced > patience || announced > limit && isAwaited {
      throw .tooLarge(isTaken: false)
    }
    do {
      return try await inTime { try await collect(body, announced) }
    } catch let problem as Problem {
      throw problem
    } catch SocketError.timeout {
      throw .late
    } catch {
      throw .broken
    }
  }

  private func collect(_ body: HTTPBodySequence, _ announced: Int?) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(announced ?? 0, limit))
    var count = 0
    for try await piece in body {
      count += piece.count
      if count <= limit { bytes.append(contentsOf: piece) } else { bytes = [] }
      if count > patience { throw Problem.tooLarge(isTaken: false) }
    }
    if let announced, count < announced { throw Problem.broken }
    if count > limit { throw Problem.tooLarge(isTaken: true) }
    return bytes
  }

  private func inTime(_ body: @escaping @Sendable () async throws -> [UInt8]) async throws -> [UInt8] {
    try await withThrowingTaskGroup(of: [UInt8].self) { group in
      group.addTask(operation: body)
      group.addTask {
        try await Task.sleep(for: .seconds(seconds))
        throw Problem.late
      }
      defer { group.cancelAll() }
      guard let first = try await group.next() else { throw Problem.broken }
      return first
    }
  }
}
