package import Digests

/// What each step of a run came to, chained: two runs with the same last link took the same steps, under the same
/// conditions, on the same data.
///
/// The chain's links are SHA-256 digests. It begins with `base`, or with 32 zero bytes. Where steps begin to be taken under
/// some conditions, link ← SHA-256(link ‖ the conditions' text), and with each step link ← SHA-256(link ‖ the step's digest).
/// Nothing in it depends on ranks, hosts or the time.
package struct Receipt: Hashable, Sendable {
  /// What steps are a function of, besides the state before them.
  package struct Conditions: Hashable, Sendable, Codable {
    /// The recipe, as canonical JSON.
    package var recipe: String
    /// SHA-256 of the dataset's content.
    package var dataset: String
    /// What the bits of products depend on: `Products.identity`.
    package var products: String
    /// `reproducible` or `native`.
    package var reduction: String

    package init(recipe: String, dataset: String, products: String, reduction: String) {
      (self.recipe, self.dataset, self.products, self.reduction) = (recipe, dataset, products, reduction)
    }
  }

  /// The conditions from some step on.
  package struct Segment: Hashable, Sendable, Codable {
    /// The steps that were taken before.
    package var step: Int
    package var conditions: Conditions

    package init(step: Int, conditions: Conditions) {
      (self.step, self.conditions) = (step, conditions)
    }

    /// What is chained.
    fileprivate var text: String {
      "\(step)\n\(conditions.dataset)\n\(conditions.products)\n\(conditions.reduction)\n\(conditions.recipe)"
    }
  }

  /// What the record of a start or of a resumption says of the chain.
  package struct Opening: Hashable, Sendable, Codable {
    package var conditions: Conditions
    /// The link that it goes on from; nil where the chain begins.
    package var link: String?

    package init(conditions: Conditions, link: String?) {
      (self.conditions, self.link) = (conditions, link)
    }
  }

  /// The steps that were taken before the first one that is here.
  package let firstStep: Int
  /// The link before that step, where another receipt has the steps before; nil where the chain begins.
  package let base: SHA256Digest?
  /// In order, the first one at `firstStep`.
  package private(set) var segments: [Segment]
  /// Of the steps `firstStep + 1` and so on.
  package private(set) var digests: [StepDigest] = []

  /// The steps that were taken with the last one that is here.
  package var lastStep: Int { firstStep + digests.count }

  /// A receipt that begins after so many steps.
  package init(from firstStep: Int, base: SHA256Digest?, conditions: Conditions) {
    self.firstStep = firstStep
    self.base = base
    segments = [Segment(step: firstStep, conditions: conditions)]
  }

  /// Puts together what a file says; nil if steps and segments are not in order.
  package init?(from firstStep: Int, base: SHA256Digest?, segments: [Segment], digests: [StepDigest]) {
    let steps = segments.map(\.step)
    guard steps.first == firstStep, steps.last ?? 0 <= firstStep + digests.count,
      zip(steps, steps.dropFirst()).allSatisfy({ $0 < $1 })
    else { return nil }
    self.firstStep = firstStep
    self.base = base
    self.segments = segments
    self.digests = digests
  }

  /// A step has been taken.
  package mutating func append(_ digest: StepDigest) { digests.append(digest) }

  /// The next step is taken under these conditions. Conditions under which none was taken are forgotten.
  package mutating func open(_ conditions: Conditions) {
    if let last = segments.last, last.step == lastStep { segments.removeLast() }
    if segments.last?.conditions != conditions {
      segments.append(Segment(step: lastStep, conditions: conditions))
    }
  }

  /// The digest of a step that is here.
  package subscript(step step: Int) -> StepDigest? {
    firstStep < step && step <= lastStep ? digests[step - firstStep - 1] : nil
  }

  /// The conditions that a step was taken under; those of the first one for earlier steps.
  package func segment(ofStep step: Int) -> Segment {
    segments.last { $0.step < step } ?? segments[0]
  }

  /// The link after so many steps; nil for steps that are not here.
  package func link(afterStep step: Int) -> SHA256Digest? {
    guard firstStep...lastStep ~= step else { return nil }
    var chain = Chain(self)
    chain.advance(to: step, in: self)
    return chain.link
  }

  /// The link after the last step.
  package var lastLink: SHA256Digest {
    var chain = Chain(self)
    chain.advance(to: lastStep, in: self)
    return chain.link
  }

  /// A chain on its way along a receipt: links that were computed are not computed again.
  package struct Chain: Sendable {
    package private(set) var link: SHA256Digest
    private var step: Int

    /// Begins where the receipt begins.
    package init(_ receipt: Receipt) {
      let none = SHA256Digest(bytes: repeatElement(0, count: 32))
      guard let link = receipt.base ?? none else { preconditionFailure("SHA-256 has 32 bytes") }
      (self.link, step) = (link, receipt.firstStep)
    }

    /// Goes on to the link after so many steps.
    package mutating func advance(to end: Int, in receipt: Receipt) {
      while step < end, let digest = receipt[step: step + 1] {
        if let segment = receipt.segments.first(where: { $0.step == step }) {
          link = SHA256Digest(of: link.bytes + Array(segment.text.utf8))
        }
        link = SHA256Digest(of: link.bytes + digest.bytes)
        step += 1
      }
    }
  }
}

extension Receipt {
  /// The receipt of the steps that a run has on record; nil if it has none, as runs of older versions.
  package init?(_ history: RunHistory) {
    var receipt: Receipt?
    var steps = history.steps[...]
    /// Takes over the records up to a step; without a gap.
    func take(through end: Int) {
      while let record = steps.first, record.step <= end {
        steps.removeFirst()
        if let digest = record.digest, record.step == (receipt?.lastStep ?? -1) + 1 {
          receipt?.append(digest)
        } else {
          receipt = nil
        }
      }
    }
    for event in history.events {
      guard let opening = event.receipt else { continue }
      take(through: event.step)
      let link = opening.link.flatMap { SHA256Digest(digits: $0) }
      if receipt?.lastStep == event.step, let link, receipt?.lastLink == link {
        receipt?.open(opening.conditions)
      } else {
        receipt = Receipt(from: event.step, base: link, conditions: opening.conditions)
      }
    }
    take(through: Int.max)
    guard let receipt else { return nil }
    self = receipt
  }
}
