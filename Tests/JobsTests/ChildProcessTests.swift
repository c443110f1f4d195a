import Foundation
import Jobs
import Testing

@Suite struct ChildProcessTests {
  @Test(arguments: [("exit 0", Int32(0)), ("exit 75", 75), ("kill -KILL $$", 137)])
  func endsWithACodeOrASignal(_ script: String, _ code: Int32) throws {
    let child = try ChildProcess(["sh", "-c", script])
    #expect(child.wait() == code)
    #expect(child.poll() == code)
  }

  @Test func runsInASessionOfItsOwnWithTheOutputInAFile() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("lockstep-child-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let child = try ChildProcess(
      ["sh", "-c", "echo $WORD; read line || echo nothing; ps -o sid= -p $$"],
      environment: ["WORD": "hello", "PATH": "/usr/bin:/bin"], output: .file(file.path))
    #expect(child.wait() == 0)
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(
      lines.map { $0.trimmingCharacters(in: .whitespaces) } == ["hello", "nothing", "\(child.identifier)"])
  }

  /// Somebody else in the process collects its end, as a library may.
  @Test func aCodeThatIsLostIsNeitherSuccessNorARunningProcess() throws {
    for isPolled in [true, false] {
      let child = try ChildProcess(["sh", "-c", "exit 3"])
      var status: Int32 = 0
      #expect(waitpid(child.identifier, &status, 0) == child.identifier)
      #expect((isPolled ? child.poll() : child.wait()) == 71)
    }
  }

  @Test func aProgramThatIsMissingIsNamed() {
    #expect {
      _ = try ChildProcess(["no-such-program"])
    } throws: {
      guard let error = $0 as? JobError else { return false }
      return error.exitCode == 127 && error.description.hasPrefix("'no-such-program' cannot be started")
    }
  }
}
