"""SVG documents of text, boxes and lines, in light or dark."""

from html import escape

# Ink and paper are those of GitHub's pages, where the pictures lie without a frame.
LIGHT = {"ink": "#1c2126", "muted": "#57606a", "line": "#8c959f", "paper": "#ffffff", "card": "#f3f5f7"}
DARK = {"ink": "#e8ebee", "muted": "#9aa5af", "line": "#6e7781", "paper": "#0d1117", "card": "#1a2027"}
THEMES = {"light": LIGHT, "dark": DARK}

# Colours that the colour-blind can tell apart (Okabe, Ito 2008), light enough for black text in both themes.
RANKS = ["#56b4e9", "#e69f00", "#2fb58c", "#cc79a7"]
ON_RANKS = "#000000"

SANS = "system-ui, 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def written(words):
    return escape(words, quote=False)


def number(value):
    return f"{value:.1f}".removesuffix(".0")


class Drawing:
    """A document under way: what is added later covers what was added before."""

    def __init__(self, width, height, colours, title, description=""):
        self.width, self.height, self.colours = width, height, colours
        self.title, self.description = title, description
        self.parts = []

    def colour(self, name):
        return self.colours.get(name, name)

    def text(self, x, y, words, size=13, colour="ink", anchor="start", bold=False, mono=False):
        style = ' font-weight="600"' if bold else ""
        style += f' font-family="{MONO}"' if mono else ""
        place = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.parts.append(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{self.colour(colour)}"'
            f"{place}{style}>{written(words)}</text>")

    def box(self, x, y, width, height, fill="card", stroke=None, radius=4, weight=1):
        edge = f' stroke="{self.colour(stroke)}" stroke-width="{number(weight)}"' if stroke else ""
        self.parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" '
            f'rx="{number(radius)}" fill="{self.colour(fill)}"{edge}/>')

    def band(self, x, y, width, height, fill):
        """A ground for what is drawn upon it."""
        self.parts.append(
            f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" rx="4" '
            f'fill="{fill}" fill-opacity="0.2"/>')

    def disc(self, x, y, radius, fill, stroke="ink", weight=1):
        self.parts.append(
            f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="{self.colour(fill)}" '
            f'stroke="{self.colour(stroke)}" stroke-width="{number(weight)}"/>')

    def plus(self, x, y, radius, fill, colour, weight=1.2):
        """An addition: a disc with a plus sign."""
        self.disc(x, y, radius, fill, colour if fill == "paper" else "ink", weight)
        arm = radius * 0.5
        self.path(f"M{number(x - arm)} {number(y)}h{number(2 * arm)}M{number(x)} {number(y - arm)}"
                  f"v{number(2 * arm)}", colour, 1.6)

    def path(self, d, stroke="line", weight=1.3, dashes=None, arrow=False):
        dash = f' stroke-dasharray="{dashes}"' if dashes else ""
        head = ' marker-end="url(#arrow)"' if arrow else ""
        self.parts.append(
            f'<path d="{d}" fill="none" stroke="{self.colour(stroke)}" stroke-width="{number(weight)}"{dash}{head}/>')

    def line(self, x1, y1, x2, y2, stroke="line", weight=1.3, dashes=None, arrow=False):
        self.path(f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}", stroke, weight, dashes, arrow)

    def document(self):
        arrow = ""
        if any("#arrow" in part for part in self.parts):
            arrow = (
                '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
                f'orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="{self.colour("muted")}"/></marker>\n')
        description = f"<desc>{written(self.description)}</desc>\n" if self.description else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(self.width)}" height="{number(self.height)}" '
            f'viewBox="0 0 {number(self.width)} {number(self.height)}" role="img" font-family="{SANS}">\n'
            f"<title>{written(self.title)}</title>\n{description}{arrow}"
            f'<rect width="100%" height="100%" fill="{self.colour("paper")}"/>\n'
            + "\n".join(self.parts) + "\n</svg>\n")
