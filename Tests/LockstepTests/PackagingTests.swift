import Foundation
import Testing

extension RealRanks {
  /// `scripts/package`, as far as it can be tried without building: what it refuses, and what its files say of the
  /// program. `scripts/package --try` tries what it makes.
  @Suite struct PackagingTests {
    private func package(_ arguments: [String] = [], in folder: URL = Checkout.root, path: String? = nil)
      throws
      -> Command.Outcome
    {
      let script = folder.appendingPathComponent("scripts/package").path
      return try Command(
        executable: "bash", arguments: [script] + arguments, environment: path.map { ["PATH": $0] } ?? [:]
      ).run()
    }

    /// A folder with the scripts, in which `commands` were run.
    private func scripts(_ scratch: ScratchFolder, _ commands: String) throws -> URL {
      let folder = URL(fileURLWithPath: scratch("clone"))
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("scripts"), withIntermediateDirectories: true)
      // Not all of the folder: the peers that scripts/benchmark installs in it take gigabytes.
      for name in ["common.sh", "package", "packaging", "setup"] {
        try FileManager.default.copyItem(
          at: Checkout.root.appendingPathComponent("scripts/\(name)"),
          to: folder.appendingPathComponent("scripts/\(name)"))
      }
      let made = try Command(
        executable: "sh", arguments: ["-ec", "cd '\(folder.path)'; \(commands)"],
        environment: ["GIT_CEILING_DIRECTORIES": folder.deletingLastPathComponent().path]
      ).run()
      try #require(made.code == 0, "\(made.errors)")
      return folder
    }

    private let commit =
      "git init -q && git add . && git -c user.name=a -c user.email=b -c commit.gpgsign=false commit -q -m c"

    @Test(arguments: [
      (["--nonsense"], "expected --out, --try or --help, found '--nonsense'"),
      (["dist"], "expected --out, --try or --help, found 'dist'"),
      (["--out"], "--out: expected a folder, found nothing"),
      (["--try", "buster"], "--try: expected bookworm or trixie, found 'buster'"),
      (["--try=sid"], "--try: expected bookworm or trixie, found 'sid'"),
    ])
    func wrongFlagsAreNamed(_ arguments: [String], _ sentence: String) throws {
      let outcome = try package(arguments)
      #expect(outcome.code == 64 && outcome.errors == "scripts/package: \(sentence)\n", "\(outcome.errors)")
    }

    @Test func onlyACommitIsPackaged() throws {
      let scratch = try ScratchFolder()
      let folder = try scripts(scratch, "\(commit); echo >forgotten; echo >>scripts/setup")
      let outcome = try package(in: folder)
      #expect(outcome.code == 65)
      #expect(
        outcome.errors.contains("2 uncommitted changes, the first in scripts/setup: commit or stash them"),
        "\(outcome.errors)")
    }

    @Test func aCopyWithoutHistoryIsRefused() throws {
      let scratch = try ScratchFolder()
      let outcome = try package(in: scripts(scratch, "git init -q"))
      #expect(
        outcome.code == 66 && outcome.errors.contains("no clone of the repository"), "\(outcome.errors)")
    }

    @Test func otherSystemsThanDebianAreTold() throws {
      let scratch = try ScratchFolder()
      let folder = try scripts(
        scratch,
        "\(commit); mkdir bin; for tool in bash dirname id git; do ln -s $(command -v $tool) bin; done")
      let outcome = try package(in: folder, path: folder.appendingPathComponent("bin").path)
      #expect(outcome.code == 69 && outcome.errors.contains("dpkg-deb is missing"), "\(outcome.errors)")
    }

    /// Whoever unpacks the archive installs by this list.
    @Test func theArchiveNamesEachLibraryOfTheProgram() throws {
      let sections = try Command(executable: "readelf", arguments: ["-d", Command.binary]).run()
      let needed = sections.output.split(separator: "\n").filter { $0.contains("(NEEDED)") }
        .compactMap { $0.split(separator: "[").last?.dropLast() }
      let system = [
        "libc.so", "libm.so", "ld-linux", "libswift", "libFoundation", "lib_Foundation", "libdispatch",
        "libBlocksRuntime",
      ]
      let others = needed.filter { name in !system.contains { name.hasPrefix($0) } }
      let list = try Checkout.text("scripts/packaging/README.md")
      #expect(others.contains("libmpi.so.40"))
      for name in others { #expect(list.contains("`\(name)`"), "\(name)") }
    }

    @Test func theApptainerImageIsMadeOfThisVersion() throws {
      let version = try #require(
        try Command.alone("--version").run().output.firstMatch(of: /\d+\.\d+\.\d+(-[a-z0-9.]+)?/))
      #expect(try Checkout.text("cluster/apptainer/lockstep.def").contains("lockstep_\(version.0)_amd64.deb"))
      #expect(
        try Checkout.text("cluster/spack/spack_repo/lockstep/packages/lockstep/package.py")
          .contains("version(\"\(version.0)\", tag=\"v\(version.0)\")"))
    }
  }
}
