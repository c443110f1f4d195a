extension InkMap {
  /// Takes ruled and squared paper's lines out of the ink: long thin lines, straight or nearly, along either side.
  ///
  /// Where a stroke crosses a line, the ink is thicker than the line, and stays.
  mutating func removeRuledLines() {
    for direction in [LineTracer.Direction.along, .down] {
      var tracer = LineTracer(isMarked, direction)
      tracer.trace()
      for line in tracer.lines {
        for run in line where run.length <= tracer.thickness(of: line) {
          for place in run.start..<run.end {
            isInk.values[tracer.index(run.position, place)] = false
            // So that lines across this one are seen whole.
            isMarked.values[tracer.index(run.position, place)] = false
          }
        }
      }
    }
  }
}

/// Follows thin lines over a picture, position by position (columns for lines that go along, rows for those that go
/// down).
private struct LineTracer {
  enum Direction {
    case along, down
  }

  /// Ink at one position, across the line.
  struct Run {
    var position: Int
    var start: Int
    var end: Int
    var length: Int { end - start }
    var middle: Float { Float(start + end - 1) / 2 }
  }

  private struct Chain {
    var runs: [Run]
    /// Where the line would go on, by its last stretch.
    var slope: Float

    /// From its first position to its last.
    var span: Int { runs[runs.count - 1].position - runs[0].position + 1 }
    /// From its first run to its last.
    var steepness: Float { (runs[runs.count - 1].middle - runs[0].middle) / Float(max(span - 1, 1)) }

    func expected(at position: Int) -> Float {
      let last = runs[runs.count - 1]
      return last.middle + slope * Float(position - last.position)
    }

    mutating func append(_ run: Run) {
      runs.append(run)
      let back = runs[max(0, runs.count - 60)]
      let steps = run.position - back.position
      if steps > 12 { slope = (run.middle - back.middle) / Float(steps) }
    }
  }

  private let ink: Plane<Bool>
  private let direction: Direction
  private let positions: Int
  private let breadth: Int
  private(set) var lines: [[Run]] = []

  init(_ ink: Plane<Bool>, _ direction: Direction) {
    self.ink = ink
    self.direction = direction
    (positions, breadth) = direction == .along ? (ink.width, ink.height) : (ink.height, ink.width)
  }

  func index(_ position: Int, _ place: Int) -> Int {
    direction == .along ? place * ink.width + position : position * ink.width + place
  }

  /// How thick the line may be at one position and still be nothing but the line.
  func thickness(of line: [Run]) -> Int {
    let sorted = line.map(\.length).sorted()
    return sorted[sorted.count / 2] * 3 / 2 + 1
  }

  /// Finds the lines that cross at least two fifths of the picture and are there over three fifths of that.
  mutating func trace() {
    let thickest = max(3, min(ink.width, ink.height) / 90)
    let gap = max(8, positions / 40)
    var open: [Chain] = []
    var done: [Chain] = []
    for (position, runs) in thinRuns(thickest).enumerated() {
      var taken = [Bool](repeating: false, count: open.count)
      var fresh: [Chain] = []
      for run in runs {
        var best: Int?
        var least: Float = 1.6
        for i in open.indices where !taken[i] {
          let far = abs(open[i].expected(at: position) - run.middle)
          if far < least { (best, least) = (i, far) }
        }
        if let best {
          taken[best] = true
          open[best].append(run)
        } else {
          fresh.append(Chain(runs: [run], slope: 0))
        }
      }
      var going: [Chain] = []
      for chain in open {
        let last = chain.runs[chain.runs.count - 1].position
        // A line is followed over what hides it once there is enough of it.
        if position - last <= min(gap, chain.runs.count / 2 + 3) {
          going.append(chain)
        } else {
          done.append(chain)
        }
      }
      open = going + fresh
    }
    let whole = (done + open).filter { $0.span > 1 && $0.runs.count * 5 >= $0.span * 3 }
    let long = whole.filter { $0.span * 5 >= positions * 2 }
    lines = long.map(\.runs)
    // Where several lines are, shorter stretches that lie as they do and are no thicker are parts of others.
    guard long.count >= 3 else { return }
    let slope = long.map(\.steepness).sorted()[long.count / 2]
    let thick = long.map { thickness(of: $0.runs) }.sorted()[long.count / 2]
    for chain in whole where chain.span * 5 < positions * 2 && chain.span * 14 >= positions {
      if abs(chain.steepness - slope) < 0.07, thickness(of: chain.runs) <= thick + 1 {
        lines.append(chain.runs)
      }
    }
  }

  private func thinRuns(_ thickest: Int) -> [[Run]] {
    var runs = [[Run]](repeating: [], count: positions)
    ink.values.withUnsafeBufferPointer { ink in
      func collect(_ position: Int, _ start: Int, _ end: Int) {
        if end - start <= thickest { runs[position].append(Run(position: position, start: start, end: end)) }
      }
      if direction == .along {
        var starts = [Int](repeating: -1, count: positions)
        for y in 0..<breadth {
          for x in 0..<positions {
            if ink[y * positions + x] {
              if starts[x] < 0 { starts[x] = y }
            } else if starts[x] >= 0 {
              collect(x, starts[x], y)
              starts[x] = -1
            }
          }
        }
        for x in 0..<positions where starts[x] >= 0 { collect(x, starts[x], breadth) }
      } else {
        for y in 0..<positions {
          var start = -1
          for x in 0..<breadth {
            if ink[y * breadth + x] {
              if start < 0 { start = x }
            } else if start >= 0 {
              collect(y, start, x)
              start = -1
            }
          }
          if start >= 0 { collect(y, start, breadth) }
        }
      }
    }
    return runs
  }
}
