import Checkpoints
import Foundation
import Testing

@Suite struct PythonFixtureTests {
  /// A file written by the Python package `safetensors` 0.8.0:
  ///
  ///     import base64, hashlib, numpy as np
  ///     from safetensors.numpy import save
  ///     data = save({
  ///         "parameters.dense1.weight": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
  ///         "parameters.dense1.bias": np.array([-1, 0, 1e-30], dtype=np.float32),
  ///         "count": np.array(-5, dtype=np.int64),
  ///         "bytes": np.array([1, 2, 255], dtype=np.uint8),
  ///     }, {"format": "lockstep-1", "digest": "0" * 64, "note": 'café "x"\n'})
  ///     digest = hashlib.sha256(data).hexdigest().encode()
  ///     data = data.replace(b'"digest":"' + b"0" * 64, b'"digest":"' + digest)
  ///     print(base64.b64encode(data).decode())
  private let fixture = """
    mAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJsb2Nrc3RlcC0xIiwibm90ZSI6ImNhZsOpIFwieFwiXG4iLCJk
    aWdlc3QiOiJiYTJmMTI0NDU1M2M5OWFhMDdlNzJlMThiZWUzNTE0NmFmM2JjMDQ0OTE3YTVhZDk2NjQ5MmQ4MmI1ZjI4MTZl
    In0sImNvdW50Ijp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOltdLCJkYXRhX29mZnNldHMiOlswLDhdfSwicGFyYW1ldGVycy5k
    ZW5zZTEuYmlhcyI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzgsMjBdfSwicGFyYW1ldGVy
    cy5kZW5zZTEud2VpZ2h0Ijp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsyLDNdLCJkYXRhX29mZnNldHMiOlsyMCw0NF19LCJi
    eXRlcyI6eyJkdHlwZSI6IlU4Iiwic2hhcGUiOlszXSwiZGF0YV9vZmZzZXRzIjpbNDQsNDddfX37/////////wAAgL8AAAAA
    YEKiDQAAAAAAAIA+AAAAPwAAQD8AAIA/AACgPwEC/w==
    """

  @Test func readsAFileFromPython() throws {
    let data = try #require(Data(base64Encoded: fixture, options: .ignoreUnknownCharacters))
    let contents = try CheckpointFile(bytes: [UInt8](data), path: "fixture").contents
    #expect(contents.metadata == ["note": "café \"x\"\n"])
    #expect(contents["parameters.dense1.weight"]?.description.shape == [2, 3])
    #expect(contents["parameters.dense1.weight"]?.floats == [0, 0.25, 0.5, 0.75, 1, 1.25])
    #expect(contents["parameters.dense1.bias"]?.floats == [-1, 0, 1e-30])
    let count = try #require(contents["count"])
    #expect(count.description == TensorDescription(name: "count", elementType: .int64, shape: []))
    #expect(Array(count.bytes) == [0xFB, 255, 255, 255, 255, 255, 255, 255])
    #expect(contents["bytes"].map { Array($0.bytes) } == [1, 2, 255])
  }

  /// Types that Lockstep does not write itself are kept when they are written again.
  @Test func otherElementTypesSurvive() throws {
    let data = try #require(Data(base64Encoded: fixture, options: .ignoreUnknownCharacters))
    let contents = try CheckpointFile(bytes: [UInt8](data), path: "fixture").contents
    #expect(try CheckpointFile(bytes: CheckpointFile.bytes(of: contents), path: "again").contents == contents)
  }
}
