/// How far a run has come. With the recipe and the parameters it is all that a run needs to go on: everything
/// random is a function of it.
package struct Cursor: Hashable, Sendable {
  /// Epochs completed.
  package var epoch = 0
  /// Steps taken in the current epoch.
  package var stepInEpoch = 0
  /// Steps taken in all.
  package var step = 0

  package init() {}

  /// The cursor after `step` steps, `stepsPerEpoch` to an epoch. Right after an epoch's last step that epoch is
  /// complete.
  package init(step: Int, stepsPerEpoch: Int) {
    self.step = step
    epoch = step / stepsPerEpoch
    stepInEpoch = step % stepsPerEpoch
  }
}
