import Foundation
import Jobs
import Testing

@Suite struct TemperaturesTests {
  /// What is in the files of a folder like /sys/class.
  private func hottest(_ files: [String: String]) throws -> Double? {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lockstep-sys-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      let file = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    return Temperatures.hottest(system: folder.path)
  }

  @Test func theProcessorsHottestSensorCounts() throws {
    let files = [
      "hwmon/hwmon0/name": "nvme\n", "hwmon/hwmon0/temp1_input": "91000\n", "hwmon/hwmon1/name": "k10temp\n",
      "hwmon/hwmon1/temp1_input": "67250\n", "hwmon/hwmon1/temp3_input": "63000\n",
      "hwmon/hwmon1/temp1_max": "99000\n", "thermal/thermal_zone0/temp": "80000\n",
    ]
    #expect(try hottest(files) == 67.25)
  }

  @Test func otherSensorsDoWhereThereIsNoneOfAProcessor() throws {
    #expect(
      try hottest(["thermal/thermal_zone0/temp": "48500\n", "thermal/cooling_device0/temp": "90000"]) == 48.5)
    // Sensors that are not connected, or cannot be read.
    #expect(
      try hottest(["thermal/thermal_zone0/temp": "-274000\n", "thermal/thermal_zone1/temp": "no\n"]) == nil)
    #expect(try hottest([:]) == nil)
  }
}
