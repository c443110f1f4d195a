import ArgumentParser

/// Checks that an option that names a file or a folder, where it is given, does name one: an empty name, as of a variable
/// that is not set, would mean the root folder.
func requireName(_ value: String?, _ option: String) throws {
  if value == "" { throw ValidationError("\(option) needs a name, found an empty one") }
}
