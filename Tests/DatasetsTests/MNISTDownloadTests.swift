import Datasets
import Digests
import Files
import Foundation
import TestSupport
import Testing

@Suite struct MNISTDownloadTests {
  private static let content = datasetFiles(train: 300, test: 40)
  private static let files = content.keys.sorted().map {
    PublishedFile(
      name: $0, count: content[$0]?.count ?? 0, digest: SHA256Digest(of: content[$0] ?? []).description)
  }
  private static let images = "train-images-idx3-ubyte"

  private func routes(_ prefix: String = "") throws -> [String: LoopbackServer.Response] {
    var routes: [String: LoopbackServer.Response] = [:]
    for (name, bytes) in Self.content {
      routes["\(prefix)\(name).gz"] = LoopbackServer.Response(try gzip(bytes))
    }
    return routes
  }

  /// Fetches and returns what was reported, and the error if there was one.
  private func fetch(
    _ folder: String, _ mirrors: [String], _ change: (inout MNISTDownload) -> Void = { _ in }
  ) -> (events: [MNISTDownload.Event], error: FileError?) {
    var download = MNISTDownload(to: folder, mirrors: mirrors, files: Self.files)
    change(&download)
    var events: [MNISTDownload.Event] = []
    do {
      try download.run { events.append($0) }
    } catch {
      return (events, error)
    }
    return (events, nil)
  }

  /// The same from servers, which live until the end of it.
  private func fetch(
    _ folder: String, _ servers: [LoopbackServer], _ change: (inout MNISTDownload) -> Void = { _ in }
  ) -> (events: [MNISTDownload.Event], error: FileError?) {
    withExtendedLifetime(servers) { fetch(folder, servers.map(\.address), change) }
  }

  private func failures(_ events: [MNISTDownload.Event]) -> [String] {
    events.compactMap { if case .mirrorFailed(_, let reason) = $0 { reason } else { nil } }
  }

  @Test func filesArriveVerifiedAndDecompressed() throws {
    let server = try LoopbackServer(routes("mnist/"))
    let scratch = try Scratch()
    let (events, error) = withExtendedLifetime(server) {
      fetch(scratch("deep/er"), [server.address + "mnist"])
    }
    #expect(error == nil)
    for (name, bytes) in Self.content { #expect(try scratch.read("deep/er/\(name)") == bytes) }
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch("deep/er")).sorted()
    #expect(names == Self.content.keys.sorted())
    let size = try gzip(Self.content[Self.images] ?? []).count
    #expect(events.contains(.started(name: Self.images, url: "\(server.address)mnist/\(Self.images).gz")))
    #expect(events.contains(.progress(name: Self.images, received: size, total: size)))
    #expect(events.contains(.finished(path: scratch("deep/er/\(Self.images)"))))
    #expect(try Dataset(folder: scratch("deep/er")).trainCount == 300)
  }

  @Test func theNextMirrorTakesOver() throws {
    var partial = try routes()
    partial[Self.images + ".gz"] = nil
    let first = try LoopbackServer(partial)
    let second = try LoopbackServer(routes())
    let scratch = try Scratch()
    let (events, error) = fetch(scratch.path, [try LoopbackServer.deaf.get(), first, second])
    #expect(error == nil)
    #expect(try scratch.names() == Self.content.keys.sorted())
    #expect(second.requests == [Self.images + ".gz"])
    #expect(failures(events).contains("\(first.address)\(Self.images).gz: HTTP status 404 (Not Found)"))
  }

  @Test func redirectsAreFollowed() throws {
    let target = try LoopbackServer(routes())
    let source = try LoopbackServer(
      Dictionary(
        uniqueKeysWithValues: Self.content.keys.map {
          ("\($0).gz", .init(status: "302 Found", headers: ["Location: \(target.address)\($0).gz"]))
        }))
    let scratch = try Scratch()
    #expect(fetch(scratch.path, [source]).error == nil)
    #expect(target.requests.count == 4)
  }

  @Test func redirectsInACircleEnd() throws {
    let name = "t10k-images-idx3-ubyte.gz"
    let server = try LoopbackServer([name: .init(status: "302 Found", headers: ["Location: /\(name)"])])
    let error = fetch(try Scratch().path, [server]).error
    #expect(error?.kind == .unavailable)
    #expect(error?.description.hasSuffix("\(name): more than 10 redirects") == true, "\(error as Any)")
  }

  /// Only an answer with status 200 holds the file, whatever else the body of another one may be.
  @Test(arguments: ["302 Found", "204 No Content", "500 Internal Server Error"])
  func otherAnswersAreRefused(_ status: String) throws {
    let name = "t10k-images-idx3-ubyte.gz"
    var response = LoopbackServer.Response(try gzip(Self.content["t10k-images-idx3-ubyte"] ?? []))
    response.status = status
    let server = try LoopbackServer([name: response])
    let scratch = try Scratch()
    let error = fetch(scratch.path, [server]).error
    let code = status.prefix(3)
    #expect(error?.kind == .unavailable)
    #expect(
      error?.description.hasSuffix("\(name): HTTP status \(code) (\(status.dropFirst(4)))") == true,
      "\(error as Any)")
    #expect(try scratch.names() == [])
  }

  /// A redirect may not lead to a file of this machine.
  @Test func redirectsToOtherProtocolsAreRefused() throws {
    let scratch = try Scratch()
    let file = try scratch.write("secret", Self.content["t10k-images-idx3-ubyte"] ?? [])
    let name = "t10k-images-idx3-ubyte.gz"
    let server = try LoopbackServer([name: .init(status: "302 Found", headers: ["Location: file://\(file)"])])
    let error = fetch(scratch("data"), [server]).error
    #expect(error?.kind == .unavailable, "\(error as Any)")
  }

  /// Compressed once, whether the server calls that the file or its encoding; or not at all.
  @Test(arguments: [true, false]) func bodiesInAnEncodingAndPlainOnesAreTaken(_ isPlain: Bool) throws {
    var routes = try routes()
    for (name, bytes) in Self.content {
      var response = LoopbackServer.Response(isPlain ? bytes : try gzip(bytes))
      if !isPlain { response.headers = ["Content-Encoding: gzip"] }
      routes[name + ".gz"] = response
    }
    let server = try LoopbackServer(routes)
    let scratch = try Scratch()
    #expect(fetch(scratch.path, [server]).error == nil)
    #expect(try scratch.read(Self.images) == Self.content[Self.images])
  }

  @Test func wrongContentIsRefusedAndLeavesNothing() throws {
    let scratch = try Scratch()
    var wrong = Self.content["t10k-images-idx3-ubyte"] ?? []
    wrong[500] ^= 1
    var cases: [([UInt8], String)] = []
    cases.append(
      (
        try gzip(wrong),
        "expected content with SHA-256 \(Self.files[0].digest), found \(SHA256Digest(of: wrong))"
      ))
    cases.append((try gzip(wrong + [1]), "expected 31,376 decompressed bytes, found more"))
    cases.append((try gzip(wrong.dropLast()), "expected 31,376 decompressed bytes, found 31,375"))
    cases.append((Array("<html>".utf8), "expected 31,376 decompressed bytes, found 6"))
    cases.append(([], "expected 31,376 decompressed bytes, found 0"))
    cases.append(([0x1F, 0x8B, 9, 9, 9, 9, 9, 9, 9, 9], "expected intact gzip data, found damage: "))
    for (body, sentence) in cases {
      let server = try LoopbackServer(["t10k-images-idx3-ubyte.gz": .init(body)])
      let error = fetch(scratch.path, [server]).error
      #expect(error?.kind == .malformed && error?.exitCode == 65)
      let start = "t10k-images-idx3-ubyte: no mirror delivered this file: "
      #expect(
        error?.description.hasPrefix("\(start)\(server.address)t10k-images-idx3-ubyte.gz: \(sentence)")
          == true,
        "\(error?.description ?? "no error")")
      #expect(try scratch.names() == [])
    }
  }

  @Test func truncatedBodiesAreRefused() throws {
    let scratch = try Scratch()
    let whole = try gzip(Self.content["t10k-images-idx3-ubyte"] ?? [])
    for announced in [nil, whole.count] {
      for kept in [1, 9, whole.count / 2, whole.count - 1] {
        var response = LoopbackServer.Response(Array(whole[..<kept]))
        response.announced = announced
        let server = try LoopbackServer(["t10k-images-idx3-ubyte.gz": response])
        let error = fetch(scratch.path, [server]).error
        #expect(error?.kind == (announced == nil ? .malformed : .unavailable), "\(kept): \(error as Any)")
        #expect(try scratch.names() == [])
      }
    }
  }

  @Test func silentMirrorsAreGivenUp() throws {
    let scratch = try Scratch()
    let name = "t10k-images-idx3-ubyte.gz"
    var stalled = LoopbackServer.Response([0x1F, 0x8B])
    stalled.announced = 1000
    stalled.silence = .afterBody
    let first = try LoopbackServer([name: stalled])
    let error = fetch(scratch.path, [first]) { $0.stallTimeout = 0.25 }.error
    #expect(error?.kind == .unavailable && error?.exitCode == 69)
    #expect(
      error?.description.hasSuffix("\(first.address)\(name): no further data within 0.25 seconds") == true,
      "\(error as Any)")

    var late = LoopbackServer.Response([1])
    late.silence = .beforeAnswer
    let second = try LoopbackServer([name: late])
    let other = fetch(scratch.path, [second]) { $0.connectTimeout = 0.25 }.error
    #expect(
      other?.description.hasSuffix("\(second.address)\(name): no answer within 0.25 seconds") == true,
      "\(other as Any)")
    #expect(try scratch.names() == [])
  }

  @Test func unreachableMirrorsAreNamed() throws {
    let scratch = try Scratch()
    let dead = try [LoopbackServer.deaf.get().address, "http://localhost:1/"]
    let error = fetch(scratch.path, dead).error
    #expect(error?.kind == .unavailable)
    for address in dead {
      let start = "\(address)t10k-images-idx3-ubyte.gz: connection failed: "
      #expect(error?.description.contains(start) == true, "\(error as Any)")
    }
    #expect(fetch(scratch.path, [String]()).error?.kind == .unavailable)
    for mirror in ["ftp://host/", "mnist.example.org/data", "", "file:///data"] {
      #expect(fetch(scratch.path, [mirror]).error?.kind == .usage, "\(mirror)")
    }
  }

  @Test func rightFilesAreKeptWithoutAskingAnybody() throws {
    let scratch = try Scratch()
    for (name, bytes) in Self.content {
      if name.contains("images") {
        try scratch.write(name + ".gz", gzip(bytes))
      } else {
        try scratch.write(name, bytes)
      }
    }
    let before = try scratch.names()
    let (events, error) = fetch(scratch.path, [try LoopbackServer.deaf.get()])
    #expect(error == nil)
    #expect(events == before.map { .kept(path: scratch($0)) })
    #expect(try scratch.names() == before)
  }

  @Test func wrongFilesAreReplacedAndKeptAside() throws {
    let server = try LoopbackServer(routes())
    let scratch = try Scratch()
    try scratch.write("t10k-labels-idx1-ubyte", [1, 2, 3])
    try scratch.write("t10k-images-idx3-ubyte.gz", [4])
    // Right when compressed, but hidden by a wrong plain one.
    try scratch.write("train-labels-idx1-ubyte.gz", gzip(Self.content["train-labels-idx1-ubyte"] ?? []))
    try scratch.write("train-labels-idx1-ubyte", [5])
    // Nothing is touched as long as there is no replacement.
    let before = try scratch.names()
    #expect(fetch(scratch.path, [try LoopbackServer.deaf.get()]).error?.kind == .unavailable)
    #expect(try scratch.names() == before)

    let (events, error) = fetch(scratch.path, [server])
    #expect(error == nil)
    #expect(try Dataset(folder: scratch.path).read(.train).count == 300)
    #expect(try scratch.read("t10k-labels-idx1-ubyte.wrong") == [1, 2, 3])
    #expect(try scratch.read("t10k-images-idx3-ubyte.gz.wrong") == [4])
    #expect(try scratch.read("train-labels-idx1-ubyte.wrong") == [5])
    let path = scratch("t10k-labels-idx1-ubyte")
    #expect(
      events.contains(
        .foundWrong(path: path, reason: "\(path): expected 48 decompressed bytes, found 3")))
    #expect(events.contains(.setAside(path: path, as: path + ".wrong")))
    #expect(server.requests.count == 3)
  }

  @Test func foldersThatCannotBeWrittenAreNamed() throws {
    let server = try LoopbackServer(routes())
    let scratch = try Scratch()
    try scratch.write("file", [])
    let error = fetch(scratch("file/sub"), [server]).error
    #expect(
      error
        == FileError(
          .notCreatable, "\(scratch("file/sub")): cannot create this folder: File exists"))
    #expect(error?.exitCode == 73)
    #expect(server.requests.isEmpty)
    // Neither root nor anybody else can create files here.
    let refused = fetch("/proc/self", [server]).error
    #expect(refused?.kind == .notCreatable, "\(refused as Any)")
    // A full disk, if it shows up while writing, is not blamed on the mirror.
    #expect(FileError(.inputOutput, "").exitCode == 74)
  }

  @Test func leftoversOfKilledProcessesAreRemoved() throws {
    let server = try LoopbackServer(routes())
    let scratch = try Scratch()
    // No process has this number; process 1 lives.
    try scratch.write(".\(Self.images).99999999.tmp", [1])
    try scratch.write(".\(Self.images).1.tmp", [1])
    #expect(fetch(scratch.path, [server]).error == nil)
    #expect(try scratch.names() == [".\(Self.images).1.tmp"] + Self.content.keys.sorted())
  }
}
