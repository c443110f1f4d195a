import Foundation
import Model
import Runs
import Testing
import Training

@Suite struct NamedRecipeTests {
  @Test func everyNameIsARecipeThatCanBeReadBack() throws {
    for name in Recipe.names {
      let recipe = try #require(Recipe.named(name))
      try recipe.validate(trainCount: 60_000, image: .mnist)
      #expect(try Recipe.parse(Data(recipe.json().utf8), origin: name) == recipe)
    }
  }

  /// Large batches train at the rate of small ones times the square root of how much larger they are.
  @Test(arguments: [("medium-512", 512), ("medium-1024", 1024)])
  func largeBatchesScaleTheRateOfMedium(_ name: String, _ globalBatch: Int) throws {
    let medium = try #require(Recipe.named("medium"))
    let large = try #require(Recipe.named(name))
    #expect(large.globalBatch == globalBatch && large.network == medium.network)
    #expect(large.optimizer == medium.optimizer)
    let factor = large.scaling.factor(globalBatch: large.globalBatch)
    #expect(factor == Float(globalBatch / medium.globalBatch).squareRoot())
  }
}
