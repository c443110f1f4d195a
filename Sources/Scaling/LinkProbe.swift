package import Collectives
internal import Files
internal import Tensors

/// What a link between two ranks can do, measured from one end.
package struct LinkFigures: Hashable, Sendable, Codable {
  /// The rank that measured.
  package var from: Int
  /// The rank that answered.
  package var to: Int
  /// Half of the time that four bytes need there and back, median of many.
  package var latencySeconds: Double
  /// Bytes per second, each way, of large messages both ways at the same time, as in a reduction.
  package var bytesPerSecond: Double
  /// What each further message of many that are under way together takes: the processors' work on it.
  package var messageSeconds: Double
  /// The clock there minus the clock here, in seconds, uncertain by the latency.
  package var clockOffsetSeconds: Double
}

/// Measures links by sending messages to and fro: latency from the smallest, bandwidth from the difference
/// between large and small ones (Hockney's model: time = latency + bytes / bandwidth).
package enum LinkProbe {
  private static let limitSeconds = 0.4
  private static let largeCount = 1 << 18
  private static let burstCount = 32

  /// What the rank that leads asks of the one that answers, in the first float of a message.
  private enum Order: Float {
    /// Nothing follows: the end.
    case end
    /// An answer, and nothing else.
    case ping
    /// After the answer, a large message each way.
    case large
    /// After the answer, many small messages one way, and one more answer.
    case burst
  }

  /// Measures all `links`, one after the other, so that none disturbs another. Called by all ranks with the
  /// same links; returns all figures on all ranks. `clock` gives seconds since some moment that all hosts
  /// agree on.
  package static func measure(
    _ links: [(from: Int, to: Int)], over communicator: any Communicator, clock: () -> Double
  ) throws(CommunicatorError) -> [LinkFigures] {
    var figures: [LinkFigures] = []
    for link in links {
      var own: [Double] = []
      if communicator.rank == link.from {
        let figures = try lead(link, communicator, clock)
        own = [
          figures.latencySeconds, figures.bytesPerSecond, figures.messageSeconds, figures.clockOffsetSeconds,
        ]
      } else if communicator.rank == link.to {
        try answer(link.from, communicator, clock)
      }
      let values = try communicator.allGather(numbers: own)[link.from]
      figures.append(
        LinkFigures(
          from: link.from, to: link.to, latencySeconds: values[0], bytesPerSecond: values[1],
          messageSeconds: values[2], clockOffsetSeconds: values[3]))
    }
    return figures
  }

  /// Sends, and decides how long.
  private static func lead(
    _ link: (from: Int, to: Int), _ communicator: any Communicator, _ clock: () -> Double
  ) throws(CommunicatorError) -> LinkFigures {
    let peer = link.to
    let small = FloatBuffer(count: 4)
    let (large, incoming) = (FloatBuffer(count: largeCount), FloatBuffer(count: largeCount))
    var times: [Double] = []
    var (shortest, offset) = (Double.infinity, 0.0)
    let begin = MonotonicClock.now()
    while times.count < 200, times.count < 5 || MonotonicClock.now() - begin < limitSeconds {
      small.pointer[0] = Order.ping.rawValue
      let (start, here) = (MonotonicClock.now(), clock())
      try trip((small, 0..<1), (small, 1..<4), peer, communicator)
      let seconds = MonotonicClock.now() - start
      times.append(seconds / 2)
      // The other clock was read in the middle of the trip; the shortest trip tells when that was best.
      if seconds < shortest {
        (shortest, offset) = (seconds, decode(small.pointer[2], small.pointer[3]) - (here + clock()) / 2)
      }
    }
    times.sort()
    let latency = times[times.count / 2]

    var largeTimes: [Double] = []
    let next = MonotonicClock.now()
    while largeTimes.count < 20, largeTimes.count < 3 || MonotonicClock.now() - next < limitSeconds {
      small.pointer[0] = Order.large.rawValue
      try trip((small, 0..<1), (small, 1..<4), peer, communicator)
      let start = MonotonicClock.now()
      try send([(large, 0..<largeCount)], receive: [(incoming, 0..<largeCount)], peer, communicator)
      largeTimes.append(MonotonicClock.now() - start)
    }
    largeTimes.sort()
    // Without the part that a small message takes too; on a busy host that part may be all there is to see.
    let largeTime = largeTimes[largeTimes.count / 2]
    let bandwidth = Double(4 * largeCount) / max(largeTime - times[0], largeTime / 2)

    let burst = FloatBuffer(count: burstCount)
    let messages = (0..<burstCount).map { (buffer: burst, range: $0..<$0 + 1) }
    var burstTimes: [Double] = []
    while burstTimes.count < 15 {
      small.pointer[0] = Order.burst.rawValue
      try trip((small, 0..<1), (small, 1..<4), peer, communicator)
      let start = MonotonicClock.now()
      try send(messages, receive: [(small, 1..<4)], peer, communicator)
      burstTimes.append(MonotonicClock.now() - start)
    }
    burstTimes.sort()
    let message = max(burstTimes[burstTimes.count / 2] - 2 * latency, 0) / Double(burstCount - 1)

    small.pointer[0] = Order.end.rawValue
    try trip((small, 0..<1), (small, 1..<4), peer, communicator)
    return LinkFigures(
      from: link.from, to: peer, latencySeconds: latency, bytesPerSecond: bandwidth, messageSeconds: message,
      clockOffsetSeconds: offset)
  }

  /// Answers until told to end.
  private static func answer(
    _ peer: Int, _ communicator: any Communicator, _ clock: () -> Double
  ) throws(CommunicatorError) {
    let small = FloatBuffer(count: 4)
    let (large, incoming) = (FloatBuffer(count: largeCount), FloatBuffer(count: largeCount))
    func reply() throws(CommunicatorError) {
      (small.pointer[2], small.pointer[3]) = encode(clock())
      try send([(small, 1..<4)], receive: [], peer, communicator)
    }
    while true {
      try send([], receive: [(small, 0..<1)], peer, communicator)
      let order = Order(rawValue: small.pointer[0])
      try reply()
      switch order {
      case .end, nil: return
      case .ping: break
      case .large:
        try send([(large, 0..<largeCount)], receive: [(incoming, 0..<largeCount)], peer, communicator)
      case .burst:
        try send(
          [], receive: (0..<burstCount).map { (buffer: large, range: $0..<$0 + 1) }, peer, communicator)
        try reply()
      }
    }
  }

  /// A part of a buffer that is sent or received into.
  private typealias Part = (buffer: FloatBuffer, range: Range<Int>)

  private static func trip(
    _ out: Part, _ back: Part, _ peer: Int,
    _ communicator: any Communicator
  ) throws(CommunicatorError) {
    try send([out], receive: [back], peer, communicator)
  }

  private static func send(
    _ out: [Part], receive: [Part], _ peer: Int,
    _ communicator: any Communicator
  ) throws(CommunicatorError) {
    func message(_ part: Part) -> Message {
      Message(peer: peer, tag: 0, buffer: part.buffer, range: part.range)
    }
    try communicator.exchange(sends: out.map(message), receives: receive.map(message))
  }

  /// The bits of a double in two floats, which travel as they are.
  private static func encode(_ value: Double) -> (Float, Float) {
    let bits = value.bitPattern
    return (
      Float(bitPattern: UInt32(truncatingIfNeeded: bits)), Float(bitPattern: UInt32(bits >> 32))
    )
  }

  private static func decode(_ low: Float, _ high: Float) -> Double {
    Double(bitPattern: UInt64(high.bitPattern) << 32 | UInt64(low.bitPattern))
  }
}
