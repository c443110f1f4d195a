import Collectives
import Testing

/// What launchers say of how many processes they started.
@Suite struct LauncherTests {
  private func launched(_ environment: [String: String]) -> Int? {
    launchedProcesses { environment[$0] }?.count
  }

  private let step = ["SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "1"]

  @Test(arguments: ["SLURM_NTASKS", "SLURM_NPROCS", "SLURM_STEP_NUM_TASKS"])
  func tasksOfSrunKnowHowManyTheyAre(_ name: String) {
    #expect(launched(step.merging([name: "2"]) { $1 }) == 2)
  }

  /// A step of one task in a job of many, a batch script, and what mpirun starts in either, are as many as they seem.
  @Test func whatRunsBesideOrBelowStepsIsNoTaskOfThem() {
    #expect(launched(step.merging(["SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "4"]) { $1 }) == 1)
    #expect(launched(["SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"]) == nil)
    for special in ["4294967290", "4294967291"] {
      #expect(
        launched(["SLURM_STEP_ID": special, "SLURM_PROCID": "0", "SLURM_NTASKS": "4"]) == nil)
    }
    #expect(launched(step.merging(["SLURM_NTASKS": "2", "OMPI_COMM_WORLD_SIZE": "8"]) { $1 }) == 8)
    #expect(launched([:]) == nil)
  }

  @Test(arguments: ["FLUX_JOB_SIZE", "JSM_NAMESPACE_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE"])
  func otherLaunchersAreKnown(_ name: String) {
    #expect(launched([name: "3"]) == 3)
  }
}
