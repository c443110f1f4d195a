import Model

/// Every format that is tried.
func allFormats() throws -> [FuzzedFormat] {
  [
    try idxFormat(), try gzipFormat(), headerFormat(), try checkpointFormat(), try recipeFormat(),
    networkFormat(),
    hostfileFormat(), try metricsFormat(), try resultFormat(), spaceFormat(), try journalFormat(),
  ]
}

/// What the reader has to agree with itself about; fails as a crash would, since libFuzzer knows nothing else.
func agree(_ condition: Bool, _ sentence: @autoclosure () -> String) {
  if !condition { fatalError(sentence()) }
}
