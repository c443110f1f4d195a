import Foundation
import Model
import Runs
import Testing

@Suite struct RecipeTitleTests {
  private func quick(_ change: (inout RecipeOverrides) throws -> Void = { _ in }) throws -> Recipe {
    var overrides = RecipeOverrides()
    try change(&overrides)
    return try #require(Recipe.named("quick")).applying(overrides)
  }

  @Test(arguments: Recipe.names)
  func builtInRecipesAreCalledByTheirNames(_ name: String) throws {
    var recipe = try #require(Recipe.named(name))
    recipe.seed = 7
    recipe.initialModel = String(repeating: "0", count: 64)
    #expect(recipe.title == name && recipe.changes == [] && recipe.folderName() == name)
    // A network that was made to fit the dataset's classes is still the recipe's.
    recipe.network = recipe.network.ending(in: 26)
    #expect(recipe.title == name)
  }

  /// Whoever reads the name must not take it for the recipe that has it.
  @Test func whatIsChangedIsSaid() throws {
    let other = try quick { overrides in
      overrides.network = try NetworkSpecification("dense 10")
      overrides.epochs = 3
    }
    #expect(other.changes == ["network", "epochs"])
    #expect(other.title == "quick-changed" && other.folderName() == "quick-changed")
    #expect(other.name == "quick", "what is stored stays")
    #expect(try quick { $0.epochs = 2 }.title == "quick", "that is the recipe's own")
    #expect(try quick { $0.learningRate = 0.5 }.changes == ["optimizer"])
    var sprint = try #require(Recipe.named("sprint"))
    sprint.steps = nil
    #expect(sprint.changes == ["steps"], "a setting that was taken out")
    let read = try Recipe.parse(Data(sprint.json().utf8), origin: "sprint")
    #expect(read.title == "sprint-changed", "also when it was written and read")
  }

  @Test func aRecipeOfItsOwnNameKeepsIt() throws {
    let named = try Recipe.parse(Data(#"{"name": "my net/2", "epochs": 3}"#.utf8), origin: "mine.json")
    #expect(named.title == "my net/2" && named.changes == [])
    #expect(named.folderName() == "my-net-2" && named.folderName(file: "/a/mine.json") == "my-net-2")
    let unnamed = try Recipe.parse(Data(#"{"epochs": 3}"#.utf8), origin: "mine.json")
    #expect(unnamed.title == "quick-changed")
    #expect(unnamed.folderName(file: "/a/mine.json") == "mine")
    #expect(unnamed.folderName(file: "runs/b/recipe.json") == "quick-changed")
    let strange = try Recipe.parse(Data(#"{"name": "../ \u0000"}"#.utf8), origin: "x")
    #expect(strange.folderName() == "run", "\(strange.folderName())")
  }
}
