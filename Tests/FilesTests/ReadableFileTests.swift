import Files
import Foundation
import SystemPackage
import TestSupport
import Testing

@Suite struct ReadableFileTests {
  @Test func rangesAreReadAndEndWhereTheFileEnds() throws {
    let scratch = try Scratch()
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    let file = try ReadableFile(path: scratch.write("a", bytes))
    #expect(file.count == 1000)
    #expect(try file.read(0..<1000) == bytes)
    #expect(try file.read(17..<20) == [17, 18, 19])
    #expect(try file.read(998..<1005) == Array(bytes[998...]))
    #expect(try file.read(5..<5) == [])
    #expect(try readFile(scratch("a")) == bytes)
    // A name that goes away takes nothing from whoever has opened it.
    try FilePath(scratch("a")).remove()
    #expect(try file.read(998..<1000) == Array(bytes[998...]))
  }

  @Test func whatIsNoFileIsRefused() throws {
    let scratch = try Scratch()
    func error(_ name: String) -> FileError? {
      #expect(throws: FileError.self) { _ = try ReadableFile(path: scratch(name)) }
    }
    #expect(
      error("none") == FileError(.missing, "\(scratch("none")): cannot be read: No such file or directory"))
    #expect(error("none")?.exitCode == 66)
    #expect(
      error(".") == FileError(.missing, "\(scratch(".")): expected a file, found a folder or device"))
    // Opening a pipe waits for its writer, unless one asks for it not to.
    #expect(mkfifo(scratch("pipe"), 0o600) == 0)
    #expect(error("pipe")?.description.hasSuffix("expected a file, found a folder or device") == true)
  }

  @Test func foldersListTheirNames() throws {
    let scratch = try Scratch()
    for name in ["b", ".hidden", "folder/inside"] { try scratch.write(name, []) }
    let folder = FilePath(scratch.path)
    #expect(try folder.names().sorted() == [".hidden", "b", "folder"])
    #expect(folder.isFolder && !folder.isFile)
    #expect(folder.appending("b").isFile && !folder.appending("b").isFolder)
    #expect(!folder.appending("none").isFile && !folder.appending("none").isFolder)
    #expect(throws: Errno.noSuchFileOrDirectory) { _ = try folder.appending("none").names() }
    #expect(throws: Errno.notDirectory) { _ = try folder.appending("b").names() }
  }
}
