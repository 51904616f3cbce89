"""Put SVG figures into the page, with styles and names that are shared or do not clash."""

import re
from pathlib import Path

from markupsafe import Markup

from repro.reporting import style


class Drawings:
    """Figures that become parts of the page: they share styles, and no two use the same name."""

    def __init__(self) -> None:
        self.styles: dict[str, str] = {}  # style: class
        self.names: dict[tuple[Path, str], str] = {}  # figure and its name for a part: the page's name

    def inline(self, path: Path) -> Markup:
        """The SVG file as an element of the page."""
        text = path.read_text()
        text = text[text.index("<svg") :].replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
        text = text.replace("xlink:href", "href")
        # Without its paper, on which the shadow of a part that is scrolled away would not be seen.
        text = re.sub(rf'<path d="[^"]*" style="fill: {style.PAPER}"/>\s*', "", text)
        # Names first: a style may point to a part, such as the hatching of a bar.
        text = re.sub(r'(\bid="|url\(#|href="#)([^")]+)', lambda found: found[1] + self.part((path, found[2])), text)
        text = re.sub(r'style="([^"]*)"', lambda found: f'class="{self.look(found[1])}"', text)
        return Markup(compact(text))

    def look(self, css: str) -> str:
        """The class that stands for a style."""
        return self.styles.setdefault(css, f"d{len(self.styles)}")

    def part(self, name: tuple[Path, str]) -> str:
        """The page's name for a part of a figure: the same one in two figures would point into each other."""
        return self.names.setdefault(name, f"p{len(self.names)}")

    def css(self) -> str:
        """The styles of all figures so far, in colours that follow the colour scheme."""
        text = "".join(f".{name}{{{css}}}\n" for css, name in self.styles.items())
        for colour, variable in style.CSS.items():
            text = text.replace(colour, f"var({variable})")
        return text


def compact(svg: str) -> str:
    """A drawing in fewer bytes: to a tenth of a point, paths in steps, one group for marks that look the same."""
    # The page's fonts need no room of their own: phones' are narrower than the one of the layout.
    svg = re.sub(r' textLength="[^"]*" lengthAdjust="[^"]*"', "", svg)
    svg = re.sub(r' d="([^"]*)"', lambda found: f' d="{in_steps(found[1])}"', svg)
    svg = re.sub(r' (x|y|width|height)="(-?\d+\.\d+)"', lambda found: f' {found[1]}="{tenths(found[2]) / 10:g}"', svg)
    return re.sub(r'(?:<use [^>]*? (class="d\d+")/>\s*)(?:<use [^>]*? \1/>\s*)+', group, svg)


def group(marks: re.Match[str]) -> str:
    """Neighbouring marks of one class in a group that has it."""
    return f"<g {marks[1]}>{marks[0].replace(f' {marks[1]}', '')}</g>"


def tenths(number: str) -> int:
    """A number in tenths; rounded before differences are taken, so that steps do not drift."""
    return round(10 * float(number))


COORDINATES = {"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "C": 6, "z": 0}


def in_steps(path: str) -> str:
    """A path of absolute commands with each coordinate relative to where the last command ended, but for moves."""
    if not re.fullmatch(r"[MLHVQCz\d\s.-]*", path):
        return path
    found, at, begin, last = "", (0, 0), (0, 0), ""
    for command, text in re.findall(r"([MLHVQCz])([^MLHVQCz]*)", path):
        numbers = [tenths(number) for number in text.split()]
        if len(numbers) != COORDINATES[command]:
            return path
        if command == "z":
            found, at, last = found + "z", begin, ""
            continue
        if command in "HV":
            axis = "HV".index(command)
            steps, end = [numbers[0] - at[axis]], ((numbers[0], at[1]) if command == "H" else (at[0], numbers[0]))
        else:
            steps = numbers if command == "M" else [n - at[index % 2] for index, n in enumerate(numbers)]
            end = (numbers[-2], numbers[-1])
        letter = "M" if command == "M" else command.lower()
        text = " ".join(f"{step / 10:g}" for step in steps)
        found += (letter if letter != last or letter == "M" else " ") + text
        at, last = end, letter
        begin = end if command == "M" else begin
    return re.sub(r"(?<![\d.])0\.", ".", found).replace(" -", "-")
