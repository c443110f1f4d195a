package import Collectives
package import Datasets
internal import Inference
package import Model
package import Runs

/// A dataset for many trials: read once, by all ranks together, and then at hand on each node.
package final class TrialData {
  package let facts: DatasetFacts
  /// Where the largest label is, in words.
  private let labelEvidence: String
  /// Has the memory that the samples lie in.
  private let group: NodeGroup
  let train: SampleLibrary
  /// Nil where trials are chosen among: what chooses must not see it.
  let test: SampleLibrary?

  /// What networks are given.
  package var inputShape: Shape { Shape(facts.format.shape) }

  /// Reads the dataset that `open` finds. Called by all ranks.
  ///
  /// - Throws: `RunError`, the same on all ranks.
  package init(
    over communicator: any Communicator, keepsTest: Bool, open: () throws -> Dataset,
    notice: (String) -> Void
  ) throws {
    try requireSameProducts(allowsMixed: false, communicator: communicator)
    let survey = try surveyData(open, communicator: communicator)
    for remark in survey.remarks { notice(remark) }
    let data = try loadData(survey, communicator: communicator)
    facts = data.facts
    labelEvidence = survey.labelEvidence
    let (trainCount, testCount) = (facts.trainCount, keepsTest ? facts.testCount : 0)
    let format = facts.format
    group = try NodeGroup.sharing(communicator) { _ in
      SharedMemory.space(SampleLibrary.byteCount(count: trainCount, format: format))
        + SharedMemory.space(SampleLibrary.byteCount(count: testCount, format: format))
    }
    func ranges(_ placement: Placement) -> [Range<Int>] {
      var start = 0
      return (0..<communicator.worldSize).map { rank in
        let count = placement.owners.count { $0 == Int32(rank) }
        defer { start += count }
        return start..<start + count
      }
    }
    train = SampleLibrary(count: trainCount, format: format, group: group)
    try train.fill(
      from: data.train.uncropped, ranges: ranges(data.trainPlacement), group: group, over: communicator)
    test = keepsTest ? SampleLibrary(count: testCount, format: format, group: group) : nil
    try test?.fill(
      from: data.test.images, ranges: ranges(data.testPlacement), group: group, over: communicator)
    try group.barrier()
  }

  /// The recipe as it is trained on this dataset.
  ///
  /// - Throws: `RecipeError` or `NetworkSpecificationError` if it does not fit.
  package func fitted(_ recipe: Recipe) throws -> Recipe {
    try recipe.validate()
    guard recipe.initialModel == nil else {
      throw RecipeError("recipe: 'initialModel': trials begin with weights drawn from their seeds")
    }
    let fitted = try recipe.fitted(toClasses: facts.format.classCount, evidence: labelEvidence)
    try fitted.validate(trainCount: facts.trainCount, image: inputShape)
    _ = try fitted.network.outputShapes(input: inputShape)
    return fitted
  }

  /// Samples dealt to ranks as evenly as can be, in order.
  static func ranges(_ count: Int, over communicator: any Communicator) -> [Range<Int>] {
    let size = communicator.worldSize
    return (0..<size).map { $0 * count / size..<($0 + 1) * count / size }
  }

  /// The steps of a recipe on this dataset.
  package func plan(_ recipe: Recipe) -> StepPlan { StepPlan(recipe, trainCount: facts.trainCount) }
}

extension Shard {
  /// Copies of the samples, in order.
  fileprivate var images: LabelledImages {
    LabelledImages(
      images: samples.flatMap { sample in
        let image = image(of: sample)
        return image.indices.map { image[$0] }
      }, labels: samples.map { label(of: $0) }, shape: format.shape)
  }
}
