internal import Formatting

/// What a burn-in has found so far: the same on all ranks.
package struct BurnInReport: Hashable, Sendable, Codable {
  /// A node and what its ranks did.
  package struct Node: Hashable, Sendable, Codable {
    /// What the node calls itself.
    package var name: String
    /// Its ranks in the job.
    package var ranks: [Int]
    /// Leaves that its ranks computed.
    package var leaves = 0
    /// Leaves that each of its ranks computed wrong, by rank; those without any are missing.
    package var wrongLeaves: [Int: Int] = [:]
    /// Recipes of the self-test that its ranks trained to another model than they must, by rank.
    package var wrongRecipes: [Int: [String]] = [:]
    /// Images per second of all its ranks, each of which computes as many of them as it can: mean, least and most of the
    /// rounds.
    package var imagesPerSecond = Rate()
    /// Bytes per second that its ranks received, and sent as many: from other nodes, where there are any.
    package var bytesPerSecond = Rate()
    /// Messages that it received, and those of them whose bits were not those that were sent.
    package var messages = 0
    package var wrongMessages = 0
    /// The most that it told, in degrees Celsius; nil where the system does not tell.
    package var hottest: Double?

    /// All leaves that its ranks computed wrong.
    package var wrong: Int { wrongLeaves.values.reduce(0, +) }
  }

  /// Figures of several rounds.
  package struct Rate: Hashable, Sendable, Codable {
    package private(set) var mean = 0.0
    package private(set) var least = 0.0
    package private(set) var most = 0.0
    package private(set) var count = 0

    package init() {}

    /// Adds a round's figure.
    package mutating func add(_ value: Double) {
      count += 1
      mean += (value - mean) / Double(count)
      least = count == 1 ? value : min(least, value)
      most = max(most, value)
    }
  }

  /// Two nodes between which messages came with other bits than were sent.
  package struct Link: Hashable, Sendable, Codable {
    /// Indices of nodes, the lower one first.
    package var nodes: [Int]
    /// Messages.
    package var wrong: Int
  }

  /// In the order of their first ranks.
  package var nodes: [Node]
  /// Rounds that are over, and their seconds in all.
  package internal(set) var rounds = 0
  package internal(set) var seconds = 0.0
  /// Seconds that were asked for.
  package internal(set) var secondsAsked: Double
  /// Leaves of which ranks had different bits, again and again, and nobody could tell who is wrong.
  package internal(set) var undecided = 0
  /// The ranks that had them.
  package internal(set) var undecidedRanks: [Int] = []
  /// Links with errors.
  package internal(set) var links: [Link] = []

  /// Nothing yet, of nodes with these names and ranks.
  package init(nodes: [(name: String, ranks: [Int])], secondsAsked: Double) {
    self.nodes = nodes.map { Node(name: $0.name, ranks: $0.ranks) }
    self.secondsAsked = secondsAsked
  }

  /// Leaves that were computed, and those of them that were wrong for certain.
  package var leaves: Int { nodes.reduce(0) { $0 + $1.leaves } }
  package var wrong: Int { nodes.reduce(0) { $0 + $1.wrong } }
  /// Images per second of all nodes.
  package var imagesPerSecond: Double { nodes.reduce(0) { $0 + $1.imagesPerSecond.mean } }
  package var hottest: Double? { nodes.compactMap(\.hottest).max() }

  /// Whether the time that was asked for is over.
  package var isComplete: Bool { seconds >= secondsAsked }

  /// Whether all that was computed and sent had the right bits, as far as anybody can tell.
  package var isRight: Bool {
    wrong == 0 && undecided == 0 && links.isEmpty && nodes.allSatisfy { $0.wrongRecipes.isEmpty }
  }

  /// The node of a rank.
  package func node(of rank: Int) -> Int {
    nodes.firstIndex { $0.ranks.contains(rank) } ?? 0
  }

  // MARK: - Recording

  /// Adds leaves that a rank computed wrong.
  package mutating func recordWrong(rank: Int, leaves: Int) {
    nodes[node(of: rank)].wrongLeaves[rank, default: 0] += leaves
  }

  /// Adds what is known of a leaf of which ranks have different bits.
  package mutating func record(_ verdict: LeafVerdict) {
    for rank in verdict.wrong { recordWrong(rank: rank, leaves: 1) }
    guard !verdict.undecided.isEmpty else { return }
    undecided += 1
    undecidedRanks = Set(undecidedRanks + verdict.undecided).sorted()
  }

  /// Adds a recipe that a rank trained to another model than it must.
  package mutating func recordWrongRecipe(rank: Int, _ recipe: String) {
    let node = node(of: rank)
    if nodes[node].wrongRecipes[rank]?.contains(recipe) ?? false { return }
    nodes[node].wrongRecipes[rank, default: []].append(recipe)
  }

  /// Adds messages between two nodes, by index, that came with other bits than were sent.
  package mutating func recordWrongMessages(_ count: Int, between a: Int, and b: Int) {
    guard count > 0 else { return }
    let pair = [min(a, b), max(a, b)]
    if let index = links.firstIndex(where: { $0.nodes == pair }) {
      links[index].wrong += count
    } else {
      links.append(Link(nodes: pair, wrong: count))
    }
  }

  // MARK: - Concluding

  /// Something that was found.
  package struct Finding: Hashable, Sendable {
    /// Who or what, and that something is wrong: the same after each round.
    package var subject: String
    /// What, in figures.
    package var details: String

    /// Both.
    package var sentence: String { "\(subject): \(details)" }
  }

  /// What is wrong; none where everything is right.
  package var errors: [Finding] { wrongNodes + wrongModels + doubts + badLinks }

  private var wrongNodes: [Finding] {
    nodes.filter { $0.wrong > 0 }.map { node in
      Finding(
        subject: "\(node.name) computes wrong",
        details: "\(Numbers.grouped(node.wrong)) of its \(Numbers.grouped(node.leaves)) leaves, on rank "
          + list(node.wrongLeaves.keys.sorted()))
    }
  }

  private var wrongModels: [Finding] {
    nodes.flatMap { node in
      node.wrongRecipes.sorted { $0.key < $1.key }.map { rank, recipes in
        Finding(
          subject: "\(node.name) computes wrong",
          details: "rank \(rank) trains other models in the self-test than there must be "
            + "(\(recipes.sorted().joined(separator: ", ")))")
      }
    }
  }

  private var doubts: [Finding] {
    guard undecided > 0 else { return [] }
    let suspects = Set(undecidedRanks.map { node(of: $0) }).sorted()
    let details =
      "\(Numbers.grouped(undecided)) \(undecided == 1 ? "leaf has" : "leaves have") other bits, however often they are "
      + "computed; "
    guard suspects.count > 1 else {
      return [
        Finding(
          subject: "rank \(list(undecidedRanks)) of \(nodes[suspects[0]].name) differ",
          details: details + "more ranks, or another node, would tell which of them is wrong")
      ]
    }
    return [
      Finding(
        subject: "\(words(suspects.map { nodes[$0].name })) differ",
        details: details
          + (nodes.count == 2
            ? "a third node would tell which of them is wrong"
            : "no majority of nodes agrees on which of them is wrong"))
    ]
  }

  private var badLinks: [Finding] {
    var partners: [Int: Set<Int>] = [:]
    for link in links where link.nodes[0] != link.nodes[1] {
      partners[link.nodes[0], default: []].insert(link.nodes[1])
      partners[link.nodes[1], default: []].insert(link.nodes[0])
    }
    // Who has errors with several nodes, which have them with nobody else, is what they have in common.
    let culprits = partners.filter { _, others in
      others.count > 1 && others.allSatisfy { (partners[$0]?.count ?? 0) == 1 }
    }.keys.sorted()
    let named = culprits.map { node in
      let count = links.filter { $0.nodes.contains(node) }.reduce(0) { $0 + $1.wrong }
      return Finding(
        subject: "\(nodes[node].name) spoils messages",
        details: "\(messages(count)), between it and \(partners[node]?.count ?? 0) other nodes")
    }
    let others = links.filter { link in !link.nodes.contains(where: culprits.contains) }.map { link in
      let names = link.nodes.map { nodes[$0].name }
      return Finding(
        subject: names[0] == names[1]
          ? "between ranks of \(names[0])" : "between \(names[0]) and \(names[1])",
        details: messages(link.wrong))
    }
    return named + others
  }

  private func messages(_ count: Int) -> String {
    "\(Numbers.grouped(count)) \(count == 1 ? "message" : "messages") came with other bits than were sent"
  }

  /// Nodes slower than this share of the middle one, rank by rank, are worth a word.
  private static let slowShare = 0.9

  /// Nodes that are slower than others, which is no error.
  package var warnings: [Finding] {
    let rates = nodes.map { $0.imagesPerSecond.mean / Double(max($0.ranks.count, 1)) }
    guard rates.count > 1, let middle = rates.sorted().dropFirst((rates.count - 1) / 2).first, middle > 0
    else { return [] }
    return nodes.indices.filter { rates[$0] < Self.slowShare * middle }.map { node in
      Finding(
        subject: "\(nodes[node].name) is slow",
        details: "\(Numbers.fixed(100 * rates[node] / middle, 0)) % of the images/s a rank of the middle node"
      )
    }
  }

  private func words(_ names: [String]) -> String {
    guard names.count > 1, let last = names.last else { return names.first ?? "" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }
}
