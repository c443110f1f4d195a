import Collectives
import Testing

/// What Open MPI is told before it starts.
struct OpenMPIStartTests {
  private static let debian = ["/etc/openmpi/openmpi-mca-params.conf": "# Debian's\nbtl = ^uct\nmtl = ^ofi\n"]

  private func selection(
    _ environment: [String: String] = [:], devices: [String] = ["null"], files: [String: String] = debian
  ) -> String? {
    OpenMPIStart.selection(environment: { environment[$0] }, devices: devices, contents: { files[$0] })
  }

  @Test("components without a card are left out, besides those that the system's settings leave out")
  func leavesOut() {
    #expect(selection() == "^ofi,psm,psm2")
    #expect(selection(files: ["/etc/openmpi/openmpi-mca-params.conf": "pml=^ucx"]) == "^psm,psm2")
    #expect(selection(files: ["/etc/openmpi/openmpi-mca-params.conf": "mtl=^psm2"]) == "^psm2,psm")
    #expect(
      selection(["OPAL_PREFIX": "/opt/mpi"], files: ["/opt/mpi/etc/openmpi-mca-params.conf": ""])
        == "^psm,psm2")
  }

  @Test("a card's component stays")
  func keepsWhatHasACard() {
    #expect(selection(devices: ["hfi1_0"]) == "^ofi,psm")
    #expect(selection(devices: ["ipath"]) == "^ofi,psm2")
    #expect(selection(devices: ["ipath", "hfi1_0"]) == nil)
  }

  @Test("what a user or an administrator has chosen stays")
  func leavesChoicesAlone() {
    #expect(selection(["OMPI_MCA_mtl": "psm2"]) == nil)
    #expect(selection(["OMPI_MCA_mca_base_param_files": "/mine.conf"]) == nil)
    #expect(selection(files: ["/etc/openmpi/openmpi-mca-params.conf": "mtl = ofi,psm2 # fast"]) == nil)
    let user = ["/home/a/.openmpi/mca-params.conf": "mtl = psm2"]
    #expect(selection(["HOME": "/home/a"], files: Self.debian.merging(user) { $1 }) == nil)
    // The last of several lines counts, and a comment does not.
    let later = ["/home/a/.openmpi/mca-params.conf": "mtl = psm2\n#mtl = ofi\nmtl = ^psm"]
    #expect(selection(["HOME": "/home/a"], files: Self.debian.merging(later) { $1 }) == "^psm,psm2")
  }

  @Test("settings that could not be seen are not overridden")
  func leavesUnseenSettingsAlone() {
    #expect(selection(files: [:]) == nil)
    #expect(selection(["HOME": "/home/a"], files: ["/home/a/.openmpi/mca-params.conf": ""]) == nil)
  }
}
