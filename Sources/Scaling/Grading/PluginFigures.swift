package import Collectives

/// What a trial of a reduction plugin on some number of ranks has found.
package struct PluginFigures: Hashable, Sendable, Codable {
  /// The number of ranks.
  package var ranks: Int
  /// What is wrong, a sentence each; none if the plugin is right.
  package var faults: [String] = []
  /// Whether all ranks got the same bits, and the same ones whenever they were given the same.
  package var agreesAcrossRanks = true
  package var agreesOnRepetition = true
  /// In which order it adds up.
  package var order = SumOrder.other
  /// The floats of the call whose traffic stands here, and what each rank sent in it.
  package var trafficCount = 0
  package var traffic: [PluginTraffic] = []
  /// What calls of several sizes took.
  package var times: [Time] = []
  /// The link between the first two ranks; nil for a rank alone.
  package var link: CostModel.Link?

  /// Nothing yet.
  package init(ranks: Int) {
    self.ranks = ranks
  }

  /// Median seconds of a call, each time those of the last rank to return.
  package struct Time: Hashable, Sendable, Codable {
    /// Floats that were added up.
    package var count: Int
    /// The plugin's.
    package var seconds: Double
    /// MPI_Allreduce's.
    package var nativeSeconds: Double

    /// Times of calls with `count` floats.
    package init(count: Int, seconds: Double, nativeSeconds: Double) {
      (self.count, self.seconds, self.nativeSeconds) = (count, seconds, nativeSeconds)
    }
  }
}
