internal import Foundation
package import Runs

extension RunReport {
  /// What tells runs apart: what differs in their recipes, else their folders. One run is called by its folder.
  package static func names(_ histories: [RunHistory]) -> [String] {
    let folders = histories.map { URL(fileURLWithPath: $0.folder.path).lastPathComponent }
    guard histories.count > 1 else { return folders }
    let recipes = histories.map { flattened($0.recipe) }
    var keys = Set(recipes.flatMap(\.keys)).sorted().filter { key in
      Set(recipes.map { $0[key] ?? "none" }).count > 1
    }
    // A built-in recipe's name says the rest; the second optimizer follows the first.
    if keys.contains("name") { keys = ["name"] }
    if keys.contains(where: { $0.hasPrefix("optimizer ") && !$0.hasPrefix("optimizer others ") }) {
      keys.removeAll { $0.hasPrefix("optimizer others ") }
    }
    let names = recipes.map { recipe in
      keys.map { key in
        let word = key.split(separator: " ").last.map(String.init) ?? key
        return key == "name" ? recipe[key] ?? "none" : "\(word) \(recipe[key] ?? "none")"
      }.joined(separator: ", ")
    }
    guard Set(names).count == names.count else {
      return zip(names, folders).map { $0.isEmpty ? $1 : "\($0) (\($1))" }
    }
    return names
  }

  /// A recipe's settings by the path of their keys, e.g. `optimizer learningRate`.
  private static func flattened(_ recipe: Recipe) -> [String: String] {
    let object = (try? JSONSerialization.jsonObject(with: Data(recipe.json().utf8))) as? [String: Any] ?? [:]
    var flat: [String: String] = [:]
    func add(_ value: Any, _ key: String) {
      if let values = value as? [String: Any] {
        for (name, value) in values { add(value, key.isEmpty ? name : "\(key) \(name)") }
      } else {
        flat[key] = "\(value)"
      }
    }
    add(object, "")
    return flat
  }

  /// Names as parts of file names, e.g. `seed-7`: letters, digits and points, no two of them equal, of a length that
  /// every file system takes.
  package static func fileNames(_ names: [String]) -> [String] {
    var taken: Set<String> = []
    return names.map { name in
      let words = name.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".")) }
      let stem = words.isEmpty ? "run" : String(words.joined(separator: "-").prefix(64))
      var candidate = stem
      var number = 2
      while !taken.insert(candidate).inserted {
        candidate = "\(stem)-\(number)"
        number += 1
      }
      return candidate
    }
  }
}
