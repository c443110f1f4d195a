import Foundation

/// The terminal a person sits at, if any.
struct Terminal {
  let columns: Int

  /// The terminal behind standard output, if it understands the codes that move the cursor: `TERM=dumb`, as in editors
  /// and logs of builds, does not.
  ///
  /// `mpirun` gives its ranks a terminal of its own making and copies what they write there to its own standard
  /// output, be that a terminal or a pipe. So a rank looks at where its parent's output goes.
  static var current: Terminal? {
    guard let name = ProcessInfo.processInfo.environment["TERM"], !name.isEmpty, name != "dumb" else {
      return nil
    }
    guard RankProcess.isUnderLauncher else {
      return isatty(STDOUT_FILENO) == 1 ? Terminal(descriptor: STDOUT_FILENO) : nil
    }
    // Without O_NONBLOCK a pipe that nobody reads any more would keep us waiting.
    let descriptor = open("/proc/\(getppid())/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return isatty(descriptor) == 1 ? Terminal(descriptor: descriptor) : nil
  }

  private init(descriptor: Int32) {
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    columns = isKnown ? Int(size.ws_col) : 80
  }
}
