#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// What Open MPI is told so that it starts and ends without waiting; another MPI takes no notice of it.
///
/// - Its components for Intel's Omni-Path and QLogic's InfiniPath, `mtl/psm2` and `mtl/psm`, load libraries that measure
///   the clock for a tenth of a second each, before they look whether there is such a card. Where there is none they can
///   serve nobody, and are left out.
/// - Messages between a rank and its launcher's daemon are small, and wait up to 40 ms for the acknowledgement of the one
///   before (RFC 896's rule against RFC 1122's delayed acknowledgements, §4.2.3.2), unless the socket is told otherwise.
///
/// Whatever a user or an administrator has set of `mtl` stays as it is.
package enum OpenMPIStart {
  /// What lets a process choose among the components: `ofi,psm2` or `^ofi`, all but that.
  static let variable = "OMPI_MCA_mtl"
  private static let file = "openmpi-mca-params.conf"
  /// Components, and what the names of their devices begin with.
  private static let components = [("psm", "ipath"), ("psm2", "hfi1")]

  /// The variable's value for this process; nil where there is nothing to say.
  ///
  /// `environment` gives the values of environment variables, `devices` are the names in `/dev`, and `contents` reads a
  /// file, nil if there is none.
  package static func selection(
    environment: (String) -> String?, devices: [String], contents: (String) -> String?
  ) -> String? {
    guard environment(variable) == nil else { return nil }
    let useless = components.filter { _, prefix in !devices.contains { $0.hasPrefix(prefix) } }.map(\.0)
    guard !useless.isEmpty else { return nil }
    let own = environment("HOME").flatMap { contents($0 + "/.openmpi/mca-params.conf") }
    let shared = systemFolders(environment).compactMap { contents($0 + "/" + file) }.first
    // Where Open MPI keeps its settings is built into it. Without having seen them, nothing may be set over them.
    guard environment("OMPI_MCA_mca_base_param_files") == nil, let shared else { return nil }
    guard let set = [own ?? "", shared].compactMap({ value(of: "mtl", in: $0) }).first else {
      return "^" + useless.joined(separator: ",")
    }
    guard set.hasPrefix("^") else { return nil }
    let left = set.dropFirst().split(separator: ",").map(String.init)
    return "^" + (left + useless.filter { !left.contains($0) }).joined(separator: ",")
  }

  /// Where distributions and builds of one's own have the settings of all users.
  private static func systemFolders(_ environment: (String) -> String?) -> [String] {
    ["OPAL_PREFIX", "MPI_HOME"].compactMap { environment($0).map { $0 + "/etc" } }
      + ["/etc/openmpi", "/etc/openmpi-x86_64", "/usr/local/etc", "/opt/openmpi/etc"]
  }

  /// A parameter's value in the text of a file of settings, the last one as for Open MPI; nil if it is not set there.
  private static func value(of name: String, in text: String) -> String? {
    text.split(whereSeparator: \.isNewline).lazy.compactMap { line in
      let words = line.prefix { $0 != "#" }.split(separator: "=", maxSplits: 1).map {
        String($0.filter { !$0.isWhitespace })
      }
      return words.count == 2 && words[0] == name ? words[1] : nil
    }.last
  }

  /// Runs `start`, which starts MPI, with the variable in the environment where that helps, and without it afterwards:
  /// programs that this one starts decide for themselves.
  static func during<Value>(_ start: () -> Value) -> Value {
    let variable = { (name: String) in getenv(name).map { String(cString: $0) } }
    let value = selection(environment: variable, devices: names(in: "/dev"), contents: shortFile)
    if let value { setenv(Self.variable, value, 1) }
    defer {
      if value != nil { unsetenv(Self.variable) }
      sendAtOnce()
    }
    return start()
  }

  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        names.append(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
      }
    }
    return names
  }

  /// The text of a file of up to 64 KiB; nil if it cannot be read.
  private static func shortFile(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(file, &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// Has the connections to processes of this host, which are those to the launcher's daemon, send what they are given at
  /// once.
  private static func sendAtOnce() {
    for name in names(in: "/proc/self/fd") {
      guard let socket = Int32(name), isLocalConnection(socket) else { continue }
      var isOn: Int32 = 1
      setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  /// Whether this is a TCP connection from this host to itself.
  private static func isLocalConnection(_ socket: Int32) -> Bool {
    var (own, peer) = (sockaddr_in(), sockaddr_in())
    func address(
      _ address: inout sockaddr_in,
      _ ask: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Bool {
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      return withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(socket, $0, &length) == 0 }
      }
    }
    return address(&own, getsockname) && address(&peer, getpeername)
      && own.sin_family == sa_family_t(AF_INET) && own.sin_addr.s_addr == peer.sin_addr.s_addr
  }
}
