import Jobs
import Testing

@Suite struct MPIRunTests {
  private func words(_ call: MPIRun, _ environment: [String: String] = [:]) -> String {
    call.words(["train", "--seed", "1"], program: "/bin/lockstep", environment: environment)
      .joined(separator: " ")
  }

  private let start = "setpriv --pdeathsig TERM mpirun --quiet"
  private let end = "/bin/lockstep train --seed 1"

  @Test(arguments: [
    (Binding.core, "--bind-to core --map-by core"), (.none, "--oversubscribe --bind-to none"),
    (.shared, "--oversubscribe --bind-to none --mca mpi_yield_when_idle 1"),
  ])
  func ranksAreBoundAsTheyFit(_ binding: Binding, _ expected: String) {
    #expect(words(MPIRun(ranks: 2, binding: binding)) == "\(start) -n 2 \(expected) \(end)")
  }

  @Test func hostsParametersAndOptionsComeBeforeTheCommand() {
    var call = MPIRun(ranks: nil, hostfile: "/tmp/hosts", binding: .core, options: ["--report-bindings"])
    call.isQuiet = false
    call.parameters = [.init(name: "a", value: "1"), .init(name: "b", value: "2")]
    #expect(
      words(call)
        == "setpriv --pdeathsig TERM mpirun --mca a 1 --mca b 2 --hostfile /tmp/hosts --bind-to core "
        + "--map-by core --report-bindings \(end)")
  }

  @Test func whoeverChoosesABindingIsObeyed() {
    let hwthreads = MPIRun(ranks: 2, binding: .core, options: ["--bind-to", "hwthread"])
    #expect(words(hwthreads) == "\(start) -n 2 --bind-to hwthread \(end)")
    let bySlot = MPIRun(ranks: 2, binding: .core, options: ["--map-by", "slot"])
    #expect(words(bySlot) == "\(start) -n 2 --bind-to core --map-by slot \(end)")
    #expect(
      words(MPIRun(ranks: 2, binding: .none), ["OMPI_MCA_hwloc_base_binding_policy": "core"])
        == "\(start) -n 2 \(end)")
  }

  @Test func ourVariablesTravelToAllHosts() {
    let environment = ["LOCKSTEP_DATA": "/data", "HOME": "/root", "OPENBLAS_CORETYPE": "Haswell"]
    #expect(
      words(MPIRun(ranks: 1, binding: .core), environment)
        == "\(start) -n 1 --bind-to core --map-by core -x LOCKSTEP_DATA -x OPENBLAS_CORETYPE \(end)")
  }

  private func binding(_ ranks: Int, cores: Int, isWholeHost: Bool = true, quota: Int? = nil) -> Binding {
    Binding(
      ranks: ranks,
      processors: ProcessorSet(
        allowed: Array(0..<2 * cores), coreNames: (0..<cores).map { "\($0),\($0 + cores)" },
        isWholeHost: isWholeHost, quota: quota))
  }

  /// Ranks that have a core each never give way to one another, which would slow them down.
  @Test func onlyRanksWithoutACoreOfTheirOwnShare() {
    #expect(binding(4, cores: 4) == .core)
    #expect(binding(5, cores: 4) == .shared)
    #expect(binding(4, cores: 4, isWholeHost: false) == .none)
    #expect(binding(5, cores: 4, isWholeHost: false) == .shared)
    #expect(binding(2, cores: 4, quota: 2) == .none)
    #expect(binding(3, cores: 4, quota: 2) == .shared)
    #expect(binding(4, cores: 4, quota: 8) == .core)
  }
}
