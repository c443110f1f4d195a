/// What one rank can tell of itself and its host.
package struct RankFacts: Hashable, Sendable, Codable {
  /// The rank in the world.
  package var rank = 0
  /// What its host calls itself.
  package var host = ""
  /// The processors it may run on, e.g. `0-3,8`.
  package var processors = ""
  /// The physical cores that these belong to, by any name that is unique on the host.
  package var cores: [String] = []
  /// Whether it is bound to a part of the host.
  package var isBound = false
  /// The processor's name, as the system gives it.
  package var processorModel = ""
  /// What computes its matrix products, e.g. `OpenBLAS 0.3.21 SkylakeX, own 16 lanes`.
  package var products = ""
  /// What the bits of these depend on: the same on all ranks, or the model depends on who computes what.
  package var productsIdentity = ""
  /// The most that the processor could do, in floating-point operations per second; 0 where it was not
  /// measured.
  package var peakRate = 0.0
  /// What these products get, in the same unit.
  package var productRate = 0.0
  /// What the quickest products would get.
  package var bestProductRate = 0.0
  /// Images per second of its core's passes through a network while all ranks compute; 0 where it was not measured.
  package var coreRate = 0.0
  /// The MPI library's version.
  package var mpiVersion = ""
  /// Which build of the program the rank runs: `ProgramIdentity`.
  package var binaryDigest = ""
  /// Bytes that the host can still give.
  package var memoryAvailable = 0
  /// Bytes left in `/dev/shm`.
  package var sharedMemoryAvailable = 0
  /// The network interfaces that Open MPI may use.
  package var interfaces: [NetworkInterface] = []
  /// The dataset as this rank would read it; only on the first rank of those of a host that would read the same files.
  package var dataset = DatasetState.notAsked
  /// Whether waiting ranks give way to others on the same core (`mpi_yield_when_idle`).
  package var yieldsWhenIdle = false
  /// Whether `mpirun` was told to notice an unplugged host soon (`oob_tcp_keepalive_time`).
  package var noticesLostHosts = false

  /// A host's dataset.
  package enum DatasetState: Hashable, Sendable, Codable {
    /// Another rank of the host tells.
    case notAsked
    /// With the SHA-256 of its content, and, where it has the content or the sizes of a published one, a sentence that
    /// says so.
    case found(digest: String, name: String, recognition: String = "")
    /// It is not there.
    case missing
    /// It is there and cannot be used; the sentence says why.
    case damaged(String)
  }

  /// Facts that nothing is known of yet.
  package init() {}
}
