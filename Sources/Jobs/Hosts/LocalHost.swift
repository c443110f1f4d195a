#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// The host that this process runs on.
package enum LocalHost {
  /// What it calls itself.
  ///
  /// The corresponding C function is `gethostname`.
  package static var name: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whether a name in a hostfile, with or without `user@`, means this host.
  package static func isNamed(_ name: String) -> Bool {
    let own = Self.name
    let bare = name.split(separator: "@").last.map(String.init) ?? name
    return ["localhost", "127.0.0.1", "::1", own, own.split(separator: ".").first.map(String.init) ?? own]
      .contains(bare)
  }
}
