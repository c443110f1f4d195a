internal import CProcesses
internal import Digests
internal import Foundation

/// Tells builds of this program apart.
package enum ProgramIdentity {
  /// What the running program was built from, in hexadecimal digits: the linker's digest of all that it linked, which is
  /// there at no cost; where the program has none, SHA-256 of its file; empty where that can't be read either.
  package static let current: String = {
    var count = 0
    if let bytes = cprocesses_build_id(&count), count > 0 {
      return UnsafeBufferPointer(start: bytes, count: count).map { byte in
        let digits = String(byte, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
      }.joined()
    }
    return RankFacts.digest(ofFile: "/proc/self/exe") ?? ""
  }()
}
