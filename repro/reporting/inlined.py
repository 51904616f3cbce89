"""Figures that become parts of the page."""

import re
from pathlib import Path

from markupsafe import Markup

from repro.reporting import style


class Drawings:
    """Figures that become parts of the page: styles are told once for all of them, names differ between them."""

    def __init__(self) -> None:
        self.styles: dict[str, str] = {}  # style: class
        self.names: dict[tuple[Path, str], str] = {}  # figure and its name for a part: the page's name

    def inline(self, path: Path) -> Markup:
        """The SVG file as an element of the page."""
        text = path.read_text()
        text = text[text.index("<svg") :].replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
        text = text.replace("xlink:href", "href")
        # Names first: a style may point to a part, such as the hatching of a bar.
        text = re.sub(r'(\bid="|url\(#|href="#)([^")]+)', lambda found: found[1] + self.part((path, found[2])), text)
        text = re.sub(r'style="([^"]*)"', lambda found: f'class="{self.look(found[1])}"', text)
        return Markup(text)

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
