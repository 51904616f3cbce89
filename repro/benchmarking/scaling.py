"""Measure how time and memory grow when training set, batch, input or number of runs double."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from repro.benchmarking.machine import MIB, describe, device_name, load
from repro.benchmarking.rounds import Ratio
from repro.benchmarking.runs import laptop_run
from repro.benchmarking.subprocess_runs import carried_out
from repro.benchmarking.tables import Sheet
from repro.config.specification import Run
from repro.processes import cores
from repro.progress import Progress, silent
from repro.reporting import style
from repro.reporting.table import Column
from repro.training import devices

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NETWORK = "squeezenet"
TEST_SHARE = 5  # training images for one test image, as in CIFAR-10


@dataclass(frozen=True)
class Axis:
    """The size that doubles, and its points.

    title: of the figure's panel and its horizontal axis.
    values: where it is measured.
    """

    name: str
    title: str
    values: tuple[int, ...]
    images: int = 400
    batch: int = 16

    @property
    def adds_work(self) -> bool:
        """Whether an epoch has more to compute further along: larger batches have as many images."""
        return self.name != "batch"

    def size(self, value: int) -> int:
        """The size that time is compared with: pixels count as an area."""
        return value**2 if self.name == "pixels" else value

    def runs(self, value: int) -> list[Run]:
        """The runs of one point: two epochs on stand-ins, of which the second is timed."""
        images = value if self.name == "images" else self.images
        settings = {
            "options.stem": "cifar",  # the same network at every size of the input
            "data.synthetic": True,
            "data.train_images": images,
            "data.holdout": images // TEST_SHARE,
            "recipe.batch": value if self.name == "batch" else self.batch,
            "recipe.epochs": 2,
        }
        run = laptop_run(NETWORK, settings, value if self.name == "pixels" else 32)
        count = value if self.name == "runs" else 1
        return [msgspec.structs.replace(run, seed=seed) for seed in range(count)]


AXES = (
    Axis("images", "training images", (200, 400, 800, 1600)),
    Axis("batch", "batch", (4, 8, 16, 32, 64, 128), images=384),
    Axis("pixels", "pixels of an image", (32, 64, 128, 256), images=64),
    Axis("runs", "runs in turn", (1, 2, 4, 8), images=100),
)


class Point(NamedTuple):
    """One measured point of an axis: seconds an epoch, summed over runs; the most memory held, in bytes."""

    axis: str
    at: int
    seconds: float
    memory: int


def measure(
    results: Path,
    device: str = "auto",
    axes: Sequence[Axis] = AXES,
    progress: Progress = silent,
) -> list[Sheet]:
    """Measure every point in a fresh process; draws figures/bench-scaling-DEVICE too."""
    kind = devices.choose(device)[0].type
    busy = load()
    points = []
    for axis in axes:
        for value in axis.values:
            progress(f"{value} {axis.name}")
            outcome = carried_out(axis.runs(value), Path(), kind, cores())
            points.append(Point(axis.name, value, sum(outcome.seconds), outcome.memory))
    draw(axes, points, results / "figures", f"bench-scaling-{kind}")
    return [table(axes, points, kind, describe(device_name(kind)), [f"{busy}."])]


def table(axes: Sequence[Axis], points: Sequence[Point], device: str, machine: str, notes: list[str]) -> Sheet:
    """All points, and for each axis the slope of time and memory."""
    rows = []
    for axis in axes:
        own = [point for point in points if point.axis == axis.name]
        time, memory = slopes(axis, own)
        for point in own:
            last = point is own[-1]
            rows.append(
                {
                    "axis": axis.name,
                    "at": point.at,
                    "seconds": point.seconds,
                    "mib": point.memory / MIB,
                    "time_slope": time if last else None,
                    "memory_slope": memory if last else None,
                }
            )
    columns = [
        Column("axis"),
        Column("at", align="right", format=",d"),
        Column("seconds", "s", "right", ",.2f"),
        Column("mib", "MiB", "right", ",.0f"),
        Column("time_slope", "slope of the time", "right", empty=""),
        Column("memory_slope", "slope of the memory", "right", empty=""),
    ]
    fixed = "; ".join(f"{axis.name}: {axis.images} training images" for axis in axes if axis.name != "images")
    return Sheet(
        f"scaling-{device}",
        f"Time and memory as things double: {NETWORK} on stand-ins",
        columns,
        rows,
        machine,
        [
            "Slope: of the logarithms, with its 95 % interval; 1 = in proportion, less is better. Pixels: by area.",
            "Time: of a run's second epoch, training and its test; runs: summed. Memory: the most the process held.",
            f"A test set of a fifth of the training set; batch 16 and 32 pixels where not said otherwise. {fixed}.",
            *notes,
        ],
    )


def slopes(axis: Axis, points: Sequence[Point]) -> tuple[Ratio, Ratio]:
    """The slopes of time and memory along an axis."""
    sizes = [axis.size(point.at) for point in points]
    return slope(sizes, [point.seconds for point in points]), slope(sizes, [float(point.memory) for point in points])


def slope(sizes: Sequence[float], values: Sequence[float]) -> Ratio:
    """The power with which values grow with sizes: a line through the logarithms, with its 95 % t interval."""
    from scipy import special
    from scipy.stats import linregress

    line: Any = linregress([math.log(size) for size in sizes], [math.log(value) for value in values])
    if len(sizes) < 3:
        return Ratio(float(line.slope), None, None)
    half = float(special.stdtrit(len(sizes) - 2, 0.975)) * float(line.stderr)
    return Ratio(float(line.slope), float(line.slope) - half, float(line.slope) + half)


def draw(axes: Sequence[Axis], points: Sequence[Point], folder: Path, name: str) -> None:
    """Write NAME.svg, .png and .pdf: for each axis time above and memory below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style.styled():
        figure = FigureCanvasAgg(Figure(layout="constrained")).figure
        paint(figure, axes, points)
        style.save(figure, folder, name)


def paint(figure: "Figure", axes: Sequence[Axis], points: Sequence[Point]) -> None:
    """Time on logarithmic scales, where the dotted line grows in proportion from the middle; memory from zero."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    figure.set_size_inches(style.WIDTH, 3.8)
    figure.suptitle(f"Time and memory as things double: {NETWORK} (dotted: in proportion)", x=0.01, ha="left")
    grid = figure.subplots(2, len(axes), squeeze=False, sharey="row", sharex="col")
    for column, axis in enumerate(axes):
        own = [point for point in points if point.axis == axis.name]
        sizes = [axis.size(point.at) for point in own]
        seconds = [point.seconds for point in own]
        middle = math.exp(mean(map(math.log, seconds)) - mean(map(math.log, sizes)))
        above, below = grid[:, column]
        above.set(xscale="log", yscale="log", title=axis.name)
        if axis.adds_work:
            above.plot(sizes, [middle * size for size in sizes], ":", color=style.MUTED, linewidth=1)
        above.plot(sizes, seconds, "o-", color=style.COLOURS[0], markersize=4, linewidth=1.2)
        above.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        above.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        above.yaxis.set_minor_formatter(NullFormatter())
        below.plot(
            sizes, [point.memory / MIB for point in own], "s-", color=style.COLOURS[1], markersize=4, linewidth=1.2
        )
        below.set(xlabel=axis.title)
        below.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45)
        below.minorticks_off()
        for panel, found in zip((above, below), slopes(axis, own), strict=True):
            text = f"slope {found.value:.2f}".replace("-", "\N{MINUS SIGN}")
            panel.text(0.05, 0.95, text, transform=panel.transAxes, va="top", color=style.INK)
    grid[0, 0].set_ylabel("s an epoch")
    grid[1, 0].set(ylabel="MiB")
    grid[1, 0].set_ylim(0, 1.2 * max(point.memory for point in points) / MIB)
