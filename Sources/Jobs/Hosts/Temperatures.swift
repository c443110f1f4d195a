internal import Foundation

/// What the kernel tells of how hot this host is.
package enum Temperatures {
  /// Drivers of sensors in processors (the kernel's Documentation/hwmon).
  private static let processorDrivers: Set = [
    "coretemp", "k10temp", "zenpower", "cpu_thermal", "scpi_sensors",
  ]

  /// The hottest of the processors' sensors, in degrees Celsius; where there are none, of all sensors and thermal zones;
  /// nil if the system shows none, as in most virtual machines and containers.
  ///
  /// `system` is where the kernel's files are.
  package static func hottest(system: String = "/sys/class") -> Double? {
    var (processors, others): ([Double], [Double]) = ([], [])
    for sensor in entries(of: system + "/hwmon") {
      let degrees = entries(of: sensor).filter { $0.hasSuffix("_input") && $0.contains("/temp") }.compactMap(
        read)
      let driver = SystemFile.text(sensor + "/name") ?? ""
      if processorDrivers.contains(driver) { processors += degrees } else { others += degrees }
    }
    others += entries(of: system + "/thermal").filter { $0.contains("/thermal_zone") }.compactMap {
      read($0 + "/temp")
    }
    return processors.max() ?? others.max()
  }

  private static func entries(of folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).map { folder + "/" + $0 }
  }

  /// Files hold thousandths of a degree. Sensors that are not connected show what no running host has.
  private static func read(_ path: String) -> Double? {
    guard let value = SystemFile.text(path).flatMap({ Double($0) }), (1000...150_000).contains(value) else {
      return nil
    }
    return value / 1000
  }
}
