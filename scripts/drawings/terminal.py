"""What a program shows on a terminal: it runs on one of its own, whose screen is drawn as it is at the end."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

from runs import Problem
from svg import MONO, number, written

# A terminal is dark in both themes.
INK, MUTED, PAPER, BAR, GREEN = "#e6edf3", "#8b949e", "#161b22", "#22272e", "#7ee787"
COLOURS = ["#6e7681", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#76e3ea", "#e6edf3"]
SIZE, CELL, ROW = 13.4, 8.05, 18.5
SEQUENCE = re.compile(r"\x1b\[([?>]?)([0-9;]*)([@-~])|\x1b[^\[]|\x1b\][^\x07]*\x07")

BEFORE_UP = re.compile(r"(?=\x1b\[\d+A)")


class Screen:
    """The cells of a terminal that is as high as it needs to be; each is a character and a colour or None."""

    def __init__(self, columns):
        self.columns = columns
        self.rows = [[]]
        self.row = self.column = 0
        self.colour = None
        self.rest = ""

    def feed(self, text):
        """Takes what a program wrote: characters, and the sequences of ECMA-48 that move, erase and colour."""
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                match = SEQUENCE.match(text, at)
                if not match:
                    self.rest = text[at:]
                    return
                at = match.end()
                if match[3] and not match[1]:
                    self.control(match[3], [int(word) if word else 0 for word in match[2].split(";")])
                continue
            self.put(text[at])
            at += 1

    def put(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.down()
        elif character == "\b":
            self.column = max(self.column - 1, 0)
        elif unicodedata.category(character)[0] != "C":
            if self.column == self.columns:
                self.column = 0
                self.down()
            line = self.rows[self.row]
            line.extend([(" ", None)] * (self.column + 1 - len(line)))
            line[self.column] = (character, self.colour)
            self.column += 1

    def down(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def control(self, kind, values):
        count = max(values[0], 1)
        line = self.rows[self.row]
        if kind == "A":
            self.row = max(self.row - count, 0)
        elif kind == "B":
            self.row = min(self.row + count, len(self.rows) - 1)
        elif kind == "C":
            self.column = min(self.column + count, self.columns - 1)
        elif kind == "D":
            self.column = max(self.column - count, 0)
        elif kind == "G":
            self.column = min(count - 1, self.columns - 1)
        elif kind == "K" and values[0] in (0, 2):
            del line[0 if values[0] == 2 else self.column:]
        elif kind == "J" and values[0] == 0:
            del line[self.column:]
            del self.rows[self.row + 1:]
        elif kind == "m":
            for value in values:
                if value in (0, 39):
                    self.colour = None
                elif 30 <= value <= 37 or 90 <= value <= 97:
                    self.colour = COLOURS[value % 10]
        else:
            raise Problem(f"the terminal does not know the sequence ESC [ {values} {kind}")

    def lines(self):
        """The rows, without empty ones at the end."""
        rows = list(self.rows)
        while rows and not "".join(cell[0] for cell in rows[-1]).strip():
            rows.pop()
        return rows

    @property
    def text(self):
        return "\n".join("".join(cell[0] for cell in row).rstrip() for row in self.lines())


def show(screen, command, folder, until=None, limit=600):
    """Types a command on a screen, and lets it run there: to its end, or until `until(screen)` is true of what it
    has drawn when it is about to draw that anew.

    Returns the exit code, or None if it was not waited for."""
    prompt(screen, " ".join(command))
    child, descriptor = pty.fork()
    if child == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, screen.columns, 0, 0))
            os.chdir(folder)
            os.environ["TERM"] = "xterm-256color"
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    output, end = "", time.monotonic() + limit
    try:
        while True:
            ready, _, _ = select.select([descriptor], [], [], max(end - time.monotonic(), 0))
            if not ready:
                os.kill(child, signal.SIGTERM)
                raise Problem(f"{' '.join(command)} did not end within {limit} s")
            try:
                piece = os.read(descriptor, 65536)
            except OSError:  # Linux says so when the other side is closed.
                piece = b""
            text = decoder.decode(piece, final=not piece)
            output += text
            for part in BEFORE_UP.split(text):
                if until and BEFORE_UP.match(part) and until(screen):
                    os.kill(child, signal.SIGTERM)
                    os.waitpid(child, 0)
                    return None
                screen.feed(part)
            if not piece:
                break
    finally:
        os.close(descriptor)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise Problem(f"{' '.join(command)} ended with exit code {code}: {output.strip()}")
    return code


def prompt(screen, command):
    """What a person types, on a line of its own."""
    for characters, colour in (("$ ", GREEN), (command, None)):
        screen.colour = colour
        screen.feed(characters)
    screen.colour = None
    screen.feed("\r\n")


def document(screen, title):
    """A screen as a drawing whose text can be selected."""
    rows = screen.lines()
    width = 2 * 18 + screen.columns * CELL
    top = 56
    height = top + (len(rows) - 1) * ROW + 20
    parts, shapes = [], []
    for index, row in enumerate(rows):
        y = top + index * ROW
        for start, characters, colour in pieces(row):
            x = 18 + start * CELL
            if drawn(characters[0]):
                shapes += [shape(c, x + i * CELL, y, colour) for i, c in enumerate(characters)]
                continue
            # Fonts differ in width: the length keeps columns under one another.
            parts.append(
                f'<text x="{number(x)}" y="{number(y)}" textLength="{len(characters) * CELL:.2f}" '
                f'lengthAdjust="spacingAndGlyphs" fill="{colour}">{written(characters)}</text>')
    dots = "".join(f'<circle cx="{20 + 18 * i}" cy="16" r="5" fill="{c}"/>'
                   for i, c in enumerate(["#ff7b72", "#e3b341", "#7ee787"]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}" '
        f'viewBox="0 0 {number(width)} {number(height)}" role="img" font-family="{MONO}" font-size="{SIZE}" '
        f'xml:space="preserve">\n<title>{written(title)}</title>\n'
        f"<desc>{written(screen.text)}</desc>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>'
        f'<path d="M0 32V8a8 8 0 0 1 8-8H{number(width - 8)}a8 8 0 0 1 8 8V32z" fill="{BAR}"/>{dots}'
        f'<text x="{number(width / 2)}" y="21" text-anchor="middle" fill="{MUTED}">{written(title)}</text>\n'
        + "\n".join(parts + merged(shapes)) + "\n</svg>\n")


def pieces(row):
    """Neighbouring characters of one colour and kind, as (column, characters, colour); spaces belong to no kind."""
    found = []
    for column, (character, colour) in enumerate(row):
        if character == " ":
            continue
        colour = colour or INK
        if found:
            start, characters, last = found[-1]
            gap = column - start - len(characters)
            reach = 0 if drawn(character) else 1
            if gap <= reach and last == colour and drawn(character) == drawn(characters[-1]):
                found[-1] = (start, characters + " " * gap + character, colour)
                continue
        found.append((column, character, colour))
    return found


def drawn(character):
    """Whether a character is drawn as what it means: fonts lack some of these, or leave gaps between them."""
    return "\u2800" <= character <= "\u28ff" or character in "█▕▏─"


def shape(character, x, y, colour):
    """(colour, path) of such a character."""
    top = y - 0.75 * ROW
    if character == "█":
        return colour, f"M{x:.1f} {top:.1f}h{CELL + 0.1:.1f}v{ROW - 3:.1f}h-{CELL + 0.1:.1f}z"
    if character in "▕▏":
        return colour, f"M{x + (CELL - 1 if character == '▕' else 0):.1f} {top:.1f}h1v{ROW - 3:.1f}h-1z"
    if character == "─":
        return colour, f"M{x:.1f} {y - 5:.1f}h{CELL + 0.1:.1f}v1h-{CELL + 0.1:.1f}z"
    # Bits of the eight dots (Unicode, Braille Patterns): three rows of the left column, three of the right, then the
    # fourth row.
    bits = ord(character) - 0x2800
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
    path = "".join(
        f"M{x + CELL * (0.5 * column + 0.25) - 1.1:.1f} {top + ROW * (0.25 * row + 0.125) - 1.1:.1f}h2.2v2.2h-2.2z"
        for bit, (column, row) in enumerate(places) if bits >> bit & 1)
    return "#79c0ff", path


def merged(shapes):
    """One path for each colour."""
    paths = {}
    for colour, path in shapes:
        paths[colour] = paths.get(colour, "") + path
    return [f'<path fill="{colour}" d="{path}"/>' for colour, path in paths.items()]
