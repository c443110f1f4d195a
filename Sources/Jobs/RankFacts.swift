/// What one rank can tell of itself and its host.
public struct RankFacts: Hashable, Sendable, Codable {
  public var rank = 0
  public var host = ""
  /// The processors it may run on, e.g. `0-3,8`.
  public var processors = ""
  /// The physical cores that these belong to, by any name that is unique on the host.
  public var cores: [String] = []
  /// Whether it is bound to a part of the host.
  public var isBound = false
  /// The processor's name, as the system gives it.
  public var processorModel = ""
  /// Who does its matrix products, e.g. `OpenBLAS 0.3.21 SkylakeX, own 16 lanes`.
  public var products = ""
  /// What the bits of these depend on: the same on all ranks, or the model depends on who computes what.
  public var productsIdentity = ""
  /// Floating-point operations per second: the most that the processor could do, what these products get, and what the
  /// quickest products would get; 0 where nothing was measured.
  public var peakRate = 0.0
  public var productRate = 0.0
  public var bestProductRate = 0.0
  /// The MPI library's version.
  public var mpiVersion = ""
  /// SHA-256 of the running program.
  public var binaryDigest = ""
  /// Bytes that the host can still give.
  public var memoryAvailable = 0
  /// Bytes left in `/dev/shm`.
  public var sharedMemoryAvailable = 0
  public var interfaces: [NetworkInterface] = []
  /// The dataset as this rank's host has it; only on the first rank of each host.
  public var dataset = DatasetState.notAsked
  /// Whether waiting ranks give way to others on the same core (`mpi_yield_when_idle`).
  public var yieldsWhenIdle = false
  /// Whether `mpirun` was told to notice an unplugged host soon (`oob_tcp_keepalive_time`).
  public var noticesLostHosts = false

  /// A host's dataset.
  public enum DatasetState: Hashable, Sendable, Codable {
    case notAsked
    case found(digest: String, name: String)
    case missing
    case damaged(String)
  }

  public init() {}
}

/// Something that a user should know, and what to do about it.
public struct Finding: Hashable, Sendable {
  public enum Level: String, Sendable, Comparable {
    /// Training would fail, hang, or give another model.
    case problem
    /// Training would be slow, or may fail.
    case warning
    case note

    public static func < (left: Level, right: Level) -> Bool {
      let order: [Level] = [.problem, .warning, .note]
      return (order.firstIndex(of: left) ?? 0) < (order.firstIndex(of: right) ?? 0)
    }
  }

  public var level: Level
  /// What is the case, and where.
  public var what: String
  /// What to do about it; empty if nothing.
  public var advice: String

  public init(_ level: Level, _ what: String, advice: String = "") {
    self.level = level
    self.what = what
    self.advice = advice
  }
}
