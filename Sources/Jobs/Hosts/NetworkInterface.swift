internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// A network interface of this host that is up and has an IPv4 address.
package struct NetworkInterface: Hashable, Sendable, Codable {
  /// As in `eth0`.
  package var name: String
  /// As in `10.0.0.1`.
  package var address: String

  /// An interface that is up.
  package init(name: String, address: String) {
    self.name = name
    self.address = address
  }

  /// Those of this host, the loopback left out.
  package static func all() -> [NetworkInterface] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var result: [NetworkInterface] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      let flags = Int(entry.ifa_flags)
      guard let socket = entry.ifa_addr, Int32(socket.pointee.sa_family) == AF_INET,
        flags & Int(IFF_UP) != 0, flags & Int(IFF_LOOPBACK) == 0
      else { continue }
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      guard
        getnameinfo(
          socket, socklen_t(MemoryLayout<sockaddr_in>.size), &text, socklen_t(text.count), nil, 0,
          NI_NUMERICHOST) == 0
      else { continue }
      let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      result.append(NetworkInterface(name: String(cString: entry.ifa_name), address: address))
    }
    return result
  }

  /// The interfaces that Open MPI may use after its parameters `btl_tcp_if_include` and `btl_tcp_if_exclude`,
  /// as far as these have names of interfaces or addresses with a mask length.
  package static func usable(
    _ interfaces: [NetworkInterface], environment: [String: String]
  ) -> [NetworkInterface] {
    func matches(_ interface: NetworkInterface, _ list: String) -> Bool {
      list.split(separator: ",").contains { item in
        item == interface.name || contains(item, interface.address)
      }
    }
    if let include = environment["OMPI_MCA_btl_tcp_if_include"] {
      return interfaces.filter { matches($0, include) }
    }
    let exclude = environment["OMPI_MCA_btl_tcp_if_exclude"] ?? ""
    return interfaces.filter { !matches($0, exclude) }
  }

  /// Whether `10.0.0.0/8` contains an address.
  private static func contains(_ network: some StringProtocol, _ address: String) -> Bool {
    func number(_ text: some StringProtocol) -> UInt32? {
      let parts = text.split(separator: ".").compactMap { UInt8($0) }
      return parts.count == 4 ? parts.reduce(0) { $0 << 8 | UInt32($1) } : nil
    }
    let parts = network.split(separator: "/")
    guard parts.count == 2, let length = UInt32(parts[1]), length <= 32, let base = number(parts[0]),
      let own = number(address)
    else { return false }
    return length == 0 || (base ^ own) >> (32 - length) == 0
  }
}
