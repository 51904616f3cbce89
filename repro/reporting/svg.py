"""Write figures as SVG whose text stays text: a third of the size of outlined letters, can be searched and restyled.

Each line of text has its width in the font that the layout was made with, so that it fits in whatever font the
reader has; Verdana, where DejaVu Sans is missing, is its twin in width and shape.
"""

import io
import re
from typing import Any

from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, weight_dict

INHERITED = 'font-family="\'DejaVu Sans\', Verdana, sans-serif" stroke-linejoin="round" stroke-linecap="butt"'
DECIMALS = 2  # of coordinates, in points


class TextRenderer(RendererSVG):
    """matplotlib's SVG, but text is written by `draw_text`."""

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Write nothing: nobody needs the names of groups."""

    def close_group(self, s: str) -> None:
        """Write nothing."""

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """One line of plain text whose baseline begins at (x, y), turned anticlockwise by `angle` degrees."""
        style = {"font-size": f"{prop.get_size_in_points():g}px", "fill": to_hex(gc.get_rgb())}
        weight = prop.get_weight()
        weight = weight_dict[weight] if isinstance(weight, str) else weight
        if weight != 400:
            style["font-weight"] = str(weight)
        if prop.get_style() != "normal":
            style["font-style"] = prop.get_style()
        attributes = {"x": f"{x:.{DECIMALS}f}", "y": f"{y:.{DECIMALS}f}"}
        if angle:
            attributes["transform"] = f"rotate({-angle:g} {attributes['x']} {attributes['y']})"
        if len(s) > 1:
            attributes |= {"textLength": f"{self.advance(s, prop):.{DECIMALS}f}", "lengthAdjust": "spacingAndGlyphs"}
        if "  " in s:
            attributes["xml:space"] = "preserve"
        css = "; ".join(f"{name}: {value}" for name, value in style.items())
        self.writer.element("text", s, attrib={**attributes, "style": css})

    def advance(self, s: str, prop: FontProperties) -> float:
        """The advance width of a line of text, in points (what matplotlib calls its width is the ink's)."""
        return self.ink(f"|{s}|", prop) - self.ink("||", prop)

    def ink(self, s: str, prop: FontProperties) -> float:
        """The width from the left edge of the first letter to the right edge of the last one, in points."""
        width, _, _ = self.get_text_width_height_descent(s, prop, False)
        return width


def encode(figure: Figure) -> bytes:
    """The figure as an SVG file, the same bytes for the same figure."""
    width, height = 72 * figure.get_size_inches()
    stream = io.StringIO()
    figure.dpi = 72
    renderer = TextRenderer(width, height, stream, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    figure.draw(renderer)
    renderer.finalize()
    text = re.sub(r"<[^>]+>", lambda tag: shorter(tag[0]), stream.getvalue())
    # What holds for every element is said once, where it does not reach the rest of a page that the figure is part of.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", text, count=1, flags=re.DOTALL)
    return joined(numbered(text)).replace("<svg ", f"<svg {INHERITED} ", 1).encode()


def shorter(tag: str) -> str:
    """A tag on one line, its numbers rounded, its path without what it can do without."""
    tag = re.sub(r"\s*\n", " ", tag)
    tag = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.{DECIMALS}f}".rstrip("0").rstrip("."), tag)
    return re.sub(r' d="([^"]*)"', lambda path: f' d="{straight(path[1])}"', tag)


def straight(path: str) -> str:
    """The path with lines along an axis written by one coordinate."""
    found, at, begin = "", [""] * 2, [""] * 2
    for command, numbers in re.findall(r"([MLQCz])([^MLQCz]*)", path):
        to = numbers.split()
        if command == "L" and to[0] == at[0]:
            found += f"V{to[1]}"
        elif command == "L" and to[1] == at[1]:
            found += f"H{to[0]}"
        else:
            found += command + " ".join(to)
        at = to[-2:] or begin
        begin = at if command == "M" else begin
    return found


PART = re.compile(r'<path id="(\w+)"[^>]*/>|<(clipPath|pattern) id="(\w+)".*?</\2>', re.DOTALL)


def numbered(text: str) -> str:
    """The drawing with its parts (marks, clips, hatchings) named by number, and equal ones once.

    matplotlib names them by a hash of their coordinates before these are rounded, whose last bits differ between
    machines.
    """
    names: dict[str, str] = {}  # what matplotlib calls a part: its number
    kept: dict[str, str] = {}  # what a part is: its number

    def renamed(part: re.Match[str]) -> str:
        name = part[1] or part[3]
        content = part[0].replace(f'id="{name}"', "", 1)
        known = content in kept
        names[name] = kept.setdefault(content, f"p{len(kept)}")
        return "" if known else part[0].replace(f'id="{name}"', f'id="{names[name]}"', 1)

    text = re.sub(r"<defs>\s*</defs>\s*", "", PART.sub(renamed, text))
    return re.sub(r'(url\(#|href="#)(\w+)', lambda to: to[1] + names[to[2]], text)


def joined(text: str) -> str:
    """The drawing without groups that say nothing, and with one group for neighbours that say the same."""
    text = re.sub(r"<g>((?:(?!</?g\b).)*)</g>", r"\1", text, flags=re.DOTALL)
    before = ""
    while text != before:
        before = text
        text = re.sub(r"(<g [^>]*>)((?:(?!</?g\b).)*)</g>\s*\1", r"\1\2", text, flags=re.DOTALL)
    return re.sub(r"\n\s+", "\n", text)
