internal import Files

/// Why a network specification cannot be used, with the place.
package struct NetworkSpecificationError: ReportedError {
  package var exitCode: Int32 { 64 }

  let text: String
  let column: Int
  let length: Int
  let sentence: String

  init(text: String, column: Int, length: Int, sentence: String) {
    self.text = text
    self.column = column
    self.length = length
    self.sentence = sentence
  }

  init(text: String, word: String, wordIndex: Int, problem: String) {
    let before = text.split(separator: ";").prefix(wordIndex).reduce(0) { $0 + $1.count + 1 }
    let column = before + (wordIndex > 0 ? 1 : 0)
    self.init(
      text: text, column: column, length: word.count,
      sentence: "layer \(wordIndex + 1), '\(word)', \(problem)")
  }

  /// A sentence, then the specification with the offending word underlined.
  package var description: String {
    let underline = String(repeating: " ", count: column) + String(repeating: "^", count: max(length, 1))
    return "network: \(sentence)\n  \(text)\n  \(underline)"
  }
}

/// Turns `conv 24x5 stride 2; relu; …` into layers.
struct NetworkParser {
  private struct Word {
    let text: String
    let column: Int
  }

  /// The sizes and strides of windows: those of the largest images.
  private static let windows = 1...1024

  private let text: String

  init(_ text: String) {
    self.text = text
  }

  func layers() throws(NetworkSpecificationError) -> [LayerSpecification] {
    var layers: [LayerSpecification] = []
    var words: [Word] = []
    var column = 0
    var start = 0
    var current = ""
    // The last layer needs no semicolon; one put at the end of the text could become part of its last character.
    for character in Array(text) + [";"] {
      if character == ";" || character.isWhitespace {
        if !current.isEmpty { words.append(Word(text: current, column: start)) }
        current = ""
        if character == ";" {
          if let layer = try layer(words) {
            layers.append(layer)
          } else if column < text.count || layers.isEmpty {
            throw error(Word(text: "", column: column), "a layer is missing here")
          }
          words = []
        }
      } else {
        if current.isEmpty { start = column }
        current.append(character)
      }
      column += 1
    }
    return layers
  }

  private func layer(_ words: [Word]) throws(NetworkSpecificationError) -> LayerSpecification? {
    guard let keyword = words.first else { return nil }
    var rest = words.dropFirst()
    let layer: LayerSpecification
    switch keyword.text {
    case "conv":
      let size = try argument(&rest, of: keyword, "CHANNELSxKERNEL, e.g. conv 32x3")
      let parts = size.text.split(separator: "x", omittingEmptySubsequences: false)
      guard parts.count == 2, let channels = Int(parts[0]), let kernel = Int(parts[1]), channels > 0,
        channels <= 4096
      else {
        throw error(size, "expected CHANNELSxKERNEL such as 32x3, found '\(size.text)'")
      }
      guard kernel > 0, kernel <= 99, kernel % 2 == 1 else {
        throw error(size, "expected an odd kernel from 1 to 99, found '\(parts[1])'")
      }
      let stride = try self.stride(&rest, allowed: 1...2) ?? 1
      var padding = Padding.valid
      if let word = rest.first, let named = Padding(rawValue: word.text) {
        padding = named
        rest = rest.dropFirst()
      }
      layer = .convolution(channels: channels, kernel: kernel, stride: stride, padding: padding)
    case "maxpool":
      let size = try wholeNumber(&rest, of: keyword, Self.windows, "the window's size, e.g. maxpool 2")
      layer = .maxPooling(size: size, stride: try stride(&rest, allowed: Self.windows) ?? size)
    case "avgpool":
      let size = try wholeNumber(&rest, of: keyword, Self.windows, "the window's size, e.g. avgpool 2")
      layer = .averagePooling(size: size, stride: try stride(&rest, allowed: Self.windows) ?? size)
    case "relu": layer = .relu
    case "average": layer = .globalAverage
    case "dropout": layer = .dropout(probability: try probability(&rest, of: keyword))
    case "channel-dropout": layer = .channelDropout(probability: try probability(&rest, of: keyword))
    case "dense":
      layer = .dense(
        features: try wholeNumber(&rest, of: keyword, 1...65536, "the number of features, e.g. dense 10"))
    default:
      let names = NetworkSpecification.named.keys.sorted().joined(separator: ", ")
      throw error(
        keyword,
        "'\(keyword.text)' is no layer; layers are \(LayerSpecification.keywords.joined(separator: ", "))"
          + " (and named networks: \(names))")
    }
    if let extra = rest.first {
      throw error(extra, "'\(extra.text)' is not understood after '\(keyword.text)'")
    }
    return layer
  }

  private func stride(
    _ rest: inout ArraySlice<Word>, allowed: ClosedRange<Int>
  ) throws(NetworkSpecificationError) -> Int? {
    guard let keyword = rest.first, keyword.text == "stride" else { return nil }
    rest = rest.dropFirst()
    return try wholeNumber(
      &rest, of: keyword, allowed, "a number from \(allowed.lowerBound) to \(allowed.upperBound)")
  }

  private func probability(
    _ rest: inout ArraySlice<Word>, of keyword: Word
  ) throws(NetworkSpecificationError) -> Float {
    let word = try argument(&rest, of: keyword, "a probability, e.g. \(keyword.text) 0.5")
    guard let probability = Float(word.text), probability >= 0, probability < 1 else {
      throw error(word, "expected a probability from 0 to below 1, found '\(word.text)'")
    }
    return probability
  }

  private func wholeNumber(
    _ rest: inout ArraySlice<Word>, of keyword: Word, _ allowed: ClosedRange<Int>, _ expected: String
  ) throws(NetworkSpecificationError) -> Int {
    let word = try argument(&rest, of: keyword, expected)
    guard let number = Int(word.text), allowed.contains(number) else {
      throw error(
        word,
        "expected a number from \(allowed.lowerBound) to \(allowed.upperBound) after '\(keyword.text)',"
          + " found '\(word.text)'")
    }
    return number
  }

  private func argument(
    _ rest: inout ArraySlice<Word>, of keyword: Word, _ expected: String
  ) throws(NetworkSpecificationError) -> Word {
    guard let word = rest.first else {
      throw error(keyword, "'\(keyword.text)' needs \(expected)")
    }
    rest = rest.dropFirst()
    return word
  }

  private func error(_ word: Word, _ sentence: String) -> NetworkSpecificationError {
    NetworkSpecificationError(
      text: text, column: word.column, length: word.text.count, sentence: sentence)
  }
}
