package import Checkpoints
internal import Digests
internal import Model
package import Runs
internal import Tensors

extension Receipt.Conditions {
  /// What a run's steps are a function of from now on, in this process.
  init(recipe: Recipe, dataset: DatasetFacts, reduction: ReductionKind) {
    self.init(
      recipe: recipe.json(), dataset: dataset.digest.description, products: Products.shared.identity,
      reduction: reduction.rawValue)
  }
}

/// The checkpoint that a run goes on from, as far as its receipt asks.
struct ResumedFrom {
  /// What errors call it.
  var name: String
  /// The link that it states; nil in a run's model, and in those of older versions.
  var link: String?

  init(_ checkpoint: SavedState) {
    (name, link) = (checkpoint.name, checkpoint.metadata[Receipt.linkKey])
  }
}

extension Receipt {
  /// The receipt of a run that begins, or that goes on from a checkpoint with what its folder, or else the checkpoint, or
  /// the receipt beside it, says of the steps before; and what is to be recorded of that. On the root.
  ///
  /// `parameters` are those that the run goes on with: a receipt that does not end in them is another run's.
  static func continued(
    in folder: RunFolder, from checkpoint: ResumedFrom?, step: Int, parameters: FloatBuffer,
    conditions: Conditions, notice: (String) -> Void
  ) -> (receipt: Receipt, opening: Opening) {
    guard step > 0, let checkpoint else {
      return (Receipt(from: 0, base: nil, conditions: conditions), Opening(conditions: conditions, link: nil))
    }
    func isBefore(_ receipt: Receipt) -> Bool {
      receipt[step: step]?.parameters == NHHash.hash(parameters.span)
        && (checkpoint.link ?? receipt.lastLink.description) == receipt.lastLink.description
    }
    let recorded = (try? RunHistory(folder: folder)).flatMap { Receipt($0) }
    if var receipt = recorded, receipt.lastStep == step, isBefore(receipt) {
      let link = receipt.lastLink.description
      receipt.open(conditions)
      return (receipt, Opening(conditions: conditions, link: link))
    }
    var link = checkpoint.link
    if link == nil, let receipt = beside(checkpoint.name), receipt.lastStep == step, isBefore(receipt) {
      link = receipt.lastLink.description
    }
    if link == nil {
      notice(
        "\(checkpoint.name) tells nothing of the steps that led to it: the run's receipt begins after step \(step)"
      )
    }
    let base = link.flatMap { SHA256Digest(digits: $0) }
    return (
      Receipt(from: step, base: base, conditions: conditions), Opening(conditions: conditions, link: link)
    )
  }

  /// The receipt that lies beside a model's file.
  private static func beside(_ path: String) -> Receipt? {
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return try? Receipt(
      reading: RunFolder(path: folder.isEmpty ? "." : folder.joined(separator: "/")).receipt)
  }

  /// The receipt beside a model, if it ends with the model's parameters: how it came about.
  package init?(beside model: CheckpointFile) {
    guard let receipt = Self.beside(model.path), let last = receipt.digests.last else { return nil }
    var values: [Float] = []
    for tensor in model.contents.tensors where tensor.name.hasPrefix("parameters.") {
      values += model.contents[tensor.name]?.doubles.map { Float($0) } ?? []
    }
    guard NHHash.hash(values.span) == last.parameters else { return nil }
    self = receipt
  }
}
