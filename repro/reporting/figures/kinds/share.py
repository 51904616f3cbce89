"""The figure kind `share`: the share of runs that failed."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from repro.judging.evidence import Evidence
from repro.planning.experiments import Experiment
from repro.reporting import style
from repro.reporting.figures import charts
from repro.reporting.figures.kinds.sweep import places_along
from repro.reporting.figures.legends import legend
from repro.reporting.figures.registry import FigureKind, register
from repro.reporting.figures.selection import ByBudget, first_protocol
from repro.reporting.figures.words import budget_title, title
from repro.reporting.table import NOT_RUN, Column, Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHARES: dict[str, Callable[[Evidence], int]] = {
    "at chance (% of runs)": lambda item: item.failures,
    "dead: a layer is the same\nfor all images (% of runs)": lambda item: len(item.dead),
}


def share(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """The share of runs that never left chance, and of those that answer the same to every image, against `variant.at`.

    A column of panels for each budget, a line for each series, Wilson intervals.
    """
    figure.set_size_inches(style.WIDTH, 5.4)
    axes = figure.subplots(len(SHARES), len(evidence), squeeze=False, sharex="col", sharey=True)
    for column, (budget, found) in enumerate(evidence.items()):
        found = [item for item in first_protocol(found) if item.n]
        for axis, (heading, count) in zip(axes[:, column], SHARES.items(), strict=True):
            draw_share(axis, experiment, found, count)
            if not column:
                axis.set_ylabel(heading)
        axes[0, column].set_title(budget_title(budget, found))
        axes[-1, column].set_xlabel(experiment.figure.x)
    title(figure, experiment)
    handles: dict[str, Any] = {}
    for axis in axes.flat:
        handles |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    legend(figure, list(handles.values()), list(handles))


def draw_share(axis: "Axes", experiment: Experiment, found: list[Evidence], count: Callable[[Evidence], int]) -> None:
    """One panel of `share`."""
    from repro.rules.statistics import wilson

    series = list(dict.fromkeys(item.variant.series for item in found))
    place = places_along(axis, [item.variant.at for item in found])
    for index, name in enumerate(series):
        items = [item for item in found if item.variant.series == name]
        if all(isinstance(item.variant.at, int | float) for item in found):
            items.sort(key=lambda item: float(item.variant.at or 0))
        x = [place(item.variant.at, index - (len(series) - 1) / 2) for item in items]
        shares = [100 * count(item) / item.n for item in items]
        bounds = [wilson(count(item), item.n) for item in items]
        error = [
            [max(0.0, s - 100 * b.low) for s, b in zip(shares, bounds, strict=True)],
            [max(0.0, 100 * b.high - s) for s, b in zip(shares, bounds, strict=True)],
        ]
        axis.errorbar(
            x, shares, yerr=error, color=style.colour(index), ls=style.dashes(index), marker=style.marker(index),
            ms=5, lw=1.2, elinewidth=0.9, capsize=2, label=name or experiment.title, clip_on=False, zorder=3,
        )  # fmt: skip
    axis.set_ylim(0, 100)


def share_of(count: int, n: int) -> Estimate | None:
    """A number of runs as a percentage of all, with its Wilson interval."""
    from repro.rules.statistics import wilson

    if not n:
        return None
    low, high = wilson(count, n)
    return Estimate(100 * count / n, 100 * low, 100 * high, n)


@register
class Share(FigureKind):
    """A column of panels for each budget."""

    name = "share"
    words = "Share of runs that failed"
    marks = "Shares of runs with Wilson's 95 % intervals"
    notes = ("Dead: some layer's output is the same for every test image, so the answer is too.",)

    def paint(self, figure, experiment, evidence):
        share(figure, experiment, evidence)

    def columns_after(self, budget):
        def layers(item: Evidence) -> str | None:
            return ", ".join(f"{layer} ({count})" for layer, count in sorted(Counter(item.dead).items())) or None

        return [
            (
                Column(f"{budget}_failed", f"{budget}, % at chance", "right", empty=NOT_RUN),
                lambda item: share_of(item.failures, item.n),
            ),
            (
                Column(f"{budget}_dead", f"{budget}, % dead", "right", empty=NOT_RUN),
                lambda item: share_of(len(item.dead), item.n),
            ),
            (Column(f"{budget}_dead_layers", "first dead layer (runs)"), layers),
        ]

    def chart(self, experiment, evidence, store):
        """With a line for each series, and Wilson's intervals."""
        from repro.rules.statistics import wilson

        def shares(item: Evidence) -> list[charts.Chart]:
            counts = [count(item) for count in SHARES.values()]
            return [charts.mark(100 * k / item.n, [100 * bound for bound in wilson(k, item.n)], item.n) for k in counts]

        y = [{"label": label.replace("\n", " "), "low": 0, "high": 100} for label in SHARES]
        return charts.settings(experiment, evidence, y, shares)
