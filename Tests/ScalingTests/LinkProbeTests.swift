import Collectives
import Scaling
import Testing

@Suite struct LinkProbeTests {
  @Test func everyoneHearsOfEveryLink() throws {
    let links = [(0, 1), (2, 0), (1, 2)]
    let worlds = try InProcessWorld(size: 4).run { communicator in
      // Each rank's clock is an hour ahead of the one before.
      try LinkProbe.measure(links.map { (from: $0.0, to: $0.1) }, over: communicator) {
        3600 * Double(communicator.rank)
      }
    }
    for figures in worlds {
      #expect(figures == worlds[0])
      #expect(figures.map { [$0.from, $0.to] } == links.map { [$0.0, $0.1] })
      for figure in figures {
        #expect(figure.latencySeconds > 0 && figure.bytesPerSecond > 0)
        // The test's clocks stand still while the probe's do not.
        let ahead = 3600 * Double(figure.to - figure.from)
        #expect(abs(figure.clockOffsetSeconds - ahead) < 60)
      }
    }
  }
}
