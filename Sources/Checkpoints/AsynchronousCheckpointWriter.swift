internal import Dispatch
package import Files
internal import Synchronization

/// Saves checkpoints on a thread of its own, so that training waits only for a copy in memory.
///
/// The memory for one copy is allocated once. While it is being written, the next `save` waits.
/// Calls come from one thread at a time.
package final class AsynchronousCheckpointWriter: Sendable {
  /// Writes one snapshot.
  package typealias Sink =
    @Sendable (_ step: Int, _ metadata: [String: String], _ data: UnsafeRawBufferPointer)
    throws(FileError) -> Void

  private let worker: Worker

  /// A writer that saves to `store` checkpoints made of `tensors`, whose data follow each other in that order.
  package convenience init(store: CheckpointStore, tensors: [TensorDescription]) {
    checkWritable(tensors, [:])
    self.init(byteCount: tensors.reduce(0) { $0 + $1.byteCount }) {
      (step, metadata, data) throws(FileError) in
      try store.save(step: step, tensors: tensors, metadata: metadata, pieces: [data])
    }
  }

  /// A writer that hands snapshots of `byteCount` bytes to `sink`.
  package init(byteCount: Int, sink: @escaping Sink) {
    worker = Worker(byteCount: byteCount, sink: sink)
  }

  /// Waits for the disk; an error that nobody asked for is lost.
  deinit {
    try? worker.finish()
  }

  /// Copies `pieces`, and has them written later; returns once they are copied.
  ///
  /// Waits only while the snapshot before is still being written.
  ///
  /// - Parameters:
  ///   - step: The number of training steps so far.
  ///   - metadata: Text by key; `format` and `digest` are added.
  ///   - pieces: The data; one behind the other they are exactly the tensors' bytes.
  /// - Throws: The error of the save before, if it failed; then nothing has been copied, and a second call
  ///   tries anew.
  package func save(
    step: Int, metadata: [String: String], copying pieces: [UnsafeRawBufferPointer]
  ) throws(FileError) {
    checkWritable([], metadata)
    try worker.submit(step, metadata, pieces)
  }

  /// Waits until everything saved so far is on disk.
  ///
  /// - Throws: The error of the last save, once.
  package func finish() throws(FileError) {
    try worker.finish()
  }
}

/// What the caller's thread and the writing one share. The queue's work keeps it alive, not the writer itself, whose
/// end can so wait for the work's.
private final class Worker: Sendable {
  private let sink: AsynchronousCheckpointWriter.Sink
  private let queue = DispatchQueue(label: "lockstep.checkpoints")
  /// Taken by whoever uses the snapshot: the caller while it copies, the queue while it writes.
  private let isFree = DispatchSemaphore(value: 1)
  private let failure = Mutex<FileError?>(nil)
  nonisolated(unsafe) private let snapshot: UnsafeMutableRawBufferPointer

  init(byteCount: Int, sink: @escaping AsynchronousCheckpointWriter.Sink) {
    self.sink = sink
    snapshot = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    // Touched now, so that the first save does not wait for the system to find the pages.
    snapshot.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit {
    snapshot.deallocate()
  }

  func submit(
    _ step: Int, _ metadata: [String: String], _ pieces: [UnsafeRawBufferPointer]
  ) throws(FileError) {
    let count = pieces.reduce(0) { $0 + $1.count }
    precondition(count == snapshot.count, "tensors of \(snapshot.count) bytes, data of \(count)")
    try finish()
    isFree.wait()
    var rest = snapshot[...]
    for piece in pieces {
      UnsafeMutableRawBufferPointer(rebasing: rest).copyMemory(from: piece)
      rest = rest.dropFirst(piece.count)
    }
    queue.async { [self] in
      do throws(FileError) {
        try sink(step, metadata, UnsafeRawBufferPointer(snapshot))
      } catch {
        failure.withLock { $0 = error }
      }
      isFree.signal()
    }
  }

  /// Waits until nothing is being written.
  ///
  /// - Throws: The error of the last save, once.
  func finish() throws(FileError) {
    isFree.wait()
    defer { isFree.signal() }
    if let error = failure.withLock({ $0.take() }) { throw error }
  }
}
