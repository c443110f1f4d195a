import Foundation
import Photographs

/// Small pictures in the formats that people have, 24 pixels wide and 16 high (HEIC: 48 × 32), written by Pillow: red in
/// the upper left quarter, green in the upper right, blue in the lower left, nearly white in the lower right.
enum PictureFixtures {
  static let webp = bytes(
    """
    UklGRkYAAABXRUJQVlA4TDoAAAAvF8ADAB8gJCC6MTabaI6atg0YguGPouvqLRAgjuQoFSZh/uNdAdIFwmyjSU5ykvc/\
    goj+h7rtWQFP
    """)
  static let webpLossy = bytes(
    """
    UklGRmQAAABXRUJQVlA4IFgAAAAwAwCdASoYABAALiUYjEYREREBABIlqALD9/+B6NbmrPuAAP77aAI/qEz//zELf/6y\
    v//spkZ4f/7sL/0t/8sDzzZf/+DMfef/uvmPiiv6DWXtwvqxQAAA
    """)
  static let cmykJPEG = bytes(
    """
    /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYGBQYGBgcJCAYHCQcGBggL\
    CAkKCgoKCgYICwwLCgwJCgoK/8AAFAgAEAAYBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYH\
    CAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGhCCNCscEVUtHwJDNicoIJChYXGBka\
    JSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeo\
    qaqys7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD9cK/H\
    evx3r9/K/IP/AIOsf+aDf9zR/wC4iv1U/wCDZf8A5rZ/3Lf/ALlK1PDf/Lb/AID/AFor8g6/VStSiuor+X+v6qKK/ZD/\
    AINKv+a//wDcqf8AuYr9kP8Ag0q/5r//ANyp/wC5iu8+CX/MT/7Y/wDtSiv2Qr9kK7yiv//Z
    """)
  static let progressiveJPEG = bytes(
    """
    /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYG\
    CAsICQoKCgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoK\
    CgoKCgoKCgoKCgoKCgoKCgoKCgr/wgARCAAQABgDAREAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAACAYH/8QAGAEA\
    AwEBAAAAAAAAAAAAAAAABAcIBQn/2gAMAwEAAhADEAAAActX9fVmZLFZmSwb+iD0WqqOWqqO/8QAFxAAAwEAAAAAAAAA\
    AAAAAAAAAAYQCP/aAAgBAQABBQIV7luf/8QAGxEAAQQDAAAAAAAAAAAAAAAAEAAECEJFg8P/2gAIAQMBAT8BUl8Vv4ln\
    Yf/EABwRAAEDBQAAAAAAAAAAAAAAABAABQdCRIGCwv/aAAgBAgEBPwFONOTJtpvwP//EABsQAAEEAwAAAAAAAAAAAAAA\
    ABAAAwWChMHD/9oACAEBAAY/Ak/XZnMbqP/EABQQAQAAAAAAAAAAAAAAAAAAACD/2gAIAQEAAT8hQP8A/9oADAMBAAIA\
    AwAAABAAAD//xAAWEQEBAQAAAAAAAAAAAAAAAADBECD/2gAIAQMBAT8QxhM//8QAFxEAAwEAAAAAAAAAAAAAAAAAACCB\
    8P/aAAgBAgEBPxAyil//xAAUEAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAE/EEbf/9k=
    """)
  static let palettePNG = bytes(
    """
    iVBORw0KGgoAAAANSUhEUgAAABgAAAAQAgMAAABxSlcGAAAADFBMVEXw8PAeyCgoKNLcHh7lNtyJAAAAHUlEQVR4nGP8\
    z8AQxsDAxMDAwEAKxbKagWE1GfoA4jICzf5Oo9MAAAAASUVORK5CYII=
    """)
  static let deepPNG = bytes(
    """
    iVBORw0KGgoAAAANSUhEUgAAABgAAAAQEAIAAADT1vSBAAAAN0lEQVR42mO4c0cOCCgn5eROnNDQoJxkGHXQqINGHTTi\
    HKQBBJcuUU5+oBIYddCog0YdNOIcBAC+VJI9mTHjJwAAAABJRU5ErkJggg==
    """)
  static let interlacedPNG = bytes(
    """
    iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAIAAAH0QRhUAAAAXElEQVR42mO4IycHRHInNBg0NC4B0YcPHxggAlCxD2DA\
    AFEHl0FogCvBoYo4jfjMwjQBi+n4FMENx7QFiwvwKaKemwaj72gZTsR4hagQGDYGYQYkMUFLVIwMF4MANsBJH6mSKQIA\
    AAAASUVORK5CYII=
    """)
  static let heic = bytes(
    """
    AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAA\
    AAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABoQABAAAAAAAAAXgAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABo\
    dmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEA\
    GEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAA\
    AwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAADAAAAAB\
    AAAAIAAAAAH////wAAAAAv///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAYBt\
    ZGF0AAABdCgBrwa4ZBIz/oQf///RVfof1U5nC+o1nfO3R/+X7//3Lgi7uIuK2ty2sF4O4CM2ky8ywQPPQLLOPWmPjVSm\
    aLTEkpmNOWlfcCKIfqnk//0GS0XBhYcZYXdmtLWpcWVLmeoLjdolc5Vno5obUdDfoVp//ShxYuq3//+DfXOd5jx07DOc\
    trAZW+OOlGKRM/UXLxCnNSzH5nG23b9LcSGUFmdP4T9C/SPo5d//MM6GKlmQQ/mf+/utV5Nd3HQDmRI4a2l39QILCfqV\
    3fYAcAS5/ai7l+7scDByS/Jr5YeR/9rcNyVandqfVffPKuZT10I3YOa9JlM3X1tuUWIPygphY/2fb1Cxnke0tZX9GPXY\
    pKZ5jdqjJ8XbU61s/HzP4+f5H+Vc44MwRhwAARPinls3ZnhilNkzfqJLHnSXQWXPlDaH42s85WRCer2/RqvdQzUREZbv\
    uIBfc8ecmckgzSVfjbKnGDgdptVVcYaKKMJp1ph4QG3m8A==
    """)
  static let greyJPEG = bytes(
    """
    /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYG\
    CAsICQoKCgoKBggLDAsKDAkKCgr/wAALCAAQABgBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QA\
    tRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0\
    NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2\
    t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APluvWP2X/8AmOf9u3/tWvWK\
    /N+v1q/4Nb/+a5/9yx/7lq/Wqv/Z
    """)
  static let greyAlphaPNG = bytes(
    """
    iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAQAAACmLXceAAAAJ0lEQVR4nGMM/8+AFegwYhdnwi6MG4xqIAawPMEhMZNa\
    NoxqIAYAAAmRAyLxia0DAAAAAElFTkSuQmCC
    """)
  static let turnedWebP = bytes(
    """
    UklGRnoAAABXRUJQVlA4WAoAAAAIAAAAFwAADwAAVlA4TDoAAAAvF8ADAB8gJCC6MTabaI6atg0YguGPouvqLRAgjuQo\
    FSZh/uNdAdIFwmyjSU5ykvc/goj+h7rtWQFPRVhJRhoAAABNTQAqAAAACAABARIAAwAAAAEABgAAAAAAAA==
    """)

  private static func bytes(_ base64: String) -> [UInt8] { Array(Data(base64Encoded: base64) ?? Data()) }

  /// The same picture, not yet a file.
  static var plain: Picture {
    var pixels: [UInt8] = []
    for y in 0..<16 {
      for x in 0..<24 {
        let colours: [[UInt8]] = [[220, 30, 30], [30, 200, 40], [40, 40, 210], [240, 240, 240]]
        pixels += colours[(y < 8 ? 0 : 2) + (x < 12 ? 0 : 1)]
      }
    }
    return Picture(width: 24, height: 16, pixels: pixels)
  }

  /// A JPEG file with EXIF data that tell `orientation`, 1...8.
  static func jpeg(orientation: UInt8) -> [UInt8] {
    let file = plain.jpeg(quality: 95)
    // TIFF, big endian, with one entry: tag 0x0112, a short.
    let exif: [UInt8] =
      Array("Exif".utf8) + [0, 0] + Array("MM".utf8) + [0, 42, 0, 0, 0, 8, 0, 1]
      + [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0] + [0, 0, 0, 0]
    let length = UInt16(exif.count + 2)
    return file.prefix(2) + [0xFF, 0xE1, UInt8(length >> 8), UInt8(length & 255)] + exif + file.dropFirst(2)
  }
}
