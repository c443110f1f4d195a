import Foundation
import Jobs
import Testing

@Suite struct HostfileTests {
  @Test func readsWhatOpenMPIReads() throws {
    let file = try Hostfile(
      parsing: """
        # ours
        node1 slots=4

          10.0.0.2   slots = 2 # the small one
        // as Open MPI's lexer has it
        me@node3
        node4 count=3 max_slots=5
        node5 cpu=1 user_name=me
        node6
        node6
        """, origin: "hosts")
    #expect(
      file.hosts == [
        .init(name: "node1", slots: 4, line: 2), .init(name: "10.0.0.2", slots: 2, line: 4),
        .init(name: "me@node3", slots: nil, line: 6), .init(name: "node4", slots: 3, line: 7),
        .init(name: "me@node5", slots: 1, line: 8), .init(name: "node6", slots: nil, line: 9),
      ])
    #expect(file.slots == nil)
    #expect(
      file.text
        == "node1 slots=4\n10.0.0.2 slots=2\nme@node3\nnode4 slots=3\nme@node5 slots=1\nnode6\nnode6\n")
  }

  /// What stands for a name is a name: ssh would take a hyphen for an option's.
  @Test(arguments: [
    "a username==", "a username=b@c", "a username=-l", "-oProxyCommand", "-l@node1", "a=b@c", "@a",
  ])
  func whatIsNoNameIsRefused(_ line: String) {
    #expect(throws: JobError.self) { _ = try Hostfile(parsing: line, origin: "hosts") }
  }

  /// A file of a cluster is read in one pass: who is this host is asked once for each name.
  @Test func manyHostsTakeOneQuestionEach() throws {
    let text = (0..<5000).map { "node\($0)\n" }.joined() + "node7\nhere\nalso-here\n"
    var questions = 0
    let file = try Hostfile(parsing: text, origin: "hosts") { name in
      questions += 1
      return name.hasSuffix("here")
    }
    #expect(file.hosts.count == 5001 && file.hosts.last?.name == "here" && questions <= 5003)
    #expect(file.text.hasSuffix("node4999\nhere\nhere\n"))
  }

  @Test(arguments: [
    "slots_max", "slots-max", "cpu_max", "cpu-max", "count_max", "count-max", "max_slots", "max-slots",
  ])
  func takesALimitInEverySpelling(_ key: String) throws {
    #expect(try Hostfile(parsing: "a slots=2 \(key)=4", origin: "hosts").slots == 2)
    #expect(try Hostfile(parsing: "a \(key) = 4", origin: "hosts").slots == nil)
  }

  @Test(arguments: [
    ("node1 slots=0", "hosts, line 1: expected a number of slots from 1 to 16777216, found '0'"),
    (
      "node1 slots=9223372036854775807\nnode1 slots=1",
      "hosts, line 1: expected a number of slots from 1 to 16777216, found '9223372036854775807'"
    ),
    ("\nnode1 slots=four", "hosts, line 2: expected a number of slots from 1 to 16777216, found 'four'"),
    (
      "node1 slots=99999999999999999999",
      "hosts, line 1: expected a number of slots from 1 to 16777216, found '9999"
    ),
    ("node1 slot=4", "hosts, line 1: expected slots=N behind the name, found 'slot'"),
    ("node1 slots", "hosts, line 1: expected a number behind 'slots='"),
    ("node1 slots=", "hosts, line 1: expected a number behind 'slots='"),
    ("node1, node2", "hosts, line 1: expected a host's name or address, found 'node1,': one host a line"),
    (
      "node1 slots=4 max-slots=2",
      "hosts, line 1: expected at least as many slots at most as slots, found 2 for 4"
    ),
    ("node1 slots=4\nnode2\nnode1 slots=2", "hosts, line 3: 'node1' stands in line 1 too, and mpirun takes"),
    ("node1\nnode1 slots=2", "hosts, line 2: 'node1' stands in line 1 too"),
    (
      "localhost slots=1\nthis-one slots=1",
      "hosts, line 2: 'this-one' stands in line 1 too, there called 'localhost'"
    ),
    ("::1 slots=2", "hosts, line 1: expected a host's name or address, found '::1': mpirun takes no IPv6"),
    (
      "[fe80::1] slots=2",
      "hosts, line 1: expected a host's name or address, found '[fe80::1]': mpirun takes no IPv6"
    ),
    (
      "node[01-04]",
      "hosts, line 1: expected a host's name or address, found 'node[01-04]': mpirun does not take Slurm's"
    ),
    ("node1:8", "hosts, line 1: expected a host's name or address, found 'node1:8': slots are written as"),
    ("node_1", "hosts, line 1: expected a host's name or address, found 'node_1'"),
    ("knöten", "hosts, line 1: expected a host's name or address, found 'knöten'"),
    ("me@you@node1", "hosts, line 1: expected a host's name or address"),
    ("node1 slots=2\r\nnode2 slots=2\r\n", "hosts, line 1: the line ends in a carriage return"),
    ("node1 slots=2\nnode2 slots=2\r\n", "hosts, line 2: the line ends in a carriage return"),
    ("\u{FEFF}node1 slots=2", "hosts, line 1: the file begins with a byte-order mark"),
    ("# nobody\n", "hosts names no host"), ("", "hosts names no host"),
  ])
  func saysWhatIsWrongAndWhere(_ text: String, _ sentence: String) {
    #expect {
      _ = try Hostfile(parsing: text, origin: "hosts") { ["localhost", "this-one"].contains($0) }
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
