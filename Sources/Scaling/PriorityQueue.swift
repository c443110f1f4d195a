/// A binary heap: the least element comes first.
struct PriorityQueue<Element: Comparable> {
  private var heap: [Element] = []

  /// The least element; nil if there is none.
  var first: Element? { heap.first }

  /// Adds an element.
  mutating func insert(_ element: Element) {
    heap.append(element)
    var child = heap.count - 1
    while child > 0, heap[child] < heap[(child - 1) / 2] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Removes and returns the least element; nil if there is none.
  mutating func popFirst() -> Element? {
    guard let least = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return least }
    heap[0] = last
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[smallest] {
        smallest = child
      }
      guard smallest != parent else { return least }
      heap.swapAt(parent, smallest)
      parent = smallest
    }
  }
}
