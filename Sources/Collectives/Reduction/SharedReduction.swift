internal import Files
internal import Synchronization
package import Tensors

/// The reproducible all-reduce where ranks of a node share memory: in two levels, and by whoever is free.
///
/// Within a node, ranks take leaves as they get free: their own first, then others' (work stealing; Blumofe, Leiserson
/// 1999). Each rank merges neighbouring leaves that it holds; what remains lies in memory that all see, and after a
/// barrier each rank sums its slice of all subtrees of the node. Between nodes the leaders' `SubtreeExchange` does the
/// rest. `ReductionTree` prescribes every addition, so that the sum does not depend on who took what.
package final class SharedReduction: GradientReduction {
  package private(set) var lastWaits: [WaitInterval] = []
  package private(set) var work = LeafWork()
  /// Who is dealt which leaves from the next step on: the same on all ranks.
  package var division: LeafDivision {
    didSet {
      guard division != oldValue else { return }
      leavesOfNodes = division.leavesOfNodes(tree.leafCount)
      exchange.forget()
    }
  }

  private let communicator: any Communicator
  private let group: NodeGroup
  private let elementCount: Int
  private let maximumLeafCount: Int
  private let format: ElementFormat
  private let takesByNeed: Bool
  private let exchange: SubtreeExchange

  private var tree: ReductionTree
  private var leavesOfNodes: [Range<Int>]
  /// Steps begun: the same on all ranks of the node.
  private var step: UInt64 = 0
  private let ranges: LeafRanges
  /// What a leaf takes each rank, in nanoseconds, for even and for odd steps: ranks that are ahead write for the next step
  /// while others still read for this one.
  private let leafTimes: [LocalWords]
  /// Each rank's first leaf and the end of the last one's.
  private var bounds: [Int]
  private var lastTaken: Int?
  private var start = 0.0
  private var leavesOfStep = 0

  /// The buffers of all ranks of the node: `slotCount` of each.
  private let slots: [FloatBuffer]
  private let slotCount: Int
  private var freeSlots: [Int] = []
  /// What this rank holds, in no order.
  private var held: [HeldSubtree] = []
  /// For each rank of the node what it holds at the end of its leaves.
  private let published: [UnsafeMutablePointer<Int>]
  /// What all ranks of the node hold, from left to right.
  private var gathered: [HeldSubtree] = []
  private var stack: SubtreeStack
  private var additions: [(left: Int, right: Int)] = []
  /// The sum of all nodes, where there are several.
  private let result: FloatBuffer

  private struct HeldSubtree {
    var node: ReductionTree.Node
    var slot: Int
  }

  /// The elements that this rank sums for its node.
  private let slice: Range<Int>
  /// They are summed in parts that stay in the nearest cache.
  private static let chunk = 4096

  /// Prepares sums of leaves of `elementCount` floats, up to `maximumLeafCount` of them over all ranks, in memory that
  /// `group` has. Called by all ranks.
  ///
  /// Sums are of `format`, but for the last `exactCount` elements, which are `float32` always. Without an `algorithm`
  /// the quicker one between nodes is found by trying. Without `takesByNeed` every rank computes what it is dealt.
  package init(
    communicator: any Communicator, group: NodeGroup, elementCount: Int, maximumLeafCount: Int,
    format: GradientFormat = .float32, exactCount: Int = 0, algorithm: ReductionAlgorithm? = nil,
    takesByNeed: Bool = true
  ) {
    precondition(elementCount > 0 && maximumLeafCount > 0, "a sum has elements and leaves")
    precondition(maximumLeafCount <= Self.maximumLeafCount, "\(maximumLeafCount) leaves")
    self.communicator = communicator
    self.group = group
    self.elementCount = elementCount
    self.maximumLeafCount = maximumLeafCount
    self.takesByNeed = takesByNeed
    self.format = ElementFormat(format, elementCount: elementCount, exactCount: exactCount)
    division = LeafDivision(equalAmong: group.nodes)
    tree = ReductionTree(leafCount: maximumLeafCount)
    leavesOfNodes = division.leavesOfNodes(maximumLeafCount)
    stack = SubtreeStack(tree: tree)
    slice = evenParts(0..<elementCount, count: group.localSize)[group.localRank]
    let (slotCount, size) = (Self.slotCount(maximumLeafCount), group.localSize)
    self.slotCount = slotCount
    slots = (0..<slotCount * size).map { _ in group.makeBuffer(count: elementCount) }
    guard let words = group.makeWords(), let even = group.makeWords(), let odd = group.makeWords() else {
      preconditionFailure("a rank alone shares nothing")
    }
    ranges = LeafRanges(words, localRank: group.localRank)
    leafTimes = [even, odd]
    bounds = Array(repeating: 0, count: size + 1)
    published = (0..<size).compactMap { _ in
      group.take(byteCount: Self.publishedBytes(slotCount))?.bindMemory(
        to: Int.self, capacity: Self.publishedBytes(slotCount) / MemoryLayout<Int>.stride)
    }
    held.reserveCapacity(slotCount)
    gathered.reserveCapacity(slotCount * size)
    additions.reserveCapacity(slotCount * size)
    freeSlots.reserveCapacity(slotCount)
    result = group.makeBuffer(count: group.nodes.count > 1 ? elementCount : 0)
    exchange = SubtreeExchange(
      communicator: communicator, parties: group.nodes.compactMap(\.first), elementCount: elementCount,
      format: self.format, algorithm: algorithm, result: result)
  }

  /// The leaves that a step can have at most.
  package static var maximumLeafCount: Int { LeafRanges.limit }

  /// The bytes in common that `init` takes on a node of `localSize` ranks.
  package static func byteCount(localSize: Int, elementCount: Int, maximumLeafCount: Int) -> Int {
    let slotCount = slotCount(maximumLeafCount)
    return (slotCount * localSize + 1) * SharedMemory.space(floats: elementCount)
      + 3 * LocalWords.space(localSize) + localSize * SharedMemory.space(publishedBytes(slotCount))
  }

  /// A rank's own leaves, in order, are at most two subtrees a level and the leaf under way; others' leaves take what is
  /// left.
  private static func slotCount(_ maximumLeafCount: Int) -> Int {
    2 * ReductionTree(leafCount: maximumLeafCount).height + 4
  }

  private static func publishedBytes(_ slotCount: Int) -> Int {
    (1 + 3 * slotCount) * MemoryLayout<Int>.stride
  }

  // MARK: - Leaves

  package func begin(leafCount: Int) {
    precondition(1...maximumLeafCount ~= leafCount, "\(leafCount) leaves of 1...\(maximumLeafCount)")
    if tree.leafCount != leafCount {
      tree = ReductionTree(leafCount: leafCount)
      leavesOfNodes = division.leavesOfNodes(leafCount)
    }
    step += 1
    divide(leavesOfNodes[group.nodeIndex])
    let rank = group.localRank
    ranges.open(rank, step: step, leaves: bounds[rank]..<bounds[rank + 1])
    held.removeAll(keepingCapacity: true)
    freeSlots.removeAll(keepingCapacity: true)
    for slot in (rank * slotCount..<(rank + 1) * slotCount).reversed() { freeSlots.append(slot) }
    leavesOfStep = 0
    start = MonotonicClock.now()
  }

  /// Divides the node's leaves among its ranks by what a leaf took each of them lately: the same on all of them, since all
  /// read the same numbers. What this misses, taking mends.
  private func divide(_ leaves: Range<Int>) {
    let size = group.localSize
    let times = leafTimes[Int(step & 1)]
    // Speeds in leaves per a thousand seconds: whole numbers, so that all ranks reckon alike.
    func speed(_ rank: Int) -> Int {
      let time = Int(truncatingIfNeeded: times[rank].pointee.load(ordering: .relaxed))
      return takesByNeed && time > 0 ? max(1_000_000_000_000 / time, 1) : 0
    }
    var (total, least, most) = (0, Int.max, 0)
    for rank in 0..<size {
      let speed = speed(rank)
      (total, least, most) = (total + speed, min(least, speed), max(most, speed))
    }
    // Ranks about as fast as one another keep equal shares, whose sums fit together.
    let isEqual = least * 16 > most * 15 || least == 0
    var before = 0
    bounds[0] = leaves.lowerBound
    for rank in 0..<size {
      before += isEqual ? 1 : speed(rank)
      let all = isEqual ? size : total
      // Everybody keeps a leaf as long as there are enough: it is where requests travel.
      let end = leaves.lowerBound + (leaves.count * before + all / 2) / all
      let least = leaves.count >= size ? bounds[rank] + 1 : bounds[rank]
      let most = leaves.count >= size ? leaves.upperBound - (size - 1 - rank) : leaves.upperBound
      bounds[rank + 1] = min(max(end, least), most)
    }
  }

  package func takeLeaf() -> Int? {
    precondition(lastTaken == nil, "leaf \(lastTaken ?? 0) was taken and not computed")
    lastTaken = ranges.takeOwn() ?? takeFromOthers()
    if lastTaken == nil { closeBooks() }
    return lastTaken
  }

  /// A leaf of the rank that has most left to do, if this rank would be done with it sooner.
  private func takeFromOthers() -> Int? {
    guard takesByNeed else { return nil }
    let times = leafTimes[Int(step & 1)]
    func time(_ rank: Int) -> Int {
      max(Int(truncatingIfNeeded: times[rank].pointee.load(ordering: .relaxed)), 1)
    }
    while !freeSlots.isEmpty {
      var (victim, most) = (-1, 0)
      for rank in 0..<group.localSize where rank != group.localRank {
        ranges.open(rank, step: step, leaves: bounds[rank]..<bounds[rank + 1])
        // On average it is halfway through the leaf before.
        let remaining = ranges.remaining(rank)
        let ahead = remaining == 0 ? 0 : (2 * remaining + 1) * time(rank) / 2
        if ahead > most { (victim, most) = (rank, ahead) }
      }
      guard victim >= 0, time(group.localRank) <= most else { return nil }
      if let leaf = ranges.take(from: victim) {
        work.taken += 1
        return leaf
      }
    }
    return nil
  }

  /// At the end of this rank's leaves: what they took, for the next step's division.
  private func closeBooks() {
    guard leavesOfStep > 0 else { return pass(on: 0) }
    let seconds = MonotonicClock.now() - start
    work.leaves += leavesOfStep
    work.seconds += seconds
    pass(on: Int(seconds * 1e9) / leavesOfStep)
    leavesOfStep = 0
  }

  /// Tells the node's ranks this rank's nanoseconds a leaf, smoothed: 0 for a step without leaves.
  private func pass(on time: Int) {
    let (rank, now, next) = (group.localRank, leafTimes[Int(step & 1)], leafTimes[Int(~step & 1)])
    let old = Int(truncatingIfNeeded: now[rank].pointee.load(ordering: .relaxed))
    let smooth = time == 0 ? old : old == 0 ? time : old + (time - old) / 8
    next[rank].pointee.store(UInt64(max(smooth, 0)), ordering: .relaxed)
  }

  package func withLeaf(_ body: (inout MutableSpan<Float>) -> Void) {
    guard let index = lastTaken, let slot = freeSlots.popLast() else {
      preconditionFailure("no leaf was taken")
    }
    lastTaken = nil
    leavesOfStep += 1
    let leaf = slots[slot]
    var values = leaf.mutableSpan
    body(&values)
    format.round(leaf.elements, first: 0)
    hold(ReductionTree.Node(level: 0, index: index), slot)
  }

  /// Merges a subtree with those that this rank holds, for as long as two are siblings.
  private func hold(_ node: ReductionTree.Node, _ slot: Int) {
    var (node, slot) = (node, slot)
    while node.level < tree.height {
      // An only child stands for its parent.
      if node.index & 1 == 1 || (node.index + 1) << node.level < tree.leafCount {
        let sibling = ReductionTree.Node(level: node.level, index: node.index ^ 1)
        guard let index = held.firstIndex(where: { $0.node == sibling }) else { break }
        let other = held[index].slot
        held[index] = held[held.count - 1]
        held.removeLast()
        let (left, right) = node.index & 1 == 0 ? (slot, other) : (other, slot)
        format.add(
          slots[left].elements, slots[right].elements, into: slots[left].elements, first: 0)
        freeSlots.append(right)
        slot = left
      }
      node = ReductionTree.Node(level: node.level + 1, index: node.index >> 1)
    }
    held.append(HeldSubtree(node: node, slot: slot))
  }

  // MARK: - The sum

  package func reduce() throws(CommunicatorError) -> FloatBuffer {
    precondition(lastTaken == nil, "leaf \(lastTaken ?? 0) was taken and not computed")
    lastWaits.removeAll(keepingCapacity: true)
    publish()
    try waitForNode()
    gather()
    sumSlice()
    try waitForNode()
    guard group.nodes.count > 1 else {
      precondition(stack.count == 1, "one node holds the root")
      return slots[stack.slot(0)]
    }
    try exchange.run(tree: tree, leaves: leavesOfNodes, noting: &lastWaits) { slots[stack.slot($0)] }
    // The node waits for its leader, who waits for others.
    communicator.willWaitInChains(true)
    defer { communicator.willWaitInChains(false) }
    try waitForNode()
    return result
  }

  private func waitForNode() throws(CommunicatorError) {
    let start = MonotonicClock.now()
    try group.barrier()
    lastWaits.append(WaitInterval(start: start, end: MonotonicClock.now()))
  }

  /// Writes down what this rank holds, for all ranks of the node.
  private func publish() {
    let list = published[group.localRank]
    list[0] = held.count
    for (index, subtree) in held.enumerated() {
      list[1 + 3 * index] = subtree.node.level
      list[2 + 3 * index] = subtree.node.index
      list[3 + 3 * index] = subtree.slot
    }
  }

  /// Plans the node's additions: the same on all its ranks.
  private func gather() {
    gathered.removeAll(keepingCapacity: true)
    for list in published {
      for index in 0..<list[0] {
        let node = ReductionTree.Node(level: list[1 + 3 * index], index: list[2 + 3 * index])
        gathered.append(HeldSubtree(node: node, slot: list[3 + 3 * index]))
        // From left to right, by insertion: there are few, and sorting must not allocate.
        var place = gathered.count - 1
        while place > 0, gathered[place - 1].node.firstLeaf > gathered[place].node.firstLeaf {
          gathered.swapAt(place - 1, place)
          place -= 1
        }
      }
    }
    stack.reset(to: tree)
    additions.removeAll(keepingCapacity: true)
    var next = leavesOfNodes[group.nodeIndex].lowerBound
    for subtree in gathered {
      let leaves = tree.leaves(of: subtree.node)
      precondition(leaves.lowerBound == next, "leaf \(next) is missing or was computed twice")
      next = leaves.upperBound
      stack.push(subtree.node, subtree.slot) { left, right in additions.append((left, right)) }
    }
    precondition(next == leavesOfNodes[group.nodeIndex].upperBound, "leaves from \(next) on are missing")
  }

  private func sumSlice() {
    var first = slice.lowerBound
    while first < slice.upperBound {
      let range = first..<min(first + Self.chunk, slice.upperBound)
      for (left, right) in additions {
        let target = slots[left].slice(range)
        format.add(target, slots[right].slice(range), into: target, first: range.lowerBound)
      }
      first = range.upperBound
    }
  }
}
