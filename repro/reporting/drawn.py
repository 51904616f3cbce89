"""A drawn figure, as tables and the page refer to it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Drawn:
    """A figure that was written as NAME.svg, .png and .pdf.

    alt: what it shows, for those who cannot see it.
    marks: what its marks are; where they are measured on runs, the caption adds how many.
    """

    name: str
    alt: str
    marks: str = ""
