/// Where the ranks of a host may run.
package enum Binding: Hashable, Sendable {
  /// Each on a core of its own, to which it is bound.
  case core
  /// Each has a core, but the system chooses which: binding would begin at core 0, whether that is ours or
  /// not.
  case none
  /// More ranks than cores: they take turns, and whoever waits gives way to the others.
  case shared

  /// What suits `ranks` ranks on this host.
  package init(ranks: Int, processors: ProcessorSet) {
    self = ranks > processors.cores ? .shared : processors.isPartOfHost ? .none : .core
  }
}
