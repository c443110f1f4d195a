import Foundation
import Jobs
import Testing

@Suite struct HostfileTests {
  @Test func readsWhatOpenMPIReads() throws {
    let file = try Hostfile(
      parsing: "# ours\nnode1 slots=4\n\n  10.0.0.2   slots = 2 # the small one\nme@node3\nnode1 slots=2\n",
      origin: "hosts")
    #expect(
      file.hosts == [
        .init(name: "node1", slots: 6, line: 2), .init(name: "10.0.0.2", slots: 2, line: 4),
        .init(name: "me@node3", slots: nil, line: 5),
      ])
    #expect(file.slots == nil)
    #expect(file.text == "node1 slots=6\n10.0.0.2 slots=2\nme@node3\n")
  }

  @Test(arguments: [
    ("node1 slots=0", "hosts, line 1: expected a number of slots from 1 up, found '0'"),
    ("\nnode1 slots=four", "hosts, line 2: expected a number of slots from 1 up, found 'four'"),
    ("node1 slot=4", "hosts, line 1: expected slots=N behind the name, found 'slot'"),
    ("node1 slots", "hosts, line 1: expected a number behind 'slots='"),
    ("node1, node2", "hosts, line 1: expected a host's name or address, found 'node1,'"),
    ("node1 slots=2 max-slots=4", "hosts, line 1: 'max-slots' is not taken"),
    ("# nobody\n", "hosts names no host"),
  ])
  func saysWhatIsWrongAndWhere(_ text: String, _ sentence: String) {
    #expect {
      _ = try Hostfile(parsing: text, origin: "hosts")
    } throws: {
      ($0 as? JobError)?.description.hasPrefix(sentence) == true
    }
  }

  @Test func theExamplesAreHostfiles() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("hostfiles")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { !$0.contains(".") }
    #expect(names.count >= 4)
    for name in names {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      _ = try Hostfile(parsing: text, origin: name)
    }
  }
}
