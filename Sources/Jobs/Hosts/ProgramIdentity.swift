internal import CProcesses
internal import CVersion
internal import Digests
internal import Foundation

/// What this program is, and what tells its builds apart.
package enum ProgramIdentity {
  /// The version, as in `0.1.0`.
  package static let version = LOCKSTEP_VERSION

  /// The commit that it was built from and its date, as in `9a0ca54, 2026-11-26`, or `9a0ca54 with changes, 2026-11-26` where
  /// the source was not quite the commit's; nil where that is not known.
  package static let commit: String? = {
    let text = String(cString: cversion_commit())
    return text.isEmpty ? nil : text
  }()

  /// The version and the commit, `0.1.0 (9a0ca54, 2026-11-26)`; without a commit the beginning of the build's id,
  /// `0.1.0 (build 5d2c7a9be4f1)`.
  package static let versionAndCommit = "\(version) (\(commit ?? "build \(current.prefix(12))"))"

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
