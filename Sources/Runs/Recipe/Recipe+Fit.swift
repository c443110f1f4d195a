internal import Model

extension Recipe {
  /// This recipe for samples of `classCount` classes. A network that was called by its name ends in as many features as
  /// there are classes; one whose layers were written out stays as it is, and may have more.
  ///
  /// `evidence` says where the largest label is, as in `train-labels-idx1-ubyte has label 46 (sample 17)`.
  ///
  /// - Throws: `RecipeError` if a network that was written out has too few.
  package func fitted(toClasses classCount: Int, evidence: String) throws(RecipeError) -> Recipe {
    guard let width = network.classCount, width != classCount else { return self }
    guard !network.isNamed else {
      var recipe = self
      recipe.network = network.ending(in: classCount)
      return recipe
    }
    guard width > classCount else {
      throw RecipeError(
        "network: its last layer, 'dense \(width)', has features for labels 0 to \(width - 1), but \(evidence): let it "
          + "end in dense \(classCount), e.g. --network '\(network.ending(in: classCount))'")
    }
    return self
  }
}
