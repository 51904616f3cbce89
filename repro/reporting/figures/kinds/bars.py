"""The figure kind `bars`: a row for each variant with seeds, mean and published value."""

from typing import TYPE_CHECKING

from repro.judging.evidence import Evidence
from repro.planning.experiments import Experiment
from repro.reporting import style
from repro.reporting.figures import charts
from repro.reporting.figures.labels import place_labels
from repro.reporting.figures.legends import legend, protocol_keys, published_keys, seed_keys
from repro.reporting.figures.marks import PUBLISHED_MARK, error_bar, limits, panels, seeds, stripes
from repro.reporting.figures.registry import FigureKind, register
from repro.reporting.figures.selection import ByBudget, layout_rows, sensible, spread, stated
from repro.reporting.figures.words import budget_title, published_text, short, title, wrap
from repro.reporting.style import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def bars(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """A row for each variant and protocol: a dot per seed, the mean with its interval, the published value.

    Variants that were run at no budget are left out.
    """
    protocols = experiment.protocols
    there = {item.variant.name for found in evidence.values() for item in found if item.n}
    rows = layout_rows(experiment, [variant for variant in experiment.variants if variant.name in there])
    step = 0.72 / len(protocols)
    bottom = rows[-1][1] + 0.5
    # A line of text to each protocol of a row, and one below in the legend.
    height = 0.8 + 0.12 * len(protocols) + (bottom + 0.6) * max(0.3, 0.21 * len(protocols) + 0.08)
    figure.set_size_inches(style.WIDTH, height)
    axes = panels(figure, evidence)
    labelled = []
    for axis, (budget, found) in zip(axes, evidence.items(), strict=True):
        numbers: list[float] = []
        named: list[tuple[str, float, float]] = []
        points: list[tuple[float, float, float]] = []
        lines: list[list[tuple[float, float]]] = []
        run = {item.variant.name for item in found if item.n}
        if len(protocols) > 1:
            stripes(axis, [y for _, y, _ in rows])
        for item in [item for item in found if item.variant.name in there]:
            place = next(y for variant, y, _ in rows if variant is item.variant)
            index = protocols.index(item.protocol)
            y = place + (index - (len(protocols) - 1) / 2) * step
            if item.variant.name not in run:
                if not index:
                    not_run(axis, place)
                continue
            numbers += draw_row(axis, item, y, index)
            for claim in stated(experiment, item):
                axis.plot(claim.published or 0.0, y, **PUBLISHED_MARK)
                numbers.append(claim.published or 0.0)
                named.append((published_text(claim), claim.published or 0.0, y))
                points.append((claim.published or 0.0, y, y))
            points += [(value, y + 0.13, y + 0.13) for value in (*item.values, item.mean)]
            low, high = spread(item) or (item.mean, item.mean)
            lines.append([(low, y), (high, y)])
        limits(axis.set_xlim, numbers)
        labelled.append((axis, points, lines, named))
        axis.set_ylim(bottom, -0.6)
        axis.set_title(budget_title(budget, found))
        axis.set_xlabel(experiment.figure.y or "test accuracy (%)")
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", length=0)
    names = [short(experiment, variant) for variant, _, _ in rows]
    axes[0].set_yticks([y for _, y, _ in rows], [wrap(name, 34) for name in names])
    for _, y, group in rows:
        if group:
            head(axes[0], y, group)
    title(figure, experiment)
    legend(figure, protocol_keys(protocols, evidence) + seed_keys(evidence) + published_keys(experiment))
    style.settle(figure)
    for axis, points, lines, named in labelled:
        place_labels(axis, [], points, lines, named)


def head(axis: "Axes", y: float, group: str) -> None:
    """The name of a group of rows, above its first one."""
    axis.annotate(
        wrap(group, 40), (0, y - 0.72), xycoords=("axes fraction", "data"), xytext=(-4, 0),
        textcoords="offset points", ha="right", va="center", weight="bold", fontsize=7.5,
    )  # fmt: skip


def draw_row(axis: "Axes", item: Evidence, y: float, index: int) -> list[float]:
    """One measured row of `bars`; returns every number drawn."""
    if not item.n:
        not_run(axis, y)
        return []
    seeds(axis, item, y + 0.13, index, along="x")
    error_bar(axis, item.mean, y, spread(item), index, along="x")
    label = f"{item.mean:.1f}"
    if item.failures:
        label += f"  ({item.failures} of {item.n} failed)"
    axis.annotate(label, (1, y), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
                  va="center", fontsize=7, color=INK)  # fmt: skip
    return sensible(item)


def not_run(axis: "Axes", y: float) -> None:
    """Write "not run" behind a row without runs."""
    axis.annotate("not run", (1, y), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
                  va="center", color=MUTED, fontsize=7, style="italic")  # fmt: skip


@register
class Bars(FigureKind):
    """A row for each variant."""

    name = "bars"
    words = "Dot plot of test accuracy"

    def paint(self, figure, experiment, evidence):
        bars(figure, experiment, evidence)

    def chart(self, experiment, evidence, store):
        return charts.rows(experiment, evidence, experiment.figure.y or charts.ACCURACY)
