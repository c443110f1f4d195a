internal import Dispatch
internal import SystemPackage

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Who writes into a folder.
package struct FolderHolder: Hashable, Sendable {
  /// The number of the process and its host's name.
  package var process: Int32
  package var host: String
  /// When the process began, and where its number means something.
  var start: String
  var space: String
  /// Whether the system keeps a lock for it.
  var isLocked: Bool
  /// Tells two claims of one process from each other.
  var claim: UInt64

  /// This process.
  init(isLocked: Bool) {
    process = ProcessNumber.own
    host = ProcessPlace.host
    start = ProcessNumber.start(of: process) ?? ""
    space = ProcessPlace.space
    self.isLocked = isLocked
    claim = UInt64.random(in: .min ... .max)
  }

  /// Whether it runs where this process does, so that its number tells whether it lives.
  package var isHere: Bool { host == ProcessPlace.host && space == ProcessPlace.space }

  /// Whether it lives, for one that runs here.
  var livesHere: Bool {
    start.isEmpty ? ProcessNumber.isAlive(process) : ProcessNumber.start(of: process) == start
  }

  /// What stands in the lock's file, a word and its value to a line.
  var text: String {
    "process \(process)\nhost \(host)\nstart \(start)\nspace \(space)\nlocked \(isLocked)\nclaim \(claim)\n"
  }

  init?(parsing text: String) {
    var values: [Substring: String] = [:]
    for line in text.split(separator: "\n") {
      let word = line.prefix { $0 != " " }
      values[word] = String(line.dropFirst(word.count + 1))
    }
    guard let process = values["process"].flatMap({ Int32($0) }), let host = values["host"],
      let isLocked = values["locked"].flatMap({ Bool($0) }),
      let claim = values["claim"].flatMap({ UInt64($0) })
    else { return nil }
    (self.process, self.host, self.isLocked, self.claim) = (process, host, isLocked, claim)
    start = values["start"] ?? ""
    space = values["space"] ?? ""
  }
}

/// The right to write into a folder, which one process has at a time, on whatever host: a lock on the file `.lock` in it.
///
/// The system ends it with the process. On file systems without locks whoever creates the file has it; a holder that
/// died is known by its number on the same host, and by a file that nobody touches any more from elsewhere.
package final class FolderLock {
  static let fileName = ".lock"
  /// The holder touches the file so often, in seconds.
  static let beat = 5.0
  /// After so many seconds without that, a holder on another host is gone.
  package static let patience = 6 * beat

  private let path: FilePath
  private let holder: FolderHolder
  /// Outermost first: removed again where nothing has come into them.
  private let created: [String]
  private var descriptor: FileDescriptor?
  private let queue = DispatchQueue(label: "lockstep.lock")
  private let timer: any DispatchSourceTimer

  fileprivate init(
    _ path: FilePath, _ holder: FolderHolder, _ descriptor: FileDescriptor, created: [String]
  ) throws(FileError) {
    self.path = path
    self.holder = holder
    self.created = created
    self.descriptor = descriptor
    timer = DispatchSource.makeTimerSource(queue: queue)
    timer.setEventHandler { try? descriptor.touch() }
    timer.schedule(deadline: .now() + Self.beat, repeating: Self.beat)
    timer.activate()
    do {
      try descriptor.resize(to: 0)
      try descriptor.writeAll(toAbsoluteOffset: 0, holder.text.utf8)
    } catch {
      release()
      throw FileError(.notCreatable, "\(path): cannot be written: \(error)")
    }
  }

  deinit { release() }

  /// Gives the right up, and removes folders that were made for it if nothing else has come into them.
  package func release() {
    guard let open = descriptor else { return }
    timer.cancel()
    queue.sync {}
    descriptor = nil
    // The name goes first: who waits for the lock looks whether the file still has it.
    if Self.text(path) == holder.text { try? path.remove() }
    try? open.close()
    for folder in created.reversed() {
      guard (try? FilePath(folder).removeFolder()) != nil else { break }
    }
  }

  /// The right to write into `folder`, which is created where it is missing, at once or not at all. `purpose` says what
  /// for, as in `to write results`.
  ///
  /// - Throws: kind `notCreatable`, naming who has it.
  package static func take(_ folder: String, to purpose: String) throws(FileError) -> FolderLock {
    var claim = try FolderClaim(folder)
    switch try claim.attempt() {
    case .taken(let lock): return lock
    case .held(let holder):
      let who = holder.map { "process \($0.process) on \($0.host)" } ?? "another process"
      throw FileError(.notCreatable, "\(folder): cannot be used to \(purpose): \(who) is writing there")
    }
  }

  /// Who has taken the right from this process, which was away for too long; nil as long as it is its own.
  package var successor: FolderHolder? {
    guard let text = Self.text(path), text != holder.text else { return nil }
    return FolderHolder(parsing: text)
  }

  /// Who writes into `folder`, as far as somebody can tell who only looks; nil if nobody does.
  package static func holder(of folder: String) -> FolderHolder? {
    let path = FilePath(folder).appending(fileName)
    guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return nil }
    defer { try? file.close() }
    let holder = FolderHolder(parsing: String(decoding: file.contents(limit: 4096), as: UTF8.self))
    do throws(Errno) {
      try file.tryShareLock()
      if holder?.isLocked != false { return nil }
    } catch {
      if error == .wouldBlock { return holder ?? FolderHolder(isLocked: true) }
    }
    guard let holder else { return nil }
    if holder.isHere { return holder.livesHere ? holder : nil }
    return Double((try? file.age()) ?? .max) < patience ? holder : nil
  }

  /// What stands in a lock's file; nil if it cannot be read.
  fileprivate static func text(_ path: FilePath) -> String? {
    // Opened anew: network file systems then look at the server.
    guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return nil }
    defer { try? file.close() }
    return String(decoding: file.contents(limit: 4096), as: UTF8.self)
  }
}

/// Tries to get the right to write into a folder, as often as its owner likes.
package struct FolderClaim {
  /// How an attempt ended.
  package enum Outcome {
    case taken(FolderLock)
    /// nil if it cannot be told by whom.
    case held(by: FolderHolder?)
  }

  private let path: FilePath
  private let folder: String
  private var created: [String]
  private let hasLocks: Bool
  /// What was last seen of a holder on another host, and since when nothing else.
  private var seen: (text: String, touched: Int, since: Double)?
  /// The clock that tells how long a holder has been silent, in seconds.
  private let now: () -> Double

  /// Creates `folder` where it is missing. `created` are folders that the caller made for it, outermost first: like those
  /// made here they go with the lock if nothing has come into them.
  ///
  /// `hasLocks` says whether to try the system's locks; without, as on file systems that have none.
  ///
  /// - Throws: kind `notCreatable`.
  package init(
    _ folder: String, created: [String] = [], hasLocks: Bool = true,
    now: @escaping () -> Double = MonotonicClock.now
  ) throws(FileError) {
    self.folder = folder
    self.created = created + (try PendingFile.createFolder(folder))
    self.hasLocks = hasLocks
    self.now = now
    path = FilePath(folder).appending(FolderLock.fileName)
  }

  /// Tries once, and waits for nobody.
  ///
  /// - Throws: kind `notCreatable` if the lock's file cannot be written.
  package mutating func attempt() throws(FileError) -> Outcome {
    do {
      while true {
        if let outcome = try step() { return outcome }
      }
    } catch let error as FileError {
      throw error
    } catch {
      throw FileError(.notCreatable, "\(folder): cannot be written: \(error)")
    }
  }

  /// nil where somebody else was quicker, and it is to be tried anew.
  private mutating func step() throws -> Outcome? {
    let (file, isNew) = try open()
    var keepsOpen = false
    defer { if !keepsOpen { try? file.close() } }
    var isLocked = true
    do throws(Errno) {
      guard hasLocks else { throw .notSupported }
      try file.tryLock()
    } catch {
      if error == .wouldBlock { return .held(by: holder(in: file)) }
      isLocked = false
    }
    guard let (here, named) = (try? file.stat()).flatMap({ a in (try? path.stat()).map { (a, $0) } }),
      here.rawValue.st_ino == named.rawValue.st_ino, here.rawValue.st_dev == named.rawValue.st_dev
    else { return nil }
    if !isNew {
      let text = String(decoding: file.contents(limit: 4096), as: UTF8.self)
      let holder = FolderHolder(parsing: text)
      if !isLocked || holder?.isLocked == false {
        if try isAlive(holder, text, file) { return .held(by: holder) }
        if !isLocked {
          // One of those who see this gets the name out of the way; whoever then creates the file has the right.
          let aside = FilePath(folder).appending("\(FolderLock.fileName)-\(UInt64.random(in: .min ... .max))")
          guard (try? path.move(to: aside)) != nil else { return nil }
          try? aside.remove()
          return nil
        }
      }
    }
    keepsOpen = true
    return .taken(try FolderLock(path, FolderHolder(isLocked: isLocked), file, created: created))
  }

  /// The lock's file, and whether this call has created it.
  private mutating func open() throws -> (FileDescriptor, isNew: Bool) {
    for _ in 0..<100 {
      do {
        return (try .open(path, .readWrite, options: [.closeOnExec]), false)
      } catch Errno.noSuchFileOrDirectory {}
      // The holder may have made the folder, and taken it away again.
      created += try PendingFile.createFolder(folder)
      do {
        return (
          try .open(
            path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite, .groupRead, .otherRead]), true
        )
      } catch Errno.fileExists {
      } catch Errno.noSuchFileOrDirectory {}
    }
    // A link that leads nowhere.
    throw Errno.fileExists
  }

  private func holder(in file: FileDescriptor) -> FolderHolder? {
    FolderHolder(parsing: String(decoding: file.contents(limit: 4096), as: UTF8.self))
  }

  /// Whether a holder that the system keeps no lock for lives.
  private mutating func isAlive(
    _ holder: FolderHolder?, _ text: String, _ file: FileDescriptor
  ) throws -> Bool {
    if let holder, holder.isHere { return holder.livesHere }
    // Clocks of hosts differ, so it is not the time of the last touch that counts but whether there is another one.
    let touched = Int(try file.stat().st_mtim.tv_sec)
    guard let seen, seen.text == text, seen.touched == touched else {
      seen = (text, touched, now())
      return true
    }
    return now() - seen.since < FolderLock.patience
  }
}
