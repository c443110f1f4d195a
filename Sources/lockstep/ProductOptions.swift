import ArgumentParser
import Tensors

/// `--products`, shared by the commands that compute.
struct ProductOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Who does matrix products: auto, openblas or own.",
      discussion: """
        auto and own give one result on every processor: Lockstep's own code, with OpenBLAS in its place where it \
        gives the same bits and is no slower (auto). openblas gives what OpenBLAS gives here, for comparison: its \
        bits depend on version and processor.
        """))
  var products = ProductChoice.auto

  /// Makes it this process's choice.
  ///
  /// - Throws: `ProductsError` if this machine lacks what was asked for.
  func choose() throws {
    try Products.choose(products)
  }
}

extension ProductChoice: ExpressibleByArgument {}
