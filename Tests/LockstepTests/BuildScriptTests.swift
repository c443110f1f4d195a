import Foundation
import Testing

/// scripts/common.sh, as far as it can be tried without building.
@Suite struct BuildScriptTests {
  /// Runs a function of common.sh as the scripts of a clone in `folder` do.
  private func call(_ function: String, in folder: String) throws -> Command.Outcome {
    try FileManager.default.createDirectory(atPath: folder + "/scripts", withIntermediateDirectories: true)
    let script = folder + "/scripts/common.sh"
    if !FileManager.default.fileExists(atPath: script) {
      try FileManager.default.copyItem(
        atPath: Checkout.root.appendingPathComponent("scripts/common.sh").path, toPath: script)
    }
    return try Command(executable: "bash", arguments: ["-euc", "source '\(script)'; \(function)"]).run()
  }

  /// A clone that was copied or moved with its .build would fail with errors of the compiler.
  @Test func aBuildOfAnotherFolderIsRemoved() throws {
    let scratch = try ScratchFolder()
    let clone = scratch("clone")
    func build(for root: String) throws {
      try FileManager.default.createDirectory(atPath: clone + "/.build", withIntermediateDirectories: true)
      try Data(#"  "<x>": ["\#(root)/Sources/Files/FileError.swift"]"#.utf8).write(
        to: URL(fileURLWithPath: clone + "/.build/release.yaml"))
    }
    try build(for: clone)
    let own = try call("remove_foreign_build", in: clone)
    #expect(own.code == 0 && own.errors == "", "\(own.errors)")
    #expect(FileManager.default.fileExists(atPath: clone + "/.build/release.yaml"))
    for other in ["/elsewhere", clone + "/inner", scratch.path] {
      try build(for: other)
      let foreign = try call("remove_foreign_build", in: clone)
      #expect(
        foreign.code == 0 && foreign.errors.contains("was built for another folder"), "\(foreign.errors)")
      #expect(!FileManager.default.fileExists(atPath: clone + "/.build"))
    }
    #expect(try call("remove_foreign_build", in: clone).errors == "", "nothing is there")
  }

  @Test func theCommitIsTold() throws {
    let scratch = try ScratchFolder()
    let clone = scratch("clone")
    // scripts/test has told its own.
    let tell = "unset LOCKSTEP_COMMIT; export_commit; echo \"<${LOCKSTEP_COMMIT:-}>\""
    #expect(try call(tell, in: clone).output == "<>\n", "an archive")
    let git = "cd '\(clone)' && git -c user.name=a -c user.email=a@b"
    let made = try call(
      "cd '\(clone)' && mkdir Sources && echo 1 >Sources/a && git init -q . && git add . && \(git) commit -q -m a",
      in: clone)
    try #require(made.code == 0, "\(made.errors)")
    #expect(try call(tell, in: clone).output.contains(/^<[0-9a-f]{7,}, \d{4}-\d\d-\d\d>\n$/))
    #expect(try call("echo 2 >'\(clone)/Sources/b'; " + tell, in: clone).output.contains(" with changes, "))
  }
}
