internal import Digests
internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

extension RankFacts {
  /// What the system tells of this process, which is `rank`: host, processors, memory, network, and how
  /// `environment` sets Open MPI.
  package init(rank: Int, environment: [String: String]) {
    let processors = ProcessorSet()
    self.rank = rank
    host = LocalHost.name
    self.processors = ProcessorSet.allowedList ?? ""
    cores = processors.coreNames
    isBound = !processors.isWholeHost
    processorModel = ProcessorSet.modelName
    binaryDigest = ProgramIdentity.current
    let memory = SystemFile.value(of: "MemAvailable", in: "/proc/meminfo")?.split(separator: " ").first
    memoryAvailable = memory.flatMap { Int($0) }.map { $0 * 1024 } ?? 0
    var shared = statvfs()
    if statvfs("/dev/shm", &shared) == 0 {
      sharedMemoryAvailable = Int(shared.f_bavail) * Int(shared.f_frsize)
    }
    interfaces = NetworkInterface.usable(NetworkInterface.all(), environment: environment)
    yieldsWhenIdle = environment["OMPI_MCA_mpi_yield_when_idle"].map { $0 != "0" } ?? false
    noticesLostHosts = environment["OMPI_MCA_oob_tcp_keepalive_time"] != nil
  }

  /// SHA-256 of a file in hexadecimal digits; nil if it cannot be read.
  package static func digest(ofFile path: String) -> String? {
    FileManager.default.contents(atPath: path).map { SHA256Digest(of: Array($0)).description }
  }
}
