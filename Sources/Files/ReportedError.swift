/// An error that ends a process with one sentence and an exit code of sysexits.h.
package protocol ReportedError: Error, CustomStringConvertible {
  /// 64 wrong usage, 65 malformed data, 66 no data, 69 a peer or a library is unreachable, 70 internal, 71 the system
  /// lacks memory or the like, 73 or 74 a file cannot be written, 78 a recipe that does not train.
  var exitCode: Int32 { get }
}
