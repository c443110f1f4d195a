import Jobs
import Testing

@Suite struct ProcessorSetTests {
  @Test func processorListsAreRead() {
    #expect(ProcessorSet.parse("0-3,8") == [0, 1, 2, 3, 8])
    #expect(ProcessorSet.parse("5") == [5])
    let own = ProcessorSet()
    #expect(own.cores >= 1 && own.cores <= own.allowed.count)
  }

  @Test(arguments: [
    ("200000 100000", 2), ("max 100000", nil), ("250000 100000", 2), ("50000 100000", 1), ("", nil),
    ("200000", nil), ("200000 0", nil),
  ])
  func aContainersShareIsCountedInWholeCores(_ text: String, _ cores: Int?) {
    #expect(CPUQuota.cores(cpuMax: text) == cores)
  }

  @Test func theOlderFilesSayTheSame() {
    #expect(CPUQuota.cores(quota: "400000", period: "100000") == 4)
    #expect(CPUQuota.cores(quota: "-1", period: "100000") == nil)
  }

  /// A batch system sets limits somewhere above a process's own group.
  @Test func limitsOfGroupsAboveCountToo() {
    #expect(
      CPUQuota.folders(ofGroups: "1:name=systemd:/x\n0::/slurm/job_7/step_0\n") == [
        "/sys/fs/cgroup", "/sys/fs/cgroup/slurm", "/sys/fs/cgroup/slurm/job_7",
        "/sys/fs/cgroup/slurm/job_7/step_0",
      ])
    for text in ["", "0::/", "5:cpu:/a"] { #expect(CPUQuota.folders(ofGroups: text) == ["/sys/fs/cgroup"]) }
  }

  @Test func aShareBelowTheCoresBoundsTheRanks() {
    func cores(_ quota: Int?) -> Int {
      ProcessorSet(allowed: [0, 1, 2, 3], coreNames: ["0,2", "1,3"], isWholeHost: true, quota: quota).cores
    }
    #expect(cores(nil) == 2 && cores(1) == 1 && cores(8) == 2)
    #expect(ProcessorSet(allowed: [], coreNames: [], isWholeHost: false).cores == 1)
  }
}
