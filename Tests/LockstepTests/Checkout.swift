import Foundation

/// The checkout that these tests were built from.
enum Checkout {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The text of a file of the checkout.
  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The files in some folders of the checkout, by their paths in it, with their texts; those that are no text are left out.
  static func texts(in places: [String]) throws -> [(path: String, text: String)] {
    let paths = try places.flatMap { place -> [String] in
      let url = root.appendingPathComponent(place)
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
        throw CocoaError(.fileNoSuchFile)
      }
      guard isFolder.boolValue else { return [place] }
      return FileManager.default.enumerator(atPath: url.path)?.compactMap { $0 as? String }
        // A Python with other frameworks, where somebody has made it.
        .filter { !$0.split(separator: "/").contains(".venv") }.map { "\(place)/\($0)" } ?? []
    }
    return paths.sorted().compactMap { path in (try? text(path)).map { (path, $0) } }
  }
}
