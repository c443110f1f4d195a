import Jobs
import Testing

@Suite struct RestartPolicyTests {
  @Test func pausesGrowAndEnd() {
    var policy = RestartPolicy(maximumRestarts: 8)
    let pauses = (0..<8).map { _ in policy.decide(exitCode: 137, hasProgressed: false) }
    #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60].map { .restart(afterSeconds: $0) })
    guard case .giveUp(let reason) = policy.decide(exitCode: 137, hasProgressed: false) else {
      Issue.record("a ninth restart")
      return
    }
    #expect(reason.hasPrefix("8 restarts in a row"))
  }

  /// A long job may lose many hosts, one after the other.
  @Test func progressForgetsEarlierFailures() {
    var policy = RestartPolicy(maximumRestarts: 1)
    for _ in 0..<5 {
      #expect(policy.decide(exitCode: 205, hasProgressed: true) == .restart(afterSeconds: 1))
    }
  }

  @Test func someEndsAreFinal() {
    var policy = RestartPolicy(maximumRestarts: 5)
    #expect(policy.decide(exitCode: 0, hasProgressed: false) == .finished)
    #expect(policy.decide(exitCode: 75, hasProgressed: true) == .stopped)
    for code: Int32 in [64, 65, 66, 69, 73, 77, 78, 127] {
      guard case .giveUp = policy.decide(exitCode: code, hasProgressed: true) else {
        Issue.record("a restart after \(code)")
        return
      }
    }
    // What was there at the first start may come back.
    #expect(policy.decide(exitCode: 137, hasProgressed: true) == .restart(afterSeconds: 1))
    for code: Int32 in [64, 65, 66, 77, 78, 127] {
      guard case .giveUp = policy.decide(exitCode: code, hasProgressed: true) else {
        Issue.record("a restart after \(code)")
        return
      }
    }
    for code: Int32 in [1, 69, 70, 73, 74, 76, 137, 205] {
      #expect(policy.decide(exitCode: code, hasProgressed: true) == .restart(afterSeconds: 1))
    }
  }
}
