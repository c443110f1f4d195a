import Jobs
import Testing

@Suite struct RankPlanTests {
  @Test func ranksFollowTheHostsThatAreLeft() throws {
    let hostfile = try Hostfile(parsing: "a slots=4\nb slots=4\nc slots=2\n", origin: "hosts")
    func plan(_ reachable: Set<String>, _ wanted: Int?) -> (Int?, [String])? {
      RankPlan(hostfile: hostfile, reachable: reachable, wanted: wanted)
        .map { ($0.ranks, $0.hostfile.hosts.map(\.name)) }
    }
    #expect(plan(["a", "b", "c"], 6)?.0 == 6)
    let less = plan(["c", "a"], 8)
    #expect(less?.0 == 6 && less?.1 == ["a", "c"])
    #expect(plan(["b"], nil)?.0 == .some(nil))
    // Who oversubscribes knows what they do.
    #expect(plan(["c"], 20)?.0 == 20)
    #expect(plan([], 4) == nil)
  }

  /// Each mention of a host without slots counts.
  @Test func hostsKeepTheirMentions() throws {
    let hostfile = try Hostfile(parsing: "a\nb\na\nc slots=2\n", origin: "hosts")
    let plan = try #require(RankPlan(hostfile: hostfile, reachable: ["a", "c"], wanted: 3))
    #expect(plan.hostfile.text == "a\na\nc slots=2\n" && plan.mayExceedSlots && plan.ranks == 3)
    let host = try #require(hostfile.hosts.first)
    #expect(hostfile.slots(of: host, cores: 8) == 2 && hostfile.slots(of: hostfile.hosts[1], cores: 8) == 8)
    #expect(hostfile.slots(of: hostfile.hosts[2], cores: 8) == 2)
    let whole = try #require(RankPlan(hostfile: hostfile, reachable: ["a", "b", "c"], wanted: 3))
    #expect(whole.hostfile == hostfile && !whole.mayExceedSlots)
  }
}
