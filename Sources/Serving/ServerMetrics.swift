internal import Formatting
internal import Jobs
internal import Synchronization

/// What the server has done, in Prometheus's text format (prometheus.io, "Exposition formats", version 0.0.4).
final class ServerMetrics: Sendable {
  static let type = "text/plain; version=0.0.4; charset=utf-8"

  /// Upper bounds of the histogram's buckets, in seconds.
  private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

  private struct Request: Hashable {
    let path: String
    let status: Int
  }

  private struct Times {
    var buckets = [Int](repeating: 0, count: ServerMetrics.bounds.count)
    var count = 0
    var sum = 0.0
  }

  private struct State {
    var requests: [Request: Int] = [:]
    var times: [String: Times] = [:]
    var pictures = 0
    var digits = 0
  }

  private let state = Mutex(State())

  /// Counts a request that was answered.
  func add(path: String, status: Int, seconds: Double) {
    state.withLock { state in
      state.requests[Request(path: path, status: status), default: 0] += 1
      var times = state.times[path] ?? Times()
      for (i, bound) in Self.bounds.enumerated() where seconds <= bound { times.buckets[i] += 1 }
      times.count += 1
      times.sum += seconds
      state.times[path] = times
    }
  }

  /// Counts a picture that was read.
  func add(digits: Int) {
    state.withLock { state in
      state.pictures += 1
      state.digits += digits
    }
  }

  /// All figures.
  func text(inFlight: Int, waiting: Int, readers: Int) -> String {
    let now = state.withLock { $0 }
    var text = ""
    func metric(_ name: String, _ type: String, _ help: String, _ lines: [String]) {
      text += "# HELP lockstep_\(name) \(help)\n# TYPE lockstep_\(name) \(type)\n"
      text += lines.map { "lockstep_\(name)\($0)\n" }.joined()
    }
    metric(
      "build_info", "gauge", "The version of the program, and the commit that it was built from.",
      ["{version=\"\(ProgramIdentity.version)\",commit=\"\(ProgramIdentity.commit ?? "")\"} 1"])
    metric(
      "requests_total", "counter", "Requests answered.",
      now.requests.sorted { ($0.key.path, $0.key.status) < ($1.key.path, $1.key.status) }
        .map { "{path=\"\($0.key.path)\",status=\"\($0.key.status)\"} \($0.value)" })
    let times = now.times.sorted { $0.key < $1.key }
    metric(
      "request_seconds", "histogram", "From a request's arrival until its answer is ready.",
      times.flatMap { path, times in
        zip(Self.bounds, times.buckets).map { "_bucket{path=\"\(path)\",le=\"\($0)\"} \($1)" } + [
          "_bucket{path=\"\(path)\",le=\"+Inf\"} \(times.count)",
          "_sum{path=\"\(path)\"} \(Numbers.fixed(times.sum, 6))", "_count{path=\"\(path)\"} \(times.count)",
        ]
      })
    metric("requests_in_flight", "gauge", "Requests that came and are not yet answered.", [" \(inFlight)"])
    metric("pictures_waiting", "gauge", "Pictures that wait for a reader.", [" \(waiting)"])
    metric("readers", "gauge", "Pictures that can be read at once.", [" \(readers)"])
    metric("pictures_read_total", "counter", "Pictures that were read.", [" \(now.pictures)"])
    metric("digits_read_total", "counter", "Digits that were read in them.", [" \(now.digits)"])
    return text
  }
}
