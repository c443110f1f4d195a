#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#endif

/// Ends this process with a sentence and exit code 71, EX_OSERR of sysexits.h: the system has no such memory. No caller
/// could go on without it, and whoever launched the process ends its peers.
package func endForLackOfMemory(bytes: Int) -> Never {
  let text =
    "lockstep: the system grants this process no \(bytes) bytes of memory more: use a smaller network, --micro-batch or "
    + "dataset, or a larger limit (ulimit -v, the container's or the batch system's)\n"
  var rest = text.utf8[...]
  while !rest.isEmpty {
    let written =
      rest.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) } ?? -1
    guard written > 0 else { break }
    rest = rest.dropFirst(written)
  }
  _exit(71)
}

/// Whether the system would grant this process so many bytes more, within its limit of address space (`ulimit -v`).
package func hasRoom(forBytes count: Int) -> Bool {
  let memory = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard let memory, memory != MAP_FAILED else { return false }
  munmap(memory, count)
  return true
}
