"""The look of figures: sizes, colours that survive colour blindness and a grey printer, and files without dates."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.storage import write_if_changed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.0  # inches: the text width of a two-column paper
DPI = 200
FORMATS = ("svg", "png", "pdf")

# Chosen so that the page can replace each by a CSS variable: no other colour of a figure is spelt like these.
INK = "#1a1b1c"
MUTED = "#5d6062"
RULE = "#d3d6d8"
PAPER = "#fefefe"

# Okabe and Ito's colours without their yellow and black, in an order in which neighbours also differ in grey.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
PUBLISHED = "#b5179e"


def colour(index: int) -> str:
    """The colour of a series."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """The marker of a series: with its colour no two of 36 series are alike."""
    return MARKERS[(index + index // len(COLOURS)) % len(MARKERS)]


def dashes(index: int) -> Any:
    """The line style of a series, which changes as its marker does."""
    return DASHES[(index + index // len(COLOURS)) % len(DASHES)]


# What the page puts in the place of these colours, so that figures follow its colour scheme.
CSS = {INK: "--ink", MUTED: "--muted", RULE: "--rule", PAPER: "--card", PUBLISHED: "--published"}
CSS |= {colour: f"--c{index}" for index, colour in enumerate(COLOURS)}

RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": PAPER,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "text.color": INK,
    # Hinted widths depend on the resolution, and a layout solved at one would not fit the others.
    "text.hinting": "none",
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "figure.titlesize": 9.5,
    "figure.titleweight": "bold",
    "savefig.facecolor": PAPER,
    "figure.dpi": 100,
    "svg.hashsalt": "repro",
    "pdf.fonttype": 42,
    "path.simplify": True,
}

METADATA = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def styled() -> Iterator[None]:
    """Figures made inside look like the others."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def settle(figure: "Figure") -> None:
    """Solve the layout, once for all formats. The second pass sees what the first one has moved."""
    if figure.get_layout_engine() is not None:
        figure.dpi = DPI
        figure.draw_without_rendering()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def save(figure: "Figure", folder: Path, name: str) -> list[Path]:
    """Write NAME.svg, .png and .pdf; the same figure gives the same bytes, and files that would not change are kept."""
    settle(figure)
    paths = []
    for suffix in FORMATS:
        paths.append(folder / f"{name}.{suffix}")
        write_if_changed(paths[-1], encode(figure, suffix))
    return paths


def encode(figure: "Figure", suffix: str) -> bytes:
    """The figure as a file of one of `FORMATS`; the canvas is asked itself because `savefig` draws everything twice."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf

    from repro.reporting import svg

    if suffix == "svg":
        return svg.encode(figure)
    stream = io.BytesIO()
    if suffix == "pdf":
        figure.dpi = 72
        FigureCanvasPdf(figure).print_pdf(stream, metadata=METADATA["pdf"])
    else:
        figure.dpi = DPI
        FigureCanvasAgg(figure).print_png(stream, metadata=METADATA["png"])
    return stream.getvalue()
