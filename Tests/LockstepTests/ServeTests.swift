import Datasets
import Foundation
import Photographs
import Testing

private let environment = ProcessInfo.processInfo.environment
private let pythonWithWebSockets = environment["LOCKSTEP_BROWSER_PYTHON"]
private let pythonWithSchemathesis = environment["LOCKSTEP_SCHEMATHESIS_PYTHON"]

extension RealRanks {
  /// `lockstep serve` as a process.
  struct ServeTests {
    /// A server on a port of its own.
    private final class Server {
      let running: Command.Running
      let address: String
      let port: UInt16

      init(_ words: String...) throws {
        running = try Command(executable: Command.binary, arguments: ["serve", "--port", "0"] + words).start()
        let text = running.waitForOutput(containing: "\n")
        let match = try #require(text.firstMatch(of: /http:\/\/127\.0\.0\.1:([0-9]+)/), "\(text)")
        address = String(match.0)
        port = try #require(UInt16(match.1))
      }

      deinit { if running.process.isRunning { running.signal(SIGKILL) } }

      /// One request on a connection of its own: the status, and all of the answer.
      func ask(_ method: String, _ path: String, _ body: [UInt8] = []) throws -> (status: Int, text: String) {
        let connection = try Connection(port)
        connection.send(Connection.request(method, path, body, ["Connection: close"]))
        return try connection.answer()
      }

      /// Returns once so many requests are under way, the one that asks left out.
      func waitForInFlight(_ count: Int) throws {
        while running.process.isRunning,
          !(try ask("GET", "/metrics").text.contains("lockstep_requests_in_flight \(count + 1)\n"))
        {}
      }

      func end() throws -> Command.Outcome {
        running.signal(SIGTERM)
        return try running.wait()
      }
    }

    private func page() throws -> (file: [UInt8], lines: [String]) {
      let digits = try Dataset(synthetic: SyntheticDigits(seed: 11), trainCount: 1, testCount: 500).read(
        .test)
      let page = PageComposer(digits: digits, seed: 5).page(1, .clean)
      return (page.picture.jpeg(quality: 95), page.rows.map { $0.map { "\($0.digit)" }.joined() })
    }

    @Test func aPageIsReadAndSIGTERMEndsInOrder() throws {
      let (file, lines) = try page()
      let server = try Server()
      // Two requests on one connection, the second after a HEAD that has no body.
      let connection = try Connection(server.port)
      connection.send(Connection.request("HEAD", "/", []))
      let head = connection.read(until: "\r\n\r\n")
      #expect(head.hasPrefix("HTTP/1.1 200") && head.contains("Content-Type: text/html"))
      connection.send(Connection.request("POST", "/v1/read", file, ["Connection: close"]))
      let answer = try connection.answer()
      #expect(answer.status == 200)
      for line in lines { #expect(answer.text.contains("\"text\":\"\(line)\"")) }
      #expect(try server.ask("GET", "/nothing").status == 404)
      #expect(try server.ask("PUT", "/v1/read", file).status == 405)
      #expect(try server.ask("POST", "/v1/read", Array("no picture".utf8)).status == 415)
      let outcome = try server.end()
      #expect(outcome.code == 0 && outcome.errors.isEmpty)
    }

    /// What had begun is answered, what comes later is not.
    @Test func aRequestUnderWayIsAnsweredAfterSIGTERM() throws {
      let file = try page().file
      let server = try Server()
      let request = Connection.request("POST", "/v1/read", file)
      let connection = try Connection(server.port)
      connection.send(Array(request.dropLast()))
      try server.waitForInFlight(1)
      server.running.signal(SIGTERM)
      while try server.ask("GET", "/v1/health").status != 503 {}
      connection.send([request[request.count - 1]])
      #expect(try connection.answer().status == 200)
      #expect(try server.running.wait().code == 0)
      #expect(throws: (any Error).self) { try Connection(server.port) }
    }

    @Test func clientsThatGoAwayOrTalkNonsenseHarmNobody() throws {
      let file = try page().file
      let server = try Server()
      for _ in 0..<20 {
        let half = Connection.request("POST", "/v1/read", file).prefix(20_000)
        try Connection(server.port).send(Array(half))
        // Gone before it could read the answer.
        try Connection(server.port).send(Connection.request("POST", "/v1/read?annotate=true", file))
        let nonsense = try Connection(server.port)
        nonsense.send([22, 3, 1, 2, 0, 1, 0, 1, 252, 10, 10, 13, 10])
        #expect(nonsense.rest().isEmpty)
      }
      let large = try Connection(server.port)
      large.send(
        Array("POST /v1/read HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 40000000\r\n\r\n".utf8))
      #expect(try large.answer().status == 413)
      try server.waitForInFlight(0)
      #expect(try server.ask("POST", "/v1/read", file).status == 200)
      #expect(try server.end().code == 0)
    }

    @Test func whereNobodyCanListen() throws {
      let server = try Server()
      let second = try Command.alone("serve", "--port", "\(server.port)").run()
      #expect(second.code == 71 && second.errors.contains("another program listens there"))
      #expect(second.errors.split(separator: "\n").count == 1)
      // Addresses of documentation are nobody's (RFC 5737).
      let foreign = try Command.alone("serve", "--host", "192.0.2.1", "--port", "0").run()
      #expect(foreign.code == 71 && foreign.errors.contains("an address of this machine"))
      #expect(try Command.alone("serve", "--host", "no such host").run().code == 71)
      #expect(try Command.alone("serve", "--port", "70000").run().code == 64)
      #expect(try Command.alone("serve", "--model", "/nowhere").run().code == 66)
      #expect(try server.end().code == 0)
    }

    /// What its description says, tried by schemathesis with requests of all kinds.
    @Test(.enabled(if: pythonWithSchemathesis != nil))
    func theServerIsAsItsDescriptionSays() throws {
      let server = try Server()
      let scratch = try ScratchFolder()
      let outcome = try Command(
        executable: "env",
        arguments: [
          "-C", scratch.path, pythonWithSchemathesis ?? "", "-m", "schemathesis.cli", "run",
          "\(server.address)/openapi.json", "--checks", "all",
          "--max-examples", "25",
          "--seed", "1", "--no-color",
        ],
        environment: [
          "SCHEMATHESIS_HOOKS": "pictures", "PYTHONPATH": serving, "PYTHONDONTWRITEBYTECODE": "1",
          "HYPOTHESIS_STORAGE_DIRECTORY": scratch("examples"),
        ]
      ).run()
      #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
      #expect(try server.end().code == 0)
    }

    private var serving: String {
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Serving").path
    }

    private struct Seen: Decodable {
      var mouse, two, undo, clear, keyboard, deleted, finger, refused, focus, tab, dark: String
      var cards, lines, ink, annotated: Int
      var overflows: [Int]
      var rows, dropped, unnamed, foreign, problems: [String]
    }

    /// The page in Chromium: drawn on by mouse, finger and keyboard, given a photograph.
    @Test(.enabled(if: pythonWithWebSockets != nil))
    func thePageReadsWhatIsDrawnAndDropped() throws {
      let (file, lines) = try page()
      let scratch = try ScratchFolder()
      try Data(file).write(to: URL(fileURLWithPath: scratch("page.jpg")))
      let server = try Server()
      let outcome = try Command(
        executable: pythonWithWebSockets ?? "",
        arguments: [serving + "/page.py", "chromium", server.address, scratch("page.jpg"), scratch.path]
      ).run()
      try #require(outcome.code == 0, "\(outcome.errors)")
      let seen = try JSONDecoder().decode(Seen.self, from: Data(outcome.output.utf8))
      #expect(seen.mouse == "Read: 7" && seen.two == "Read: 17" && seen.undo == "Read: 7")
      #expect(seen.finger == "Read: 7" && seen.keyboard == "Read: 1")
      #expect(seen.clear == "Nothing drawn yet" && seen.deleted == "Nothing drawn yet")
      #expect(seen.cards == 1 && seen.lines >= 10 && seen.ink > 20)
      #expect(seen.focus == "paper" && seen.tab == "paper")
      #expect(seen.rows == lines && seen.dropped == lines && seen.annotated > 100)
      #expect(!seen.refused.isEmpty)
      #expect(seen.overflows.allSatisfy { $0 <= 0 } && seen.dark == "rgb(22, 23, 26)")
      #expect(seen.unnamed.isEmpty && seen.foreign.isEmpty && seen.problems.isEmpty, "\(seen)")
    }
  }
}

/// A connection to a server on this machine, on which bytes are sent as they are.
private final class Connection {
  private struct Refused: Error {}

  private let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)

  init(_ port: UInt16) throws {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    name.sin_port = port.bigEndian
    let code = withUnsafePointer(to: name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard code == 0 else { throw Refused() }
    // A server that says nothing is a failure, not a hang.
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(socket) }

  static func request(_ method: String, _ path: String, _ body: [UInt8], _ headers: [String] = []) -> [UInt8]
  {
    let lines = ["\(method) \(path) HTTP/1.1", "Host: localhost", "Content-Length: \(body.count)"] + headers
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
  }

  func send(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// What the server sends, up to and with `end`.
  func read(until end: String) -> String {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while !bytes.reversed().starts(with: end.utf8.reversed()), recv(socket, &byte, 1, 0) == 1 {
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What the server sends until it closes the connection.
  func rest() -> String {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(socket, &piece, piece.count, 0)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes += piece[..<count]
    }
  }

  /// The one answer, which must have the length that it announces.
  func answer() throws -> (status: Int, text: String) {
    let head = read(until: "\r\n\r\n")
    let length = try #require(
      head.firstMatch(of: /Content-Length: ([0-9]+)/).flatMap { Int($0.1) }, "\(head)")
    let status = try #require(Int(head.dropFirst("HTTP/1.1 ".count).prefix(3)))
    var body: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while body.count < length {
      let count = recv(socket, &piece, min(piece.count, length - body.count), 0)
      guard count > 0 else { break }
      body += piece[..<count]
    }
    #expect(body.count == length)
    return (status, String(decoding: body, as: UTF8.self))
  }
}
