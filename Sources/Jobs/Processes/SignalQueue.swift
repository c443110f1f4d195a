#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Waits for signals in order, one at a time, instead of being interrupted by them.
///
/// A handler puts each into a pipe: blocking signals would not do, since a library's thread that does not
/// block them would be ended by them.
package struct SignalQueue {
  // Plain numbers, set before any handler runs: a handler may neither allocate nor count references.
  private nonisolated(unsafe) static var readEnd: Int32 = -1
  private nonisolated(unsafe) static var writeEnd: Int32 = -1

  /// Collects these signals of the process from now on, SIGHUP only if it was not ignored: whoever starts
  /// this process with `nohup` wants it to outlive the terminal.
  package init(_ numbers: [Int32]) {
    var ends: [Int32] = [-1, -1]
    let isReady = pipe(&ends) == 0
    precondition(isReady, "no pipe for signals")
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    (Self.readEnd, Self.writeEnd) = (ends[0], ends[1])
    for number in numbers where number != SIGHUP || !InheritedState.isIgnored(number) {
      signal(number) { number in
        let saved = errno
        var byte = UInt8(truncatingIfNeeded: number)
        write(SignalQueue.writeEnd, &byte, 1)
        errno = saved
      }
    }
  }

  /// The next signal, nil if none comes within so many seconds.
  package func next(withinSeconds seconds: Double) -> Int32? {
    var waiting = pollfd(fd: Self.readEnd, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, Int32(min(max(seconds, 0), 1e6) * 1000)) > 0 else { return nil }
    var byte: UInt8 = 0
    return read(Self.readEnd, &byte, 1) == 1 ? Int32(byte) : nil
  }
}
