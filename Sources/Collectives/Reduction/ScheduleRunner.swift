internal import Files
internal import Tensors

/// Carries out one party's schedule, over and over, in the same buffers.
final class ScheduleRunner {
  let schedule: ReductionSchedule
  private let communicator: any Communicator
  /// The rank that speaks for each party.
  private let parties: [Int]
  private let format: ElementFormat
  private let result: FloatBuffer
  private let scratch: [FloatBuffer]
  /// Messages as they travel, where that is not as they lie in memory.
  private let wire: FloatBuffer
  private var sends: [Message] = []
  private var receives: [Message] = []

  /// `result` receives the sum.
  init(
    _ schedule: ReductionSchedule, communicator: any Communicator, parties: [Int], format: ElementFormat,
    result: FloatBuffer
  ) {
    self.schedule = schedule
    self.communicator = communicator
    self.parties = parties
    self.format = format
    self.result = result
    scratch = schedule.scratchCounts.map { FloatBuffer(count: $0) }
    let largest = schedule.rounds.map { round in
      (round.sends + round.receives).reduce(0) { $0 + Self.wireSpace($1, format) }
    }
    wire = FloatBuffer(count: format.roundedCount > 0 ? largest.max() ?? 0 : 0)
  }

  /// Sums the parties' subtrees; `subtree` tells where this one's are. Called by the rank that speaks for each party.
  ///
  /// Appends to `waits` when it waited for peers to answer and data to arrive.
  func run(
    noting waits: inout [WaitInterval], subtree: (Int) -> FloatBuffer
  ) throws(CommunicatorError) {
    for round in schedule.rounds {
      let start = MonotonicClock.now()
      try exchange(round, subtree)
      waits.append(WaitInterval(start: start, end: MonotonicClock.now()))
      for addition in round.additions {
        let target = values(addition.target, subtree)
        guard let right = addition.right else {
          _ = target.update(fromContentsOf: values(addition.left, subtree))
          continue
        }
        format.add(
          values(addition.left, subtree), values(right, subtree), into: target, first: addition.firstElement)
      }
    }
  }

  private func exchange(
    _ round: ReductionSchedule.Round, _ subtree: (Int) -> FloatBuffer
  ) throws(CommunicatorError) {
    sends.removeAll(keepingCapacity: true)
    receives.removeAll(keepingCapacity: true)
    var used = 0
    func message(_ transfer: ReductionSchedule.Transfer) -> Message {
      guard format.roundedCount > 0 else {
        return Message(
          peer: parties[transfer.peer], tag: transfer.tag, buffer: buffer(transfer.piece, subtree),
          range: transfer.piece.range)
      }
      let count = format.wireCount(first: transfer.firstElement, count: transfer.piece.range.count)
      defer { used += Self.wireSpace(transfer, format) }
      return Message(
        peer: parties[transfer.peer], tag: transfer.tag, buffer: wire, range: used..<used + count)
    }
    for transfer in round.receives { receives.append(message(transfer)) }
    for transfer in round.sends {
      let message = message(transfer)
      if format.roundedCount > 0 {
        format.pack(values(transfer.piece, subtree), first: transfer.firstElement, into: message.values)
      }
      sends.append(message)
    }
    try communicator.exchange(sends: sends, receives: receives)
    guard format.roundedCount > 0 else { return }
    for (transfer, message) in zip(round.receives, receives) {
      format.unpack(message.values, first: transfer.firstElement, into: values(transfer.piece, subtree))
    }
  }

  private func values(
    _ piece: ReductionSchedule.Piece, _ subtree: (Int) -> FloatBuffer
  ) -> UnsafeMutableBufferPointer<Float> {
    buffer(piece, subtree).slice(piece.range)
  }

  private func buffer(_ piece: ReductionSchedule.Piece, _ subtree: (Int) -> FloatBuffer) -> FloatBuffer {
    piece.buffer < schedule.subtreeCount
      ? subtree(piece.buffer)
      : piece.buffer == schedule.result ? result : scratch[piece.buffer - schedule.result - 1]
  }

  /// Whole cache lines, so that two messages never share one.
  private static func wireSpace(_ transfer: ReductionSchedule.Transfer, _ format: ElementFormat) -> Int {
    (format.wireCount(first: transfer.firstElement, count: transfer.piece.range.count) + 15) / 16 * 16
  }
}
