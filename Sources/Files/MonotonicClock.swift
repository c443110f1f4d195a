#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The machine's monotonic clock: the one clock that durations are measured with.
package enum MonotonicClock {
  /// Seconds since some fixed moment. Allocates and locks nothing: signal handlers may call it.
  package static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
  }
}
