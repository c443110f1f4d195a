import Files
import Foundation
import TestSupport
import Testing

@Suite struct PendingFileTests {
  @Test func nothingIsThereBeforeTheCommit() throws {
    let scratch = try Scratch()
    try scratch.write("a", [1])
    let file = try PendingFile(path: scratch("a"))
    try file.append([2, 3])
    try file.append([])
    try file.append([4])
    #expect(try scratch.read("a") == [1])
    try file.commit()
    #expect(try scratch.read("a") == [2, 3, 4])
    #expect(try scratch.names() == ["a"])
    let permissions = try FileManager.default.attributesOfItem(atPath: scratch("a"))[.posixPermissions]
    #expect(permissions as? Int == 0o644 & ~Int(mask()))
  }

  @Test func aFileThatIsGivenUpLeavesNothing() throws {
    let scratch = try Scratch()
    do {
      let file = try PendingFile(path: scratch("a"))
      try file.append([1])
      #expect(try scratch.names() == [PendingFile.temporaryName(for: "a", process: getpid())])
    }
    #expect(try scratch.names() == [])
  }

  @Test func twoWritersOfOneFileInAProcessAreRefused() throws {
    let scratch = try Scratch()
    let first = try PendingFile(path: scratch("a"))
    #expect(throws: FileError(.notCreatable, "\(scratch("a")): cannot be created: File exists")) {
      _ = try PendingFile(path: scratch("a"))
    }
    try first.append([1])
    try first.commit()
    #expect(try scratch.read("a") == [1])
  }

  @Test func foldersAreCreatedWithThoseAboveThem() throws {
    let scratch = try Scratch()
    for folder in ["deep/er//still/", "deep", "deep/../beside", "."] {
      try PendingFile.createFolder(scratch(folder))
      var isFolder: ObjCBool = false
      #expect(FileManager.default.fileExists(atPath: scratch(folder), isDirectory: &isFolder))
      #expect(isFolder.boolValue)
    }
    #expect(try scratch.names() == ["beside", "deep"])
    try scratch.write("file", [])
    for folder in ["file", "file/in"] {
      let error = #expect(throws: FileError.self) { try PendingFile.createFolder(scratch(folder)) }
      #expect(error?.kind == .notCreatable && error?.exitCode == 73)
      #expect(error?.description.hasPrefix("\(scratch(folder)): cannot create this folder: ") == true)
    }
  }

  /// What new files may not be allowed.
  private func mask() -> mode_t {
    let mask = umask(0o022)
    umask(mask)
    return mask
  }
}
