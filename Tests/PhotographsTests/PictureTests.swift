import Photographs
import Testing

/// Files as cameras, scanners and programs write them.
struct PictureTests {
  /// The colours of the four quarters' middles: upper left, upper right, lower left, lower right.
  private func quarters(_ picture: Picture) -> [Character] {
    [(1, 1), (3, 1), (1, 3), (3, 3)].map { x, y in
      let i = (picture.height * y / 4 * picture.width + picture.width * x / 4) * 3
      let colour = picture.pixels[i..<i + 3].map { $0 > 128 }
      switch colour {
      case [true, false, false]: return "r"
      case [false, true, false]: return "g"
      case [false, false, true]: return "b"
      case [true, true, true]: return "w"
      default: return "?"
      }
    }
  }

  @Test(arguments: [
    ("lossless WebP", PictureFixtures.webp), ("lossy WebP", PictureFixtures.webpLossy),
    ("CMYK JPEG", PictureFixtures.cmykJPEG), ("progressive JPEG", PictureFixtures.progressiveJPEG),
    ("PNG with a palette", PictureFixtures.palettePNG), ("PNG of 16 bits", PictureFixtures.deepPNG),
    ("interlaced PNG", PictureFixtures.interlacedPNG), ("HEIC", PictureFixtures.heic),
    ("our JPEG", PictureFixtures.plain.jpeg(quality: 90)), ("our PNG", PictureFixtures.plain.png()),
  ])
  func eachFormatGivesItsColoursInTheirPlaces(_ name: String, _ file: [UInt8]) throws {
    let picture = try Picture(decoding: file, name: name)
    #expect(picture.width * 2 == picture.height * 3)
    #expect(quarters(picture) == ["r", "g", "b", "w"])
    #expect(!picture.isIncomplete)
  }

  /// As EXIF's tag 274 tells: where the file's first row and column belong.
  @Test(arguments: [
    (1, "rgbw"), (2, "grwb"), (3, "wbgr"), (4, "bwrg"), (5, "rbgw"), (6, "brwg"), (7, "wgbr"), (8, "gwrb"),
  ])
  func aPhotographStandsUpright(_ orientation: Int, _ expected: String) throws {
    let picture = try Picture(
      decoding: PictureFixtures.jpeg(orientation: UInt8(orientation)), name: "turned.jpg")
    #expect(String(quarters(picture)) == expected)
    let turned = orientation >= 5
    #expect(picture.width == (turned ? 16 : 24) && picture.height == (turned ? 24 : 16))
    #expect(picture.fullSize == (picture.width, picture.height))
  }

  @Test func otherFormatsTellHowToTurnThemToo() throws {
    let picture = try Picture(decoding: PictureFixtures.turnedWebP, name: "turned.webp")
    #expect(picture.width == 16 && quarters(picture) == ["b", "r", "w", "g"])
  }

  @Test func greyIsGreyAndWhatIsTransparentIsPaper() throws {
    let grey = try Picture(decoding: PictureFixtures.greyJPEG, name: "grey.jpg")
    #expect(grey.pixels[0] == grey.pixels[1] && grey.pixels[1] == grey.pixels[2])
    let picture = try Picture(decoding: PictureFixtures.greyAlphaPNG, name: "alpha.png")
    #expect(picture.pixels[0] < 100)
    #expect(picture.pixels[23 * 3] == 255)
  }

  @Test func plainFormatsOfNetpbmAreRead() throws {
    let rows = "P2 # a remark\n4 2\n# another\n15\n0 15 0 15\n15 0 15 0\n"
    let grey = try Picture(decoding: Array(rows.utf8), name: "a.pgm")
    #expect(stride(from: 0, to: 24, by: 3).map { grey.pixels[$0] } == [0, 255, 0, 255, 255, 0, 255, 0])
    let bits = try Picture(decoding: Array("P1 3 1 101".utf8), name: "a.pbm")
    #expect(stride(from: 0, to: 9, by: 3).map { bits.pixels[$0] } == [0, 255, 0])
    let packed = try Picture(decoding: Array("P4 10 1\n".utf8) + [0b1000_0000, 0b0100_0000], name: "a.pbm")
    #expect(
      stride(from: 0, to: 30, by: 3).map { packed.pixels[$0] } == [0] + [UInt8](repeating: 255, count: 8) + [
        0
      ])
    let deep = try Picture(decoding: Array("P5 2 1 65535\n".utf8) + [0xFF, 0xFF, 0x80, 0x00], name: "a.pgm")
    #expect([deep.pixels[0], deep.pixels[3]] == [255, 128])
    let colour = try Picture(decoding: Array("P6 1 1 255\n".utf8) + [1, 2, 3], name: "a.ppm")
    #expect(colour.pixels == [1, 2, 3])
  }

  /// 24 megapixels in, the memory of a few out.
  @Test func largePicturesAreShrunkWhileTheyAreDecoded() throws {
    let header = Array("P5 6000 4000 255\n".utf8)
    let file = header + [UInt8](repeating: 200, count: 24_000_000)
    let picture = try Picture(decoding: file, name: "large.pgm")
    #expect(picture.fullSize == (6000, 4000))
    #expect(
      picture.width * picture.height <= Picture.keptPixels && picture.width * picture.height > 1_000_000)
    #expect(picture.pixels.allSatisfy { $0 == 200 })
  }

  @Test(
    arguments: [
      ([], "found an empty file"), (Array("hello".utf8), "expected a JPEG, PNG"),
      (Array("P5 70000 70000 255\n".utf8), "at most 200 megapixels, found 70000 × 70000"),
      (Array("P5 10 10 255\nabc".utf8), "ends early"), (Array("P2 2 2 255 1 2 3".utf8), "row 1 is damaged"),
      (Array("P5 0 5 255\n".utf8), "0 × 5"), ([0xFF, 0xD8, 0xFF, 0xE0, 0], "cannot be decoded"),
      (Array(PictureFixtures.deepPNG.prefix(40)), "cannot be decoded"),
      (Array(PictureFixtures.webp.prefix(50)), "cannot be decoded"),
      (Array(PictureFixtures.heic.prefix(200)), ":"),
    ] as [([UInt8], String)])
  func whatIsNoPictureIsSaidInASentence(_ file: [UInt8], _ words: String) throws {
    let error = try #require(throws: PictureError.self) { try Picture(decoding: file, name: "photo") }
    #expect(
      error.description.hasPrefix("photo: ") && error.description.contains(words), "\(error.description)")
    #expect(error.exitCode == 65)
  }

  /// Bytes that were changed anywhere are a picture or a sentence, never a crash.
  @Test(arguments: [
    PictureFixtures.webp, PictureFixtures.progressiveJPEG, PictureFixtures.interlacedPNG,
    PictureFixtures.heic,
    PictureFixtures.jpeg(orientation: 6), PictureFixtures.cmykJPEG,
  ])
  func damageIsSurvived(_ file: [UInt8]) {
    for place in file.indices {
      for value: UInt8 in [0, 0x7F, 0xFF] {
        var damaged = file
        damaged[place] = value
        _ = try? Picture(decoding: damaged, name: "damaged")
      }
      _ = try? Picture(decoding: Array(file.prefix(place)), name: "cut")
    }
  }

  @Test func aFileThatEndsEarlyIsReadAsFarAsItGoes() throws {
    var pixels = [UInt8](repeating: 230, count: 400 * 400 * 3)
    for i in stride(from: 0, to: pixels.count, by: 7) { pixels[i] = UInt8(truncatingIfNeeded: i &* 31) }
    let file = Picture(width: 400, height: 400, pixels: pixels).jpeg(quality: 90)
    let picture = try Picture(decoding: Array(file.prefix(file.count / 2)), name: "cut.jpg")
    #expect(picture.isIncomplete && picture.height == 400)
  }
}
