import CFuzzer
import Foundation

/// A format that users bring, what of ours reads it, and what a fuzzer should know of it.
///
/// `read` is to come back whatever the bytes are. It traps where two readings of the same bytes differ that must not.
struct FuzzedFormat {
  /// One word, as in the script's table.
  let name: String
  /// The longest input worth trying, in bytes.
  let longestInput: Int
  /// Whole inputs that are right, to begin with.
  let seeds: [[UInt8]]
  /// Words of the format that chance would not find.
  let words: [String]
  /// Has our readers look at an input.
  let read: ([UInt8]) -> Void
}

/// What libFuzzer calls has no context; the format is settled once, before the first call.
nonisolated(unsafe) private var read: ([UInt8]) -> Void = { _ in }

/// `fuzz list`, `fuzz seeds FOLDER` and `fuzz FORMAT [libFuzzer's arguments]`.
@main struct Fuzz {
  static func main() throws {
    let formats = try allFormats()
    let arguments = CommandLine.arguments
    switch arguments.dropFirst().first {
    case "list":
      for format in formats { print(format.name, format.longestInput) }
    case "seeds" where arguments.count == 3:
      try writeSeeds(of: formats, to: URL(fileURLWithPath: arguments[2]))
    case let name?:
      guard let format = formats.first(where: { $0.name == name }) else {
        let names = formats.map(\.name).joined(separator: ", ")
        FileHandle.standardError.write(Data("fuzz: expected one of \(names), found '\(name)'\n".utf8))
        exit(64)
      }
      read = format.read
      exit(runDriver(arguments.prefix(1) + arguments.dropFirst(2)))
    case nil:
      FileHandle.standardError.write(Data("usage: fuzz list | seeds FOLDER | FORMAT [arguments]\n".utf8))
      exit(64)
    }
  }

  /// Writes `FORMAT/N` and the dictionary `FORMAT.dict` for each format.
  private static func writeSeeds(of formats: [FuzzedFormat], to folder: URL) throws {
    for format in formats {
      let seeds = folder.appendingPathComponent(format.name)
      try FileManager.default.createDirectory(at: seeds, withIntermediateDirectories: true)
      for (number, seed) in format.seeds.enumerated() {
        try Data(seed).write(to: seeds.appendingPathComponent("\(number)"))
      }
      let lines = format.words.map { word in
        let text = word.utf8.map { byte in
          let isPlain = (32..<127).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
          return isPlain ? String(UnicodeScalar(byte)) : "\\x" + String(format: "%02x", byte)
        }
        return "\"\(text.joined())\"\n"
      }
      try Data(lines.joined().utf8).write(to: folder.appendingPathComponent(format.name + ".dict"))
    }
  }

  private static func runDriver(_ arguments: ArraySlice<String>) -> Int32 {
    var count = Int32(arguments.count)
    var words = arguments.map { strdup($0) } + [nil]
    return words.withUnsafeMutableBufferPointer { words in
      var pointer = words.baseAddress
      return LLVMFuzzerRunDriver(&count, &pointer) { data, size in
        read([UInt8](UnsafeBufferPointer(start: data, count: size)))
        return 0
      }
    }
  }
}

/// A file in the temporary folder whose content changes with every input; removed with its owner.
final class InputFile {
  let path: String
  private let descriptor: Int32

  /// The file `name` in `folder`, a new temporary folder if there is none.
  init(_ name: String, in folder: String? = nil) throws {
    let folder = folder ?? NSTemporaryDirectory() + "lockstep-fuzz-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    path = folder + "/" + name
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
  }

  /// Gives it this content. It stays the same file: to make a new one would take most of an execution's time.
  func write(_ bytes: [UInt8]) {
    guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, bytes, bytes.count, 0) == bytes.count else {
      fatalError("\(path) cannot be written")
    }
  }
}
