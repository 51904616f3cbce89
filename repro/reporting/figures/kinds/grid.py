"""The figure kind `grid`: a heat map of variants by protocols."""

import math
from typing import TYPE_CHECKING

from repro.judging.evidence import Evidence
from repro.planning.experiments import Experiment
from repro.reporting import style
from repro.reporting.figures import charts
from repro.reporting.figures.marks import panels
from repro.reporting.figures.registry import FigureKind, register
from repro.reporting.figures.selection import ByBudget
from repro.reporting.figures.words import budget_title, spoken, title, wrap
from repro.reporting.style import MUTED, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def grid(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """Variants x protocols as a heat map, the mean in each cell; variants that were run at no budget are left out."""
    import numpy as np

    there = {item.variant.name for found in evidence.values() for item in found if item.n}
    variants = [variant for variant in experiment.variants if variant.name in there]
    protocols = experiment.protocols
    figure.set_size_inches(style.WIDTH, 1.3 + 0.36 * len(variants))
    axes = panels(figure, evidence)
    top = 10 * math.ceil(max(item.mean for found in evidence.values() for item in found if item.n) / 10)
    shade = None
    for axis, (budget, found) in zip(axes, evidence.items(), strict=True):
        means = np.full((len(variants), len(protocols)), np.nan)
        for item in [item for item in found if item.variant.name in there]:
            row, column = variants.index(item.variant), protocols.index(item.protocol)
            if item.n:
                means[row, column] = item.mean
            cell_text(axis, item, row, column, dark=item.n > 0 and item.mean < 0.55 * top)
        shade = axis.imshow(means, cmap="cividis", vmin=0, vmax=top, aspect="auto")
        axis.set_xticks(range(len(protocols)), [wrap(spoken(p), 14) for p in protocols])
        axis.set_title(budget_title(budget, found))
        axis.grid(visible=False)
        axis.tick_params(length=0)
        axis.set_xticks(np.arange(-0.5, len(protocols)), minor=True)
        axis.set_yticks(np.arange(-0.5, len(variants)), minor=True)
        axis.grid(which="minor", color=PAPER, linewidth=1.5, visible=True)
        axis.tick_params(which="minor", length=0)
        axis.spines[:].set_visible(False)
        if budget == next(iter(evidence)):
            axis.set_yticks(range(len(variants)), [wrap(v.title, 34) for v in variants])
            axis.set_ylabel(experiment.figure.y)
        axis.set_xlabel(experiment.figure.x)
    assert shade is not None
    bar = figure.colorbar(shade, ax=list(axes), shrink=0.9, pad=0.02, aspect=18)
    bar.set_label("test accuracy (%)")
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_edgecolor("face")  # else the page shows through between its colours
    title(figure, experiment)


def cell_text(axis: "Axes", item: Evidence, row: int, column: int, dark: bool) -> None:
    """The numbers in one cell of `grid`."""
    if not item.n:
        axis.text(column, row, "not run", ha="center", va="center", fontsize=7, color=MUTED, style="italic")
        return
    colour = "#fdfdfd" if dark else "#101112"
    spread = "" if item.interval is None else f" ±{(item.interval[1] - item.interval[0]) / 2:.1f}"
    text = f"{item.mean:.1f}{spread}"
    if item.failures:
        text += f"\n{item.failures} of {item.n} failed"
    axis.text(column, row, text, ha="center", va="center", fontsize=7, color=colour, linespacing=1.1)


@register
class Grid(FigureKind):
    """A cell for each variant and protocol."""

    name = "grid"
    words = "Heat map of test accuracy, variants by protocols"

    def paint(self, figure, experiment, evidence):
        grid(figure, experiment, evidence)

    def chart(self, experiment, evidence, store):
        return charts.rows(experiment, evidence)
