import Foundation
import Jobs
import Testing

@Suite struct InheritedStateTests {
  /// What a limit is too small for is said in the words of the shell that set it.
  @Test func limitsThatNoCommandCanLiveWithAreNamed() {
    func sentence(_ limit: ResourceLimit, _ value: UInt64) -> String? {
      limit.objection(to: value)?.description
    }
    #expect(
      sentence(.stack, 64 << 10)
        == "the limit on stack (ulimit -s) is 64 KiB: expected at least 512 KiB")
    #expect(sentence(.files, 16) == "the limit on open files (ulimit -n) is 16: expected at least 32")
    #expect(sentence(.addresses, 100 << 20)?.contains("(ulimit -v) is 102400 KiB") == true)
    for limit in ResourceLimit.all {
      #expect(sentence(limit, .max) == nil)
      #expect(limit.objection(to: 0)?.exitCode == 71)
    }
  }
}
