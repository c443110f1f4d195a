internal import Files

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Saves checkpoints on a thread of its own, so that training waits only for a copy in memory.
///
/// The memory for one copy is allocated once. While it is being written, the next `save` waits.
/// Calls come from one thread at a time.
public final class AsynchronousCheckpointWriter: Sendable {
  /// Writes one snapshot.
  package typealias Sink =
    @Sendable (_ step: Int, _ metadata: [String: String], _ data: UnsafeRawBufferPointer)
    throws(CheckpointError) -> Void

  private let worker: Worker
  private let thread: pthread_t

  /// Starts a thread that saves to `store` checkpoints made of `tensors`, whose data follow each other in
  /// that order.
  public convenience init(store: CheckpointStore, tensors: [TensorDescription]) {
    checkWritable(tensors, [:])
    self.init(byteCount: tensors.reduce(0) { $0 + $1.byteCount }) {
      (step, metadata, data) throws(CheckpointError) in
      try store.save(step: step, tensors: tensors, metadata: metadata, pieces: [data])
    }
  }

  /// Starts a thread that hands snapshots of `byteCount` bytes to `sink`.
  package init(byteCount: Int, sink: @escaping Sink) {
    worker = Worker(byteCount: byteCount, sink: sink)
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Worker>.fromOpaque(context).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(worker).toOpaque())
    precondition(code == 0, "cannot start a thread: \(systemMessage(code))")
    self.thread = thread
  }

  /// Waits for the disk; an error that nobody asked for is lost.
  deinit {
    worker.stop()
    pthread_join(thread, nil)
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
  public func save(
    step: Int, metadata: [String: String], copying pieces: [UnsafeRawBufferPointer]
  ) throws(CheckpointError) {
    checkWritable([], metadata)
    try worker.submit(step, metadata, pieces)
  }

  /// Reports without waiting how it stands.
  ///
  /// - Returns: Whether everything saved so far is on disk.
  /// - Throws: The error of the last save, once.
  @discardableResult
  public func poll() throws(CheckpointError) -> Bool {
    try worker.report(waiting: false)
  }

  /// Waits until everything saved so far is on disk.
  ///
  /// - Throws: The error of the last save, once.
  public func finish() throws(CheckpointError) {
    try worker.report(waiting: true)
  }
}

/// The state that the two threads share, guarded by one mutex.
private final class Worker: @unchecked Sendable {
  private typealias Job = (step: Int, metadata: [String: String])

  private let sink: AsynchronousCheckpointWriter.Sink
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  /// Signalled whenever `job`, `failure` or `isStopping` changes.
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// The copy; belongs to the thread while there is a job, else to the caller.
  private let snapshot: UnsafeMutableRawBufferPointer
  private var job: Job?
  private var failure: CheckpointError?
  private var isStopping = false

  init(byteCount: Int, sink: @escaping AsynchronousCheckpointWriter.Sink) {
    self.sink = sink
    snapshot = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    // Touched now, so that the first save does not wait for the system to find the pages.
    snapshot.initializeMemory(as: UInt8.self, repeating: 0)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
    snapshot.deallocate()
  }

  func submit(
    _ step: Int, _ metadata: [String: String], _ pieces: [UnsafeRawBufferPointer]
  ) throws(CheckpointError) {
    let count = pieces.reduce(0) { $0 + $1.count }
    precondition(count == snapshot.count, "tensors of \(snapshot.count) bytes, data of \(count)")
    try report(waiting: true)
    // There is no job, so the thread does not look at the snapshot.
    var rest = snapshot[...]
    for piece in pieces {
      UnsafeMutableRawBufferPointer(rebasing: rest).copyMemory(from: piece)
      rest = rest.dropFirst(piece.count)
    }
    pthread_mutex_lock(mutex)
    job = (step, metadata)
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }

  @discardableResult
  func report(waiting: Bool) throws(CheckpointError) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while waiting, job != nil { pthread_cond_wait(changed, mutex) }
    if let failure {
      self.failure = nil
      throw failure
    }
    return job == nil
  }

  func stop() {
    pthread_mutex_lock(mutex)
    isStopping = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }

  /// What the thread does: job after job, and the last one also when it shall stop.
  func run() {
    pthread_mutex_lock(mutex)
    while true {
      while job == nil, !isStopping { pthread_cond_wait(changed, mutex) }
      guard let job else { break }
      pthread_mutex_unlock(mutex)
      var failure: CheckpointError?
      do throws(CheckpointError) {
        try sink(job.step, job.metadata, UnsafeRawBufferPointer(snapshot))
      } catch {
        failure = error
      }
      pthread_mutex_lock(mutex)
      self.failure = failure
      self.job = nil
      pthread_cond_broadcast(changed)
    }
    pthread_mutex_unlock(mutex)
  }
}
