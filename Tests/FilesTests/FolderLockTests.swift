import Files
import Foundation
import TestSupport
import Testing

@Suite struct FolderLockTests {
  private func take(_ folder: String, hasLocks: Bool, created: [String] = []) throws -> FolderLock? {
    var claim = try FolderClaim(folder, created: created, hasLocks: hasLocks)
    if case .taken(let lock) = try claim.attempt() { return lock }
    return nil
  }

  /// What a holder writes down, of another one than this process.
  private func write(
    _ scratch: Scratch, process: Int32, host: String? = nil, locked: Bool = false
  ) throws {
    let lock = try #require(try take(scratch("run"), hasLocks: false))
    var text = try String(contentsOfFile: scratch("run/.lock"), encoding: .utf8)
    lock.release()
    var lines = text.split(separator: "\n").map(String.init)
    lines[0] = "process \(process)"
    if let host { lines[1] = "host \(host)" }
    lines[4] = "locked \(locked)"
    text = lines.joined(separator: "\n") + "\n"
    try scratch.write("run/.lock", Array(text.utf8))
  }

  @Test(arguments: [true, false])
  func oneHasTheRightUntilItIsGivenUp(_ hasLocks: Bool) throws {
    let scratch = try Scratch()
    let first = try #require(try take(scratch("run"), hasLocks: hasLocks))
    var second = try FolderClaim(scratch("run"), hasLocks: hasLocks)
    guard case .held(let holder) = try second.attempt() else {
      Issue.record("two have the right")
      return
    }
    #expect(holder?.process == getpid() && holder?.isHere == true)
    #expect(FolderLock.holder(of: scratch("run"))?.process == getpid())
    #expect(first.successor == nil)
    first.release()
    #expect(FolderLock.holder(of: scratch("run")) == nil)
    guard case .taken = try second.attempt() else {
      Issue.record("nobody has the right")
      return
    }
  }

  /// Those who look take the lock for a moment; it must not seem to have another owner to those who look after them.
  @Test func whoLooksLeavesTheLockAsItIs() throws {
    let scratch = try Scratch()
    let lock = try #require(try take(scratch("run"), hasLocks: true))
    for _ in 0..<3 { #expect(FolderLock.holder(of: scratch("run")) != nil) }
    lock.release()
    for _ in 0..<3 { #expect(FolderLock.holder(of: scratch("run")) == nil) }
    #expect(try take(scratch("run"), hasLocks: true) != nil)
  }

  /// Folders that were made for the lock alone go with it; others stay, empty or not.
  @Test func foldersOfARunThatNeverBeganGoAgain() throws {
    let scratch = try Scratch()
    try #require(try take(scratch("runs/a"), hasLocks: true)).release()
    #expect(try scratch.names() == [])
    try FileManager.default.createDirectory(atPath: scratch("own"), withIntermediateDirectories: true)
    try #require(try take(scratch("own"), hasLocks: true)).release()
    let used = try #require(try take(scratch("runs/b"), hasLocks: true))
    try scratch.write("runs/b/file", [1])
    used.release()
    #expect(try scratch.names() == ["own", "runs"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch("runs/b")) == ["file"])
  }

  /// Without the system's locks a dead holder of this host is known by its number, even where another process has it.
  @Test func aDeadHolderOfThisHostIsSucceeded() throws {
    let scratch = try Scratch()
    // This process's number, but not when it began.
    try write(scratch, process: getppid())
    #expect(FolderLock.holder(of: scratch("run")) == nil)
    #expect(try take(scratch("run"), hasLocks: false) != nil)
    // With locks, a free one is enough.
    try write(scratch, process: getppid(), locked: true)
    #expect(try take(scratch("run"), hasLocks: true) != nil)
  }

  /// One of another host is gone when nothing of it was seen for a while, whatever the clocks say.
  @Test func aSilentHolderOfAnotherHostIsSucceeded() throws {
    let scratch = try Scratch()
    try write(scratch, process: 1, host: "elsewhere")
    var now = 1000.0
    var claim = try FolderClaim(scratch("run"), hasLocks: false, now: { now })
    func isTaken() throws -> Bool {
      if case .taken = try claim.attempt() { true } else { false }
    }
    #expect(try !isTaken())
    now += FolderLock.patience - 1
    #expect(try !isTaken())
    // A sign of life.
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 5000)], ofItemAtPath: scratch("run/.lock"))
    now += 2
    #expect(try !isTaken())
    now += FolderLock.patience
    #expect(try isTaken())
  }

  /// Whoever was away so long that another has taken over learns it before it writes.
  @Test func aHolderLearnsOfItsSuccessor() throws {
    let scratch = try Scratch()
    let lock = try #require(try take(scratch("run"), hasLocks: false))
    let text = try String(contentsOfFile: scratch("run/.lock"), encoding: .utf8)
    try scratch.write(
      "run/.lock", Array(text.replacingOccurrences(of: "process \(getpid())", with: "process 7").utf8))
    #expect(lock.successor?.process == 7)
    lock.release()
    #expect(FileManager.default.fileExists(atPath: scratch("run/.lock")), "the successor's stays")
  }

  @Test func freshFoldersHaveNamesOfTheirOwn() throws {
    let scratch = try Scratch()
    let first = try PendingFile.createFreshFolder(scratch("runs/a"))
    let second = try PendingFile.createFreshFolder(scratch("runs/a"))
    try scratch.write("runs/a-3", [])
    let third = try PendingFile.createFreshFolder(scratch("runs/a"))
    #expect([first, second, third].map(\.path) == ["a", "a-2", "a-4"].map { scratch("runs/\($0)") })
    #expect(first.created == [scratch("runs"), scratch("runs/a")] && second.created == [scratch("runs/a-2")])
    let error = #expect(throws: FileError.self) { try PendingFile.createFreshFolder(scratch("runs/a-3/b")) }
    #expect(error?.exitCode == 73)
  }
}

@Suite struct GrowingFileTests {
  @Test func itGrowsInAFileOfItsOwn() throws {
    let scratch = try Scratch()
    try scratch.write("a", [9, 9, 9])
    let old = try ReadableFile(path: scratch("a"))
    let file = try GrowingFile(path: scratch("a"), startingWith: [1, 2])
    try file.append([3, 4])
    #expect(try scratch.read("a") == [1, 2, 3, 4])
    try file.append([5, 6, 7], overwriting: 2)
    try file.append([8])
    try file.synchronize()
    #expect(try scratch.read("a") == [1, 2, 5, 6, 7, 8])
    #expect(try old.read(0..<3) == [9, 9, 9])
    #expect(old.identity != (try ReadableFile(path: scratch("a")).identity))
    #expect(try scratch.names() == ["a"])
  }
}
