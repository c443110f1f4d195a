import ArgumentParser
import Collectives
import Datasets
import Files
import Formatting
import Foundation
import Jobs
import Model
import Reports
import Runs
import Scaling
import Training

/// `lockstep scale --project`.
extension Scale {
  /// Ranks that fill a node of the projection.
  private var projectedRanksPerNode: Int { ranksPerNode ?? ProcessorSet().cores }

  /// The speeds of a node's cores; alike unless told.
  func nodeCoreSpeeds() throws -> CoreSpeeds {
    guard let coreSpeeds else { return .alike }
    guard let speeds = CoreSpeeds(parsing: coreSpeeds) else {
      throw ValidationError(
        "--core-speeds: expected speeds from 0.001 to 1000 with commas, e.g. 1,1,0.55, found '\(coreSpeeds)'")
    }
    guard speeds.values.count <= projectedRanksPerNode else {
      throw ValidationError(
        "--core-speeds names \(speeds.values.count) speeds, and a node has \(projectedRanksPerNode) "
          + "\(projectedRanksPerNode == 1 ? "rank" : "ranks"): see --ranks-per-node")
    }
    return speeds
  }

  /// Computes a curve from one rank's measured times and the network's figures.
  func showProjection(to most: Int, _ recipe: Recipe, _ experiment: ScalingExperiment) throws {
    guard let network, let far = CostModel.Link(parsing: network) else { return }
    let dataset = try RecipeArguments.parse(words).dataOptions.open()
    let format = dataset.format
    let recipe = try recipe.fitted(toClasses: format.classCount, evidence: dataset.labelEvidence)
    let alone = try experiment.run(
      ScalingLadder(
        modes: [weak ? .weak : .strong], counts: [1], globalBatch: recipe.globalBatch, slots: 1),
      repeats: repeats
    ) { number, count, _ in
      note("run \(number) of \(count): 1 rank")
    } didRun: { _ in
    }
    note("measuring the links within this host")
    let (near, window) = try linkWithinHost()
    let perNode = projectedRanksPerNode
    let input = Shape(format.shape.height, format.shape.width, 1)
    let layout = try Network(recipe.network, input: input, capacity: 1).layout
    let projection = ScalingProjection(
      alone: alone.points[0], microBatch: recipe.microBatch,
      elementCount: try recipe.flatElementCount(input: input),
      model: CostModel(near: near, far: far, window: window, ranksPerNode: perNode), most: most,
      coreSpeeds: try nodeCoreSpeeds(),
      updateDivision: UpdateDivision(of: recipe.optimizer, layout: layout))
    print(
      "computed, not measured: recipe \(recipe.title), \(projection.mode.rawValue), \(network) between nodes of "
        + "\(perNode) ranks, from \(Numbers.grouped(alone.points[0].spread(\.imagesPerSecond).median)) "
        + "images/s on one rank and \(Numbers.fixed(near.latencySeconds * 1e6, 1)) µs, "
        + "\(Numbers.fixed(near.bytesPerSecond * 8 / 1e9, 1)) Gbit/s within this host")
    show(projection)
    if projection.endsForLackOfWork {
      print(
        "more than \(projection.leafCount) ranks would have no work: a step has \(projection.leafCount) "
          + "micro-batches of \(recipe.microBatch); a larger --global-batch or --weak goes further")
    }
    let plot = projection.plot(
      title: "Speed-up of recipe \(recipe.title), computed",
      subtitle: "\(network) between nodes of \(perNode) ranks, global batch \(recipe.globalBatch)"
        + (weak ? " per rank" : ""))
    try Data(plot.drawing.file.utf8).write(
      to: URL(fileURLWithPath: out.literalPath + "/projection.svg"), options: .atomic)
    print("written: \(out)/projection.svg")
    Console.flush()
  }

  private func show(_ projection: ScalingProjection) {
    let differ = projection.coreSpeeds.differ
    var table = TextTable(
      [
        ("ranks", .right), ("nodes", .right), ("batch", .right), ("step ms", .right),
        ("reduction ms", .right), ("by", .left), ("images/s", .right), ("efficiency", .right),
        ("with bfloat16", .right),
      ] + (differ ? [("taking, images/s", .right), ("efficiency", .right)] : []))
    for row in projection.rows {
      let taking = [Numbers.grouped(row.takingImagesPerSecond), percent(row.takingEfficiency)]
      table.append(
        [
          "\(row.ranks)", "\(row.nodes)", Numbers.grouped(row.globalBatch),
          Numbers.fixed(row.stepSeconds * 1e3, 3), Numbers.fixed(row.reductionSeconds * 1e3, 3),
          row.ranks == 1 ? "" : row.algorithm?.rawValue ?? "memory",
          Numbers.grouped(row.imagesPerSecond),
          percent(row.efficiency), percent(row.bfloat16Efficiency),
        ] + (differ ? taking : []))
    }
    print(table.text)
    if differ {
      print(
        "images/s are for equal shares, and after \"taking\" for ranks that take the micro-batches of a node one "
          + "by one; efficiency is relative to what the cores' speeds add up to")
    }
  }

  /// The link between two ranks of this host and the memory that they share, as `lockstep reduction` measures them.
  private func linkWithinHost() throws -> (link: CostModel.Link, window: SharedWindow?) {
    let (file, log) = (out + "/links.json", out + "/links.log")
    defer { for path in [file, log] { try? FileManager.default.removeItem(atPath: path) } }
    let environment = MPIRun.environment
    let words = MPIRun(ranks: 2, binding: .none)
      .words(["reduction", "--json"], program: MPIRun.program, environment: environment)
    let child = try ChildProcess(
      words, environment: environment, output: .file(file), errors: .file(log))
    guard child.wait() == 0,
      let figures = try? JSONDecoder().decode(
        ReductionFigures.self, from: Data(contentsOf: URL(fileURLWithPath: file.literalPath))),
      let link = figures.within
    else { throw RunError("two ranks on this host could not measure the link between them", exitCode: 69) }
    return (link, figures.window)
  }
}
