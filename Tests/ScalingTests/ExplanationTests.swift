import Foundation
import Runs
import Scaling
import Testing

@Suite struct ExplanationTests {
  /// Phases in seconds.
  private func phases(
    data: Double = 0, forward: Double = 0, backward: Double = 0, reduction: Double = 0, wait: Double = 0,
    update: Double = 0, checkpoint: Double = 0
  ) -> PhaseTimes {
    var times = PhaseTimes()
    (times.data, times.forward, times.backward) = (data, forward, backward)
    (times.reduction, times.wait, times.update, times.checkpoint) = (reduction, wait, update, checkpoint)
    return times
  }

  /// A run of these ranks, whose clock is the root's.
  private func run(images: Int, _ ranks: [PhaseTimes]) -> ScalingPoint.Run {
    let seconds = ranks[0].total - ranks[0].checkpoint
    let result = RunResult(
      testAccuracy: 99, testErrors: 1, testConfusion: [], parametersDigest: "p", checkpointDigest: "c",
      imagesPerSecond: Double(images) / seconds, trainingSeconds: seconds, wallSeconds: 2, startSeconds: 1,
      ranks: ranks.count, rankTimes: ranks.map { RankTimes(phases: $0, processorSeconds: 1) }, epochs: 1,
      steps: 1, dataset: "d", datasetDigest: "e")
    return ScalingPoint.Run(result: result, epochs: [], target: 99)
  }

  private func copies(images: Int, _ copies: [PhaseTimes]) -> CopiesRun {
    CopiesRun(copies.map { CopyFigures(images: images, phases: $0) })
  }

  private let whole = (data: 1.0, forward: 3.0, backward: 4.0, reduction: 0.5, update: 1.5)

  /// One rank alone: 1,000 images in 10 s.
  private var alone: PhaseTimes {
    phases(
      data: whole.data, forward: whole.forward, backward: whole.backward, reduction: whole.reduction,
      update: whole.update)
  }

  /// Its half, plus what two ranks lose.
  private func half(_ change: (inout PhaseTimes) -> Void = { _ in }) -> PhaseTimes {
    var times = phases(
      data: whole.data / 2, forward: whole.forward / 2, backward: whole.backward / 2,
      reduction: whole.reduction / 2, update: whole.update / 2)
    change(&times)
    return times
  }

  private func explain(_ ranks: [PhaseTimes], _ copies: CopiesRun) throws -> ScalingExplanation {
    try #require(
      ScalingExplanation(
        ranks: ranks.count, runs: [run(images: 1000, ranks)], alone: [run(images: 1000, [alone])],
        copies: [copies]))
  }

  private func expect(
    _ explanation: ScalingExplanation, loses expected: [ScalingExplanation.Cause: Double],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for cause in ScalingExplanation.Cause.allCases {
      #expect(
        abs(explanation.share(cause) - expected[cause, default: 0]) < 1e-12,
        "\(cause): \(explanation.share(cause))", sourceLocation: sourceLocation)
    }
  }

  @Test func nothingIsLostWhereNothingIsLost() throws {
    let explanation = try explain([half(), half()], copies(images: 1000, [alone, alone]))
    expect(explanation, loses: [:])
    #expect(abs(explanation.machineEfficiency - 1) < 1e-12 && abs(explanation.ceilingEfficiency - 1) < 1e-12)
    #expect(explanation.largestLosses.isEmpty)
  }

  /// Two ranks that take 6.25 s for what should take 5 have lost a fifth, to what took the 1.25 s.
  @Test func whatTakesLongerIsTheCause() throws {
    let phases: [(ScalingExplanation.Cause, WritableKeyPath<PhaseTimes, Double>)] = [
      (.compute, \.backward), (.input, \.data), (.update, \.update), (.reduction, \.reduction),
      (.waiting, \.wait),
    ]
    for (cause, phase) in phases {
      let longer = half { $0[keyPath: phase] += 1.25 }
      let explanation = try explain([longer, longer], copies(images: 1000, [alone, alone]))
      expect(explanation, loses: [cause: 0.2])
      #expect(abs(explanation.efficiency - 0.8) < 1e-12)
      #expect(explanation.largestLosses.map(\.cause) == [cause])
    }
  }

  /// Both at 0.8 of the speed, in copies and in ranks: nothing is the program's.
  @Test func slowCoresAreTheMachines() throws {
    func slow(_ times: PhaseTimes) -> PhaseTimes {
      phases(
        data: 1.25 * times.data, forward: 1.25 * times.forward, backward: 1.25 * times.backward,
        reduction: 1.25 * times.reduction, update: 1.25 * times.update)
    }
    let explanation = try explain(
      [slow(half()), slow(half())], copies(images: 1000, [slow(alone), slow(alone)]))
    expect(explanation, loses: [.cores: 0.2])
    #expect(abs(explanation.machineEfficiency - 0.8) < 1e-12)
    #expect(abs(explanation.ceilingEfficiency - 1) < 1e-12)
  }

  /// The root saves for 1 s while another rank waits: that is in the waiting, and in no rate.
  @Test func aWaitForTheRootBetweenStepsIsNoTrainingTime() throws {
    let explanation = try explain(
      [half { $0.checkpoint = 1 }, half { $0.wait = 1 }], copies(images: 1000, [alone, alone]))
    expect(explanation, loses: [.waiting: 0.1, .rest: -0.1])
    #expect(abs(explanation.efficiency - 1) < 1e-12)
  }

  /// In one round of three another program had a core, and a rank waited for it.
  @Test func aDisturbedRoundExplainsNothing() throws {
    let sound = half { $0.update += 1.25 }
    let disturbed = run(images: 1000, [half { $0.wait = 50 }, half { $0.backward += 50 }])
    let explanation = try #require(
      ScalingExplanation(
        ranks: 2,
        runs: [run(images: 1000, [sound, sound]), disturbed, run(images: 1010, [sound, sound])],
        alone: [run(images: 1000, [alone])], copies: [copies(images: 1000, [alone, alone])]))
    expect(explanation, loses: [.update: 0.2])
  }

  @Test func partsAddUpOverUnevenRunsAndCopies() throws {
    var ladder = ScalingLadder(modes: [.strong], counts: [1, 3], globalBatch: 64, slots: 4)
    ladder.points[0].runs = [
      run(images: 1000, [alone]), run(images: 1000, [phases(data: 2, forward: 9, backward: 1)]),
    ]
    ladder.points[1].runs = [
      run(
        images: 1000,
        [
          phases(
            data: 0.3, forward: 1.7, backward: 1.9, reduction: 0.2, wait: 0.4, update: 1, checkpoint: 0.2),
          phases(data: 0.4, forward: 2.1, backward: 1.3, reduction: 0.1, wait: 1.1, update: 0.6),
          phases(data: 0.5, forward: 1.2, backward: 1.1, reduction: 0.3, wait: 1.9, update: 0.7),
        ]),
      run(images: 1000, [alone, half(), half()]),
    ]
    ladder.points[1].copies = [
      CopiesRun([
        CopyFigures(images: 1000, phases: alone), CopyFigures(images: 640, phases: alone),
        CopyFigures(images: 704, phases: phases(data: 1, forward: 4, backward: 4.5, checkpoint: 0.5)),
      ])
    ]
    let explanation = try #require(ladder.explanation(of: ladder.points[1]))
    let lost = explanation.losses.reduce(0) { $0 + $1.share }
    #expect(abs(lost - (1 - explanation.efficiency)) < 1e-12)
    #expect(explanation.losses.map(\.cause) == ScalingExplanation.Cause.allCases)
    // What the table of the ladder says, too.
    let efficiency = try #require(ladder.efficiency(of: ladder.points[1]))
    #expect(abs(efficiency.median - explanation.efficiency) < 1e-12)
    let copies = try #require(ladder.points[1].copies)[0]
    #expect(abs(copies.coreSeconds.total - 3 / copies.imagesPerSecond) < 1e-15)
    #expect(abs(copies.coreSeconds.rest) < 1e-15)
    // One rank has nothing to explain.
    #expect(ladder.explanation(of: ladder.points[0]) == nil)
    // The second round has no copies yet: its line says what there is.
    let lines = ladder.csv.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    #expect(Set(lines.map(\.count)).count == 1)
    let column = try #require(lines[0].firstIndex(of: "copies_images_per_second"))
    #expect(Double(lines[3][column]) == copies.imagesPerSecond && lines[4][column].isEmpty)
    let shares = lines[3].suffix(ScalingExplanation.Cause.allCases.count).compactMap { Double($0) }
    let single = Double(lines[1][4]) ?? 0
    #expect(abs(shares.reduce(0, +) - (1 - (Double(lines[3][4]) ?? 0) / (3 * single))) < 1e-12)
  }

  @Test func onlyTheTimeInWhichAllCopiesTrainCounts() {
    // Epochs of 64, 64 and 22 samples.
    var log = CopyLog(globalBatch: 64, trainCount: 150, stepsPerEpoch: 3, totalSteps: 6)
    for step in 1...6 { log.step(phases(forward: 0.9, checkpoint: 0.1), endedAfter: Double(step)) }
    #expect(log.end == 6)
    let figures = log.figures(until: 4.5)
    #expect(figures.images == 64 + 64 + 22 + 64)
    #expect(abs(figures.seconds - 3.6) < 1e-12 && abs(figures.imagesPerSecond - 214 / 3.6) < 1e-9)
    #expect(log.figures(until: 6).images == 300)
    // A copy so slow that its first step ended after the quickest was done.
    #expect(log.figures(until: 0.5).images == 64)
  }

  @Test func anEpochsLastBatchMayBeDropped() {
    var log = CopyLog(globalBatch: 64, trainCount: 150, stepsPerEpoch: 2, totalSteps: 4)
    for step in 1...3 { log.step(phases(forward: 1), endedAfter: Double(step)) }
    #expect(log.figures(until: 3).images == 3 * 64)
  }

  @Test func percentilesAreStepsThatWereTaken() throws {
    let steps = try #require(StepTimes((1...200).map { Double($0) }.shuffled()))
    #expect([steps.median, steps.ninetieth, steps.ninetyNinth, steps.most] == [100, 180, 198, 200])
    #expect(steps.tail == 1.98)
    let single = try #require(StepTimes([0.5]))
    #expect([single.median, single.ninetieth, single.ninetyNinth, single.most] == [0.5, 0.5, 0.5, 0.5])
    #expect(StepTimes([Double]()) == nil && StepTimes(medians: []) == nil)
    let record = StepRecord(
      step: 1, epoch: 1, loss: 0, accuracy: 0, learningRate: 0,
      seconds: phases(data: 1, forward: 2, checkpoint: 4))
    #expect(StepTimes([record])?.most == 3)
  }

  @Test func laddersShareCopiesThatTrainTheSame() {
    let ladder = ScalingLadder(modes: [.strong, .weak], counts: [1, 2, 4], globalBatch: 64, slots: 2)
    let copies = ladder.turns(explaining: true).filter { if case .copies = $0 { true } else { false } }
    // Points 1 and 4 have two ranks; four ranks would share cores.
    #expect(copies == [.copies(indices: [1, 4], count: 2, globalBatch: 64)])
    #expect(ladder.turns(explaining: true).count == 7 && ladder.turns(explaining: false).count == 6)
  }

  @Test func figuresOfOlderVersionsCanBeRead() throws {
    let text = """
      {"mode": "strong", "ranks": 2, "globalBatch": 64, "isOversubscribed": false, "runs": [{"imagesPerSecond": 10,
      "compute": 0.9, "reduction": 0.05, "wait": 0.05, "update": 0, "imbalance": 0, "processorSeconds": 1,
      "digest": "a"}]}
      """
    let point = try JSONDecoder().decode(ScalingPoint.self, from: Data(text.utf8))
    #expect(point.runs.map(\.imagesPerSecond) == [10] && point.copies == nil)
    var ladder = ScalingLadder(points: [point, point])
    ladder.points[0].ranks = 1
    #expect(ladder.explanation(of: ladder.points[1]) == nil)
  }
}
