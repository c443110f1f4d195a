import ArgumentParser
import Datasets
import Formatting
import Foundation

/// `lockstep fetch`.
struct Fetch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Download MNIST and verify it.",
    discussion: """
      The four files are taken from public mirrors, compared with their published SHA-256 and only then given
      their names. Files that are there and right are kept. Training never downloads.
      Examples:
        lockstep fetch
        lockstep fetch --to data/mnist --mirror http://mirror.example/mnist/
      """)

  @Option(
    help: ArgumentHelp("Where to. Default: the cache folder, where every command looks.", valueName: "folder")
  )
  var to: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Addresses that hold the .gz files, tried before the built-in ones.", valueName: "url")
  )
  var mirror: [String] = []

  @Flag(help: "Use no mirrors but those of --mirror.")
  var only = false

  func validate() throws {
    try requireName(to, "--to")
    if only, mirror.isEmpty { throw ValidationError("--only needs at least one --mirror") }
  }

  func run() throws {
    let environment = ProcessInfo.processInfo.environment
    guard let folder = to ?? DatasetSource.cacheFolder(environment: environment) else {
      throw ValidationError("neither XDG_CACHE_HOME nor HOME is set: say where with --to")
    }
    let console = FetchConsole(terminal: Terminal.current)
    try MNISTDownload(to: folder, mirrors: mirror + (only ? [] : MNISTDownload.builtInMirrors))
      .run(report: console.report)
    print("MNIST is in \(folder)")
  }
}

/// Shows a download's events: a line that counts on a terminal, one line per file on a pipe.
private struct FetchConsole {
  let terminal: Terminal?

  func report(_ event: MNISTDownload.Event) {
    switch event {
    case .kept(let path): line("\(path): already there, verified")
    case .foundWrong(let path, let reason): line("\(path) will be replaced: \(reason)")
    case .setAside(let path, let name): line("\(path) was moved aside to \(name)")
    case .started(let name, let url): if terminal == nil { line("\(name): from \(url)") }
    case .progress(let name, let received, let total):
      guard let terminal else { return }
      let share = total.map { " of \(kilobytes($0))" } ?? ""
      let text = "\(name)  \(kilobytes(received))\(share)"
      write("\r\u{1B}[2K" + text.prefix(terminal.columns - 1))
    case .mirrorFailed(let name, let reason): line("\(name): \(reason); trying the next mirror")
    case .finished(let path): line("\(path): complete, verified")
    }
  }

  private func kilobytes(_ count: Int) -> String {
    Numbers.grouped(count / 1024) + " KiB"
  }

  private func line(_ text: String) {
    write((terminal == nil ? "" : "\r\u{1B}[2K") + text + "\n")
  }

  private func write(_ text: String) {
    Console.write(text)
  }
}
