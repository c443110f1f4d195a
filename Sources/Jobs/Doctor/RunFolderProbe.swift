internal import Files
internal import Foundation

/// Tries whether a run's folder could be written.
package enum RunFolderProbe {
  /// A sentence if `folder`, or the nearest folder above it that exists, cannot be written; nil if it can.
  /// Leaves nothing behind.
  package static func fault(of folder: String) -> String? {
    let files = FileManager.default
    var existing = URL(fileURLWithPath: folder.literalPath)
    while !files.fileExists(atPath: existing.path), existing.path != "/" {
      existing.deleteLastPathComponent()
    }
    do throws(FileError) {
      // Never given its name, it goes with this function.
      let probe = try PendingFile(path: existing.appendingPathComponent("lockstep-doctor").path)
      // A megabyte, so that a full disk is noticed too.
      try probe.append([UInt8](repeating: 0, count: 1 << 20))
      return nil
    } catch {
      return "the run folder \(folder) cannot be written by rank 0: \(error)"
    }
  }
}
