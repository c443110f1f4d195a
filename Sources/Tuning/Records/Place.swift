internal import Digests
internal import Runs
internal import Tensors
internal import Training

/// What trials have in common that their recipes do not say: only trials of one place can be compared.
package struct Place: Hashable, Sendable, Codable {
  /// The dataset's name and SHA-256.
  package var dataset: String
  package var datasetDigest: String
  /// Who does the products: the same bits, or a name for others.
  package var products: String

  /// Not known yet.
  package init() { (dataset, datasetDigest, products) = ("", "", "") }

  init(_ data: TrialData) {
    (dataset, datasetDigest) = (data.facts.name, data.facts.digest.description)
    products = Products.shared.identity
  }

  /// Becomes what it is found to be, once and for all.
  ///
  /// - Throws: `RunError` with exit code 73 if it was another one.
  mutating func settle(_ found: Place, in folder: TrialFolder) throws(RunError) {
    if self != Place() {
      for (what, known, now) in [
        ("dataset", datasetDigest, found.datasetDigest), ("products", products, found.products),
      ]
      where known != now {
        throw RunError(
          "\(folder.path): the \(folder.kind.rawValue) began with other \(what) (\(known.prefix(24))) than there are now "
            + "(\(now.prefix(24))), and their results could not be compared", exitCode: 73)
      }
    }
    self = found
  }
}
