import Foundation
import Jobs
import Testing

@Suite struct SignalQueueTests {
  /// One test, since a process has one queue.
  @Test func signalsAreCollectedAndNohupIsRespected() {
    // Test runners block signals on their threads.
    var (none, mask) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &mask)
    defer { pthread_sigmask(SIG_SETMASK, &mask, nil) }

    signal(SIGHUP, SIG_IGN)
    let queue = SignalQueue([SIGUSR1, SIGUSR2, SIGHUP])
    for number in [SIGUSR2, SIGUSR1, SIGUSR2] {
      raise(number)
      #expect(queue.next(withinSeconds: 10) == number)
    }
    raise(SIGHUP)
    #expect(queue.next(withinSeconds: 0) == nil)
  }
}
