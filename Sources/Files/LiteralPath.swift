extension String {
  /// This path, spelled so that Foundation leaves it alone: its URLs take a `~` at the beginning for the home folder,
  /// while the system and all else take it for a name. What `~` means is the shell's business.
  package var literalPath: String { hasPrefix("~") ? "./" + self : self }
}
