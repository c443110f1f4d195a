internal import Foundation
internal import Model

extension Recipe {
  /// What to call it where people read it: its name, with `-changed` behind that of a built-in recipe whose settings it no
  /// longer has.
  ///
  /// The name itself stays in checkpoints as it is: equal settings give equal files, however they came about.
  package var title: String { changes.isEmpty ? name : name + "-changed" }

  /// The keys of the settings in which it differs from the built-in recipe whose name it bears, in the order of a recipe's
  /// keys; none for a recipe of another name.
  ///
  /// Another seed, and a model to begin with, do not make it another recipe; nor does a last layer that was fitted to the
  /// dataset's classes.
  package var changes: [String] {
    guard var base = Self.named(name) else { return [] }
    if let classCount = network.classCount, base.network.ending(in: classCount) == network {
      base.network = network
    }
    let (own, others) = (settings, base.settings)
    return CodingKeys.allCases.filter { key in
      ![.name, .seed, .initialModel].contains(key) && own[key.rawValue] != others[key.rawValue]
    }.map(\.rawValue)
  }

  /// What a new folder for its run is called, but for the date: its title, without what is awkward in a path. A recipe that
  /// a file holds without a name of its own is called as the file, unless that is a run's `recipe.json`.
  ///
  /// - Parameter file: The path of the file that the recipe was read from; nil for none.
  /// - Returns: A name without slashes, of 64 characters at most.
  package func folderName(file: String? = nil) -> String {
    var name = title
    if let file, !changes.isEmpty {
      let stem = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
      if stem != "recipe" { name = stem }
    }
    let words = name.prefix(64).split { !$0.isLetter && !$0.isNumber && !"-_.".contains($0) }
    let text = words.joined(separator: "-").drop { $0 == "-" || $0 == "." }
    return text.isEmpty ? "run" : String(text)
  }

  /// The settings by their keys, each as canonical JSON.
  private var settings: [String: Data] {
    let object = try? JSONSerialization.jsonObject(with: Data(json().utf8)) as? [String: Any]
    return (object ?? [:]).compactMapValues { value in
      try? JSONSerialization.data(withJSONObject: [value], options: .sortedKeys)
    }
  }
}
