"""Accuracy against the size of networks."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from repro.judging.evidence import Evidence
from repro.planning.experiments import Experiment
from repro.records import Store
from repro.reporting import style
from repro.reporting.figures import charts
from repro.reporting.figures.labels import place_labels
from repro.reporting.figures.legends import key, legend, protocol_keys, published_keys, seed_keys, series_keys
from repro.reporting.figures.marks import PUBLISHED_MARK, error_bar, limits, seeds
from repro.reporting.figures.registry import Cells, FigureKind
from repro.reporting.figures.selection import ByBudget, first_protocol, merged, sensible, spread, stated
from repro.reporting.figures.words import budget_title, published_text, short, shorten, title
from repro.reporting.style import MUTED, PAPER, PUBLISHED
from repro.reporting.table import Column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Measures = dict[str, Callable[[Evidence], float]]  # by the axis's label


COMPUTE = "multiply-accumulates for one image"


def parameters(item: Evidence) -> float:
    """The network's parameters, as a place on an axis."""
    return item.parameters or 1


def macs(item: Evidence) -> float:
    """Multiply-accumulates of the network, as a place on an axis."""
    return item.macs or 1


def macs_column(budget: str) -> Cells:
    """The table's column of multiply-accumulates."""
    return Column(f"{budget}_macs", f"multiply-accumulates, {budget}", "right", ",d"), lambda item: item.macs


class Labels(NamedTuple):
    """The names in a panel, and what they have to keep clear of.

    points: size of each mark, and from where to where it is covered.
    lines: corners of lines.
    stated: published values with their names.
    numbers: accuracies that the axis must hold.
    """

    points: list[tuple[float, float, float]]
    lines: list[list[tuple[float, float]]]
    stated: list[tuple[str, float, float]]
    numbers: list[float]


class Against(FigureKind):
    """Accuracy against sizes of the networks: a row of panels for each size, a column for each budget.

    Protocols differ in look; where there is one protocol only, series do. A series along `variant.at` is a line.

    best: draw the highest accuracy of all networks up to each size.
    """

    best: ClassVar[bool] = False

    def measures(self, experiment: Experiment) -> Measures:
        """The sizes, by the label of their axis."""
        raise NotImplementedError

    def chart(self, experiment: Experiment, evidence: ByBudget, store: Store) -> charts.Chart | None:
        return charts.against(experiment, evidence, self.measures(experiment), self.best)

    def paint(self, figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
        best, measures = self.best, self.measures(experiment)
        figure.set_size_inches(style.WIDTH, (2.1 if best else 0.3) + (3.2 if best else 3.4) * len(measures))
        axes = figure.subplots(len(measures), len(evidence), squeeze=False)
        series = list(dict.fromkeys(item.variant.series for found in evidence.values() for item in found))
        if len(experiment.protocols) > 1 or len(series) < 2:
            series = []
        numbered = numbers_of(evidence) if best else {}
        named = []
        for row, (label, size) in enumerate(measures.items()):
            for axis, (budget, found) in zip(axes[row], evidence.items(), strict=True):
                found = [item for item in found if item.n]
                panel = draw_points(axis, experiment, found, size, series, best)
                panel.lines.extend(draw_lines(axis, found, size, series))
                limits(axis.set_ylim, panel.numbers, room=0.12)
                size_axis(axis, [size(item) for item in found])
                axis.set_xlabel(label)
                axis.set_ylabel(experiment.figure.y or "test accuracy (%)")
                if best:
                    corners = draw_best(axis, sorted((size(item), item.mean) for item in first_protocol(found)))
                    panel.lines.append(corners)
                if not row:
                    axis.set_title(budget_title(budget, found))
                names = merged(first_protocol(found))
                if series:
                    names = [(short(experiment, item.variant), item) for _, item in names]
                if best:
                    names = [(str(numbered[text]), item) for text, item in names]
                named.append((axis, [(text, size(item), item.mean) for text, item in names], panel))
        title(figure, experiment)
        lined = {item.variant.series for found in evidence.values() for item in found if item.variant.at is not None}
        keys = series_keys(series, lined) if series else protocol_keys(experiment.protocols, evidence, around=True)
        keys += best_keys(evidence, numbered, series) if best else []
        legend(figure, [*keys, *seed_keys(evidence), *published_keys(experiment)])
        style.settle(figure)
        for axis, labels, panel in named:
            place_labels(axis, labels, panel.points, panel.lines, panel.stated)


def draw_points(
    axis: "Axes",
    experiment: Experiment,
    found: Sequence[Evidence],
    size: Callable[[Evidence], float],
    series: Sequence[str],
    best: bool,
) -> Labels:
    """Means, seeds and published values of one panel. series: empty where protocols differ in look."""
    panel = Labels([], [], [], [])
    protocols = experiment.protocols
    for item in found:
        index = series.index(item.variant.series) if series else protocols.index(item.protocol)
        error_bar(axis, item.mean, size(item), spread(item), index, along="y", around=index > 0 and not series)
        if item.protocol == protocols[0]:
            seeds(axis, item, size(item), index, along="y")
        # Among many networks, intervals of few seeds may leave the panel.
        panel.numbers.extend(item.values if best else sensible(item))
        panel.points.append((size(item), *(spread(item) or (item.mean, item.mean))))
        for claim in stated(experiment, item):
            value = claim.published or 0.0
            axis.plot([size(item)] * 2, [item.mean, value], color=PUBLISHED, lw=0.7, ls=":", zorder=1)
            axis.plot(size(item), value, **PUBLISHED_MARK)
            panel.stated.append((published_text(claim), size(item), value))
            panel.numbers.append(value)
            panel.points.append((size(item), value, value))
    return panel


def draw_lines(
    axis: "Axes", found: Sequence[Evidence], size: Callable[[Evidence], float], series: Sequence[str]
) -> list[list[tuple[float, float]]]:
    """A line through the means of each series along `variant.at`; returns their corners."""
    lines: list[list[tuple[float, float]]] = []
    for index, name in enumerate(series):
        # No line through runs that failed: their mean is a share of failures, not an accuracy.
        line = [item for item in found if item.variant.series == name and item.variant.at is not None]
        for failed, part in groupby(line, key=lambda item: bool(item.failures)):
            corners = [] if failed else [(size(item), item.mean) for item in part]
            if len(corners) < 2:
                continue
            lines.append(corners)
            x, y = zip(*corners, strict=True)
            axis.plot(x, y, color=style.colour(index), ls=style.dashes(index), lw=0.9, zorder=2)
    return lines


def best_keys(evidence: ByBudget, numbered: dict[str, int], series: Sequence[str]) -> list[Any]:
    """Legend entries of numbered networks and of the line of the best."""
    keys = []
    looks = {text: i.variant.series for found in evidence.values() for text, i in merged(first_protocol(found))}
    for text, number in numbered.items():
        index = series.index(looks[text]) if series else 0
        look: dict[str, Any] = {"color": style.colour(index), "marker": style.marker(index), "ls": ""}
        keys.append(key(f"{number}  {text}", ms=5, mec=PAPER, **look))
    return [*keys, key("best up to this size", color=MUTED, lw=0.8, alpha=0.6)]


def numbers_of(evidence: ByBudget) -> dict[str, int]:
    """Numbers for networks that are too many to be named beside their points, from the smallest on."""
    found = {text: item for items in evidence.values() for text, item in merged(first_protocol(items)) if item.n}
    ordered = sorted(found, key=lambda text: (found[text].parameters or 0, text))
    return {text: number for number, text in enumerate(ordered, 1)}


def draw_best(axis: "Axes", points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The highest accuracy up to each size, from (size, accuracy) in order of size, as steps to the panel's edge.

    Returns the steps' corners.
    """
    corners: list[tuple[float, float]] = []
    for x, y in points:
        if not corners or y > corners[-1][1]:
            corners += [(x, corners[-1][1] if corners else y), (x, y)]
    corners.append((axis.get_xlim()[1], corners[-1][1]))
    axis.plot(*zip(*corners, strict=True), color=MUTED, lw=0.8, alpha=0.6, zorder=1, scalex=False, scaley=False)
    return corners


def size_axis(axis: "Axes", sizes: Sequence[float]) -> None:
    """The axis of sizes: logarithmic where they differ much, with room for names at both ends."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    low, high = min(sizes), max(sizes)
    if high > 3 * low:
        axis.set_xscale("log")
        axis.set_xlim(low / (high / low) ** 0.15, high * (high / low) ** 0.15)
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_minor_locator(NullLocator())
    else:
        spread = (high - low) or high * 0.1
        axis.set_xlim(low - 0.2 * spread, high + 0.2 * spread)
        axis.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.xaxis.set_major_formatter(lambda x, _: shorten(x))
