import Foundation
import Jobs
import Model
import Runs

/// Recipes as JSON. What is read is written and read again.
func recipeFormat() throws -> FuzzedFormat {
  let names = ["quick", "keras", "pytorch", "medium-512", "best"]
  return FuzzedFormat(
    name: "recipe", longestInput: 1024,
    seeds: names.compactMap { Recipe.named($0).map { Array($0.json().utf8) } }
      + [Array(#"{"name":"mlp","optimizer":{"name":"sgd","momentum":0.5},"steps":7}"#.utf8)],
    words: recipeWords
  ) { bytes in
    let recipe: Recipe
    do throws(RecipeError) {
      recipe = try Recipe.parse(Data(bytes), origin: "file")
    } catch {
      agree(error.description.hasPrefix("file: "), error.description)
      return
    }
    agree(
      (try? Recipe.parse(Data(recipe.json().utf8), origin: "file")) == recipe,
      "\(recipe.json()) is read as another")
    _ = try? recipe.validate(trainCount: 60_000, image: .mnist)
    _ = recipe.effectiveOptimizer
    for step in [0, 1, 1000] { _ = recipe.schedule.rate(at: step, of: 1001, stepsPerEpoch: 100) }
  }
}

/// Networks as text. What is read is written and read again.
func networkFormat() -> FuzzedFormat {
  let seeds =
    NetworkSpecification.named.values.map(\.description).sorted() + ["conv 4x3 stride 2 same; dense 10"]
  return FuzzedFormat(
    name: "network", longestInput: 256, seeds: seeds.map { Array($0.utf8) },
    words: [
      "conv ", "maxpool ", "avgpool ", "relu", "dropout ", "channel-dropout ", "average", "dense 10",
      "stride ", "same", "valid", "; ", "0.5",
      "28", "65536",
      "quick", "\u{301}", "\u{600}", "\r\n", "\u{200D}",
    ]
  ) { bytes in
    do throws(NetworkSpecificationError) {
      let network = try NetworkSpecification(String(decoding: bytes, as: UTF8.self))
      agree((try? NetworkSpecification(network.description)) == network, "\(network) is read as another")
      let shapes = try network.outputShapes(input: .mnist)
      for (layer, input) in zip(network.layers, [.mnist] + shapes) {
        agree(
          layer.parameterCount(for: input) >= 0 && layer.forwardFLOPs(for: input) >= 0, "\(layer) overflows")
      }
    } catch {
      agree(error.description.hasPrefix("network: "), error.description)
    }
  }
}

/// Hostfiles. What is read is written and read again.
func hostfileFormat() -> FuzzedFormat {
  FuzzedFormat(
    name: "hostfile", longestInput: 512,
    seeds: [
      "node1 slots=8\nnode2 slots=8 max_slots=16\n", "# all\n10.0.0.1\n10.0.0.1\nlocalhost\n", "a username=b",
    ]
    .map { Array($0.utf8) },
    words: [
      "slots=", "max-slots=", "username=", "localhost", "\n", "# ", "// ", "@", "\u{FEFF}", "\r\n",
      "16777216",
    ]
  ) { bytes in
    func facts(_ hostfile: Hostfile) -> [[String]] {
      hostfile.hosts.map { [$0.name] + ($0.slots.map { ["\($0)"] } ?? []) }
    }
    do throws(JobError) {
      let hostfile = try Hostfile(parsing: String(decoding: bytes, as: UTF8.self), origin: "file")
      _ = hostfile.slots
      let again = try? Hostfile(parsing: hostfile.text, origin: "file")
      agree(
        again.map(facts) == facts(hostfile) && again?.text == hostfile.text, "\(hostfile) is read as another")
    } catch {
      agree(error.exitCode == 65 && error.description.hasPrefix("file"), error.description)
    }
  }
}

let recipeWords = [
  "network", "optimizer", "schedule", "globalBatch", "microBatch", "epochs", "steps", "dropsLastBatch",
  "shift", "augmentation", "rotation", "scale", "aspect", "shear", "translation", "elastic", "elasticGrid",
  "patience",
  "validation", "seed", "labelSmoothing", "gradientClipping", "gradients", "averaging", "scaling",
  "referenceBatch",
  "learningRate", "weightDecay", "momentum", "nesterov", "iterations", "others", "beta1", "epsilon", "warmup",
  "factor",
  "one-cycle", "cosine", "step", "constant", "sgd", "adamw", "muon", "bfloat16", "sqrt", "linear", "none",
  "true", "null",
  "1e400", "18446744073709551615", "9223372036854775808", "-0.0", "\\u0000", #""name":"quick""#,
]
