"""Pages as pictures: Chromium takes them, and they are cut to what they show and made small."""

import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import zlib

from runs import Problem

MAGIC = b"\x89PNG\r\n\x1a\n"
MARGIN = 12
# Of the most frequent so many there are enough for text and lines.
COLOURS = 64


def picture(page, style, width, scale, dark):
    """A page with more style rules as a PNG file's bytes, without what is empty below."""
    browser = chromium()
    with tempfile.TemporaryDirectory() as scratch:
        copy, shot = pathlib.Path(scratch, "page.html"), pathlib.Path(scratch, "page.png")
        copy.write_text(page.replace("</head>", f"<style>{style}</style></head>", 1))
        command = [
            browser, "--headless=new", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={scratch}/profile",
            f"--force-device-scale-factor={scale}", f"--window-size={width},1600",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}", f"--screenshot={shot}", copy.as_uri()]
        if os.getuid() == 0:
            command.insert(1, "--no-sandbox")
        process = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if process.returncode or not shot.exists():
            raise Problem(f"{browser} made no picture of the report: {process.stderr.strip()[-500:]}")
        return small(shot.read_bytes(), round(MARGIN * scale))


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise Problem("Chromium is missing: scripts/setup --browser installs it", 69)


def small(data, margin):
    """A picture of at most 64 colours, without the rows of one colour at its end but for a margin."""
    width, rows = pixels(data)
    while len(rows) > 1 and rows[-1] == rows[-1][:3] * width:
        rows.pop()
    blank = rows[0][:3] * width
    rows += [blank] * margin
    counts = {}
    triples = []
    for row in rows:
        line = list(zip(row[0::3], row[1::3], row[2::3]))
        triples.append(line)
        for colour in line:
            counts[colour] = counts.get(colour, 0) + 1
    palette = sorted(counts, key=lambda colour: (-counts[colour], colour))[:COLOURS]
    index = {colour: at for at, colour in enumerate(palette)}
    for colour in counts.keys() - index.keys():
        index[colour] = min(
            range(len(palette)), key=lambda at: sum((a - b) ** 2 for a, b in zip(palette[at], colour)))
    body = b"".join(b"\0" + bytes(index[colour] for colour in line) for line in triples)
    return (
        MAGIC + chunk(b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0))
        + chunk(b"PLTE", b"".join(bytes(colour) for colour in palette)) + chunk(b"IDAT", zlib.compress(body, 9))
        + chunk(b"IEND", b""))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def pixels(data):
    """The width and the rows, three bytes to a pixel, of a PNG file of 8-bit RGB or RGBA (PNG, W3C 2003, §9)."""
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    if data[:8] != MAGIC or depth != 8 or kind not in (2, 6) or data[28]:
        raise Problem("the picture from Chromium is not of 8-bit RGB or RGBA without interlacing")
    at, body = 8, b""
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at:at + 8])
        if name == b"IDAT":
            body += data[at + 8:at + 8 + length]
        at += 12 + length
    body = zlib.decompress(body)
    size = 3 if kind == 2 else 4
    stride = width * size
    last, rows = bytearray(stride), []
    for row in range(height):
        start = row * (stride + 1)
        line = unfiltered(body[start], bytearray(body[start + 1:start + 1 + stride]), last, size)
        last = line
        if size == 4:
            opaque = bytearray(3 * width)
            for channel in range(3):
                opaque[channel::3] = line[channel::4]
            rows.append(bytes(opaque))
        else:
            rows.append(bytes(line))
    return width, rows


def unfiltered(kind, line, above, size):
    if kind == 1:
        for i in range(size, len(line)):
            line[i] = line[i] + line[i - size] & 255
    elif kind == 2:
        for i, value in enumerate(above):
            line[i] = line[i] + value & 255
    elif kind == 3:
        for i, value in enumerate(above):
            line[i] = line[i] + ((line[i - size] if i >= size else 0) + value >> 1) & 255
    elif kind == 4:
        for i, b in enumerate(above):
            a, c = (line[i - size], above[i - size]) if i >= size else (0, 0)
            p = a + b - c
            da, db, dc = abs(p - a), abs(p - b), abs(p - c)
            line[i] = line[i] + (a if da <= db and da <= dc else b if db <= dc else c) & 255
    return line
