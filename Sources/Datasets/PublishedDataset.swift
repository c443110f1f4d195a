package import Digests

/// A dataset that many know by name: what a folder of files claims to be, by its sizes, and whether it is.
package struct PublishedDataset: Hashable, Sendable {
  /// The shape of all their images.
  private static let shape = ImageShape.mnist

  /// Its name.
  package let name: String
  /// Its training and test samples.
  package let trainCount: Int
  package let testCount: Int
  /// `DatasetIdentity` of the original files, in hexadecimal digits; nil where it is not known here.
  package let digest: String?

  /// What is in circulation as IDX files. Sizes are from their publishers: LeCun et al. (MNIST), Xiao et al.
  /// (Fashion-MNIST), Clanuwat et al. (KMNIST), Yadav and Bottou (QMNIST), Cohen et al. (EMNIST).
  package static let all: [PublishedDataset] = [
    PublishedDataset(
      name: "MNIST", trainCount: 60_000, testCount: 10_000,
      digest: "376b0a3605f9c0c89d25b4945bb2761b6cc3c91a2e53fc2812d2dea56a4ef77e"),
    PublishedDataset(name: "Fashion-MNIST", trainCount: 60_000, testCount: 10_000, digest: nil),
    PublishedDataset(name: "KMNIST", trainCount: 60_000, testCount: 10_000, digest: nil),
    PublishedDataset(name: "EMNIST's split mnist", trainCount: 60_000, testCount: 10_000, digest: nil),
    PublishedDataset(name: "QMNIST", trainCount: 60_000, testCount: 60_000, digest: nil),
    PublishedDataset(name: "EMNIST's split digits", trainCount: 240_000, testCount: 40_000, digest: nil),
    PublishedDataset(name: "EMNIST's split letters", trainCount: 124_800, testCount: 20_800, digest: nil),
    PublishedDataset(name: "EMNIST's split balanced", trainCount: 112_800, testCount: 18_800, digest: nil),
    PublishedDataset(
      name: "EMNIST's splits byclass and bymerge", trainCount: 697_932, testCount: 116_323, digest: nil),
  ]

  /// What a dataset has in common with published ones.
  package enum Recognition: Hashable, Sendable, CustomStringConvertible {
    /// The content.
    case content(of: String)
    /// The sizes of some, and not the content of those of them whose content is known.
    case sizes(of: [String], contentDiffersFrom: [String])

    /// As in "the dataset x …".
    package var description: String {
      switch self {
      case .content(let name): "is \(name) as published"
      case .sizes(let names, []):
        "has the sizes of \(PublishedDataset.list(names)), whose content is not known here"
      case .sizes(let names, let others):
        "has the sizes of \(PublishedDataset.list(names)), but not the content of \(PublishedDataset.list(others)) as "
          + "published: if it should be \(PublishedDataset.list(others)), its files are damaged, and `lockstep fetch` gets "
          + "them anew"
      }
    }
  }

  /// What files of these sizes and of this content, by `DatasetIdentity`, have in common with published ones; nil for
  /// nothing, which goes for all that is drawn.
  package static func recognition(
    trainCount: Int, testCount: Int, shape: ImageShape = .mnist, digest: SHA256Digest, isSynthetic: Bool
  ) -> Recognition? {
    guard !isSynthetic, shape == Self.shape else { return nil }
    let candidates = all.filter { $0.trainCount == trainCount && $0.testCount == testCount }
    if candidates.isEmpty { return nil }
    if let same = candidates.first(where: { $0.digest == digest.description }) {
      return .content(of: same.name)
    }
    return .sizes(
      of: candidates.map(\.name), contentDiffersFrom: candidates.filter { $0.digest != nil }.map(\.name))
  }

  private static func list(_ names: [String]) -> String {
    guard names.count > 1, let last = names.last else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }
}
