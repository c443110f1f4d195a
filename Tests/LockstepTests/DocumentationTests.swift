import Foundation
import Testing

/// What the pages show is what a reader gets who types it, page after page.
extension RealRanks {
  @Suite(.serialized, .enabled(if: TestData.mnist != nil, "needs MNIST, whose figures the pages show"))
  struct DocumentationTests {
    /// A folder like a fresh clone with a finished build, in which README's commands have been run.
    nonisolated(unsafe) private static let story = Result { try Story() }

    @Test func readmeDoesWhatItShows() throws {
      let story = try Self.story.get()
      for failure in story.failures { Issue.record("\(failure)") }
      #expect(story.commandCount > 10)
    }

    @Test(arguments: DocumentedPage.inReadingOrder.dropFirst())
    func pageDoesWhatItShows(_ page: DocumentedPage) throws {
      let folder = try Self.story.get().copy()
      for failure in try folder.run(page).failures { Issue.record("\(failure)") }
    }
  }
}

/// The pages as texts.
struct DocumentationTextTests {
  @Test(arguments: DocumentedPage.inReadingOrder) func linksLeadSomewhere(_ page: DocumentedPage) throws {
    for link in page.links {
      let target = Checkout.root.appendingPathComponent(link.path).path
      guard FileManager.default.fileExists(atPath: target) else {
        Issue.record("\(page.path):\(link.line): no file \(link.path)")
        continue
      }
      if let anchor = link.anchor, link.path.hasSuffix(".md") {
        let anchors = try DocumentedPage(link.path).anchors
        #expect(anchors.contains(anchor), "\(page.path):\(link.line): \(link.path) has no heading #\(anchor)")
      }
    }
  }

  /// A page that no page leads to would not be read, and not be tried.
  @Test func everyPageIsReached() throws {
    let reached = Set(DocumentedPage.inReadingOrder.map(\.path))
    for folder in ["docs", "cluster", "hostfiles"] {
      let files = FileManager.default.enumerator(
        atPath: Checkout.root.appendingPathComponent(folder).path)
      for case let file as String in files ?? .init() where file.hasSuffix(".md") {
        #expect(reached.contains("\(folder)/\(file)"), "no page leads to \(folder)/\(file)")
      }
    }
  }

  @Test func whatIsNotRunSaysWhy() throws {
    for page in DocumentedPage.inReadingOrder {
      for block in try page.blocks() {
        #expect(block.reasonNotRun?.isEmpty != true, "\(page.path):\(block.line)")
      }
    }
  }

  @Test func figuresAreComparedExactlyUnlessTheyMeasure() {
    #expect(
      Transcript.matches(
        "test accuracy 99.16 %  77,000 images/s  1.4 s", "test accuracy 99.16 %  80,123 images/s  2 s"))
    #expect(
      !Transcript.matches("test accuracy 99.17 %  77,000 images/s", "test accuracy 99.16 %  77,000 images/s"))
    #expect(
      Transcript.matches(
        "model runs/quick-2026-11-24-030128/final", "model runs/quick-2027-01-01-101010/final"))
    #expect(!Transcript.matches("4 ranks", "2 ranks"))
    #expect(Transcript.matches("4 ranks", "2 ranks", isInKind: true))
    #expect(Transcript.matches("sha256 f65900aa", "sha256 f659…"))
    #expect(Transcript.matches("a     120 µs   end", "a  0.2 s  end"))
    #expect(!Transcript.matches("3 steps", "30 steps"))
  }

  @Test func linesMayBeLeftOut() {
    let transcript = Transcript("$ one\nfirst\n…\nlast\n$ two \\\n  more\n[exit code 64]")
    #expect(transcript.steps.map(\.command) == ["one", "two \\\n  more"])
    #expect(transcript.steps.map(\.exitCode) == [0, 64])
    #expect(transcript.difference(of: "first\na\nb\nlast\n", from: transcript.steps[0]) == nil)
    #expect(transcript.difference(of: "first\nlast\n", from: transcript.steps[0]) == nil)
    #expect(transcript.difference(of: "first\na\nb\n", from: transcript.steps[0])?.contains("'last'") == true)
    #expect(transcript.difference(of: "first\nlast\nmore\n", from: transcript.steps[0]) != nil)
  }
}

/// A folder like a fresh clone with a finished build, in which pages are tried.
final class Story {
  /// A command that did not do what its page shows.
  struct Failure: CustomStringConvertible {
    var description: String
  }

  private let folder: ScratchFolder
  private(set) var failures: [Failure] = []
  private(set) var commandCount = 0

  /// Runs what README.md shows.
  convenience init() throws {
    try self.init(runsOf: nil)
    try run(DocumentedPage("README.md"))
  }

  /// A folder with the runs of another.
  private init(runsOf other: String?) throws {
    folder = try ScratchFolder()
    let files = FileManager.default
    let checkout = Checkout.root
    for name in try files.contentsOfDirectory(atPath: checkout.path)
    where !["runs", "Package.resolved"].contains(name) && !name.hasPrefix(".") {
      try files.createSymbolicLink(
        atPath: folder(name), withDestinationPath: checkout.appendingPathComponent(name).path)
    }
    try files.createDirectory(atPath: folder(".build"), withIntermediateDirectories: true)
    try files.createSymbolicLink(
      atPath: folder(".build/release"),
      withDestinationPath: URL(fileURLWithPath: Command.binary).deletingLastPathComponent().path)
    // So that scripts find the build finished.
    let outcome = try bash("source scripts/common.sh && mark_built")
    if outcome.code != 0 { throw DocumentedPage.Fault(description: outcome.output + outcome.errors) }
    if let other { try files.copyItem(atPath: other, toPath: folder("runs")) }
  }

  /// A folder with this one's runs.
  func copy() throws -> Story {
    try Story(runsOf: folder("runs"))
  }

  /// Runs a page's commands in reading order.
  @discardableResult
  func run(_ page: DocumentedPage) throws -> Story {
    let takesAll = ProcessInfo.processInfo.environment["LOCKSTEP_TEST_ALL"] != nil
    for block in try page.blocks() where block.reasonNotRun == nil && (takesAll || !block.isSlow) {
      let place = "\(page.path):\(block.line)"
      switch block.kind {
      case .script:
        let outcome = try bash("set -e -o pipefail\n" + block.text)
        commandCount += 1
        if outcome.code != 0 {
          failures.append(Failure(description: "\(place): exit code \(outcome.code)\n\(outcome.output)"))
        }
      case .transcript:
        let transcript = Transcript(block.text, isInKind: block.isInKind)
        for step in transcript.steps {
          let outcome = try bash(step.command)
          commandCount += 1
          if outcome.code != step.exitCode {
            failures.append(
              Failure(
                description:
                  "\(place): \(step.command): expected exit code \(step.exitCode), found \(outcome.code)\n\(outcome.output)"
              ))
          } else if let difference = transcript.difference(of: outcome.output, from: step) {
            failures.append(Failure(description: "\(place): \(step.command): \(difference)"))
          }
        }
      }
    }
    return self
  }

  /// Runs a piece of bash in the folder, which sees what earlier pieces have exported; what it prints, errors included.
  private func bash(_ script: String) throws -> Command.Outcome {
    let state = folder(".exported")
    let text = """
      cd '\(folder.path)'
      if [ -f '\(state)' ]; then . '\(state)'; fi
      trap "export -p >'\(state)'" EXIT
      exec 2>&1
      \(script)
      """
    var command = Command(executable: "bash", arguments: ["-c", text])
    command.environment["LOCKSTEP_DATA"] = TestData.folder
    command.environment["PATH"] =
      folder(".build/release") + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")
    command.limit = 300
    return try command.run()
  }
}
