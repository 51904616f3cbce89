"""Accuracy after each epoch."""

import math
from typing import TYPE_CHECKING, Any

from repro.config.specification import Budget
from repro.judging.evidence import ACCURACIES, Evidence, published
from repro.planning.experiments import Experiment
from repro.records import Store
from repro.reporting import style
from repro.reporting.figures.legends import key, legend, published_keys
from repro.reporting.figures.marks import PUBLISHED_MARK, limits
from repro.reporting.figures.selection import FEW, ByBudget, first_protocol, group_of, merged
from repro.reporting.figures.words import budget_title, seeds_text, short, title, wrap
from repro.reporting.style import COLOURS, MUTED, RULE
from repro.rules.claim import Claim

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIX = "-curves"
MARKS = "Means over seeds, with 95 % intervals from five seeds on, thin lines for seeds"
LINES_IN_A_PANEL = 5  # more curves than that in one panel cannot be told apart
PANELS_IN_A_ROW = 4
LEAST_EPOCHS = 3  # a curve of two points is a line


def trained(items: list[Evidence]) -> list[Evidence]:
    """Those of a budget that have curves: they were trained for `LEAST_EPOCHS` or more."""
    return [item for item in first_protocol(items) if item.n and item.run.recipe.epochs >= LEAST_EPOCHS]


def curves(figure: "Figure", experiment: Experiment, evidence: ByBudget, store: Store) -> None:
    """Accuracy after each epoch: on the test set the mean over seeds with its interval, on training images a thin line.

    A panel for each series, or for each variant where a series has too many.
    """
    from matplotlib.ticker import MaxNLocator

    found = panels_of(experiment, evidence)
    # Each budget begins a line of panels of its own, for its epochs are not those of the others.
    widest = max(map(len, found))
    columns = widest if widest <= 3 else PANELS_IN_A_ROW
    lines = [block[start : start + columns] for block in found for start in range(0, len(block), columns)]
    figure.set_size_inches(style.WIDTH, 0.9 + len(lines) * (2.5 if columns < 3 else 1.8 if columns < 4 else 1.5))
    axes = figure.subplots(len(lines), columns, squeeze=False, sharey=True)
    named: dict[str, int] = {}
    single = all(len(group) == 1 for line in lines for _, _, group in line)
    numbers: list[float] = []
    noted = False
    for row, line in zip(axes, lines, strict=True):
        for axis in row[len(line) :]:
            axis.set_visible(False)
        for axis, (_, heading, group) in zip(row, line, strict=False):
            if single:
                # The other panels' curves in grey: what this one is to be compared with.
                for item in (i for other in found for b, _, g in other for i in g if b == group[0].budget):
                    axis.plot(*numbered(band(learning(item, store)[0])[0]), color=RULE, lw=0.9, zorder=1)
            for item in group:
                name = short(experiment, item.variant)
                index = 0 if single else named.setdefault(name, len(named))
                numbers += draw_curve(axis, item, store, index)
                for claim in on_the_way(experiment, item):
                    axis.plot(claim.epoch, claim.published, **PUBLISHED_MARK)
                    numbers.append(claim.published or 0.0)
                    noted = True
            axis.set_title(wrap(heading, 84 // columns), fontsize=8)
            axis.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        row[0].set_ylabel("accuracy (%)")
        for axis in row[1:]:
            axis.tick_params(labelleft=True)
    for position in range(columns):
        below = [row[position] for row, line in zip(axes, lines, strict=True) if len(line) > position]
        below[-1].set_xlabel("epoch")
    limits(axes[0, 0].set_ylim, numbers)
    title(figure, experiment, "training curves")
    more = [key("the others", color=RULE, lw=0.9)] if single and sum(map(len, lines)) > 1 else []
    if any(item.failures for block in found for _, _, group in block for item in group):
        more.append(key("a seed that failed", color=MUTED, lw=0.6, marker="x", ms=3.5))
    if noted:
        more += published_keys(experiment)
    counts = [item.n - item.failures for block in found for _, _, group in block for item in group]
    bands, few = max(counts) >= FEW, any(1 < count < FEW for count in counts)
    legend(figure, [*curve_keys({} if single else named), *train_test_keys(bands, few), *more])


def panels_of(experiment: Experiment, evidence: ByBudget) -> list[list[tuple[Budget, str, list[Evidence]]]]:
    """For each budget with curves its panels: the budget, the panel's heading, what is drawn in it."""
    found = []
    for budget, items in evidence.items():
        items = [item for _, item in merged(trained(items))]
        if not items:
            continue
        groups: dict[str, list[Evidence]] = {}
        for item in items:
            groups.setdefault(group_of(experiment, item.variant), []).append(item)
        names = {short(experiment, item.variant) for item in items}
        if any(len(group) > LINES_IN_A_PANEL for group in groups.values()) or len(names) > len(COLOURS):
            groups = {item.variant.title: [item] for item in items}
        several = len(evidence) > 1
        found.append([(budget, panel_title(budget, name, group, several), group) for name, group in groups.items()])
    return found


def on_the_way(experiment: Experiment, item: Evidence) -> list[Claim]:
    """The published values of a variant after an epoch that its runs have; training accuracy too."""
    claims = published(experiment, item.variant, (*ACCURACIES, "train_accuracy"), earlier=True)
    return [claim for claim in claims if claim.epoch and claim.epoch <= item.run.recipe.epochs and not claim.needs]


def panel_title(budget: Budget, name: str, group: list[Evidence], several: bool) -> str:
    """The heading of a panel of `curves`: what is in it, at which budget, of how many seeds."""
    if not name:
        return budget_title(budget, group)
    return f"{name}, {budget_title(budget, group) if several else seeds_text(group)}"


def draw_curve(axis: "Axes", item: Evidence, store: Store, index: int) -> list[float]:
    """One variant's curves; returns numbers that the axis must hold.

    Seeds that failed stand by themselves: in the mean they would hide how the others learn.
    """
    import numpy as np

    test, train = learning(item, store)
    failed = np.array(item.failed)
    colour = style.colour(index)
    for values in test[failed]:
        axis.plot(*numbered(values), color=colour, lw=0.6, marker="x", ms=3.5, alpha=0.8, zorder=2)
    if failed.all():
        return [float(number) for number in test[np.isfinite(test)]]
    lost = test[failed].ravel()
    test, train = test[~failed], train[~failed]
    mean, low, high = band(test)
    epochs, mean = numbered(mean)
    if len(test) >= FEW:
        axis.fill_between(epochs, low, high, color=colour, alpha=0.2, lw=0)
    elif len(test) > 1:
        for values in test:
            axis.plot(*numbered(values), color=colour, lw=0.5, alpha=0.7, zorder=2)
    axis.plot(
        epochs, mean, color=colour, ls=style.dashes(index), lw=1.4, marker=style.marker(index), ms=3,
        markevery=max(1, len(epochs) // 10), zorder=3,
    )  # fmt: skip
    seen = band(train)[0]
    axis.plot(epochs, seen, color=colour, lw=0.7, ls=(0, (2, 1)), zorder=2)
    drawn = test.ravel() if len(test) < FEW else ()
    return [float(number) for number in (*mean, *seen, *lost, *drawn) if math.isfinite(number)]


def numbered(values: "np.ndarray") -> "tuple[np.ndarray, np.ndarray]":
    """Values with the epochs that they are of, from 1."""
    import numpy as np

    return np.arange(1, len(values) + 1), values


def learning(item: Evidence, store: Store) -> "tuple[np.ndarray, np.ndarray]":
    """Test and training accuracy in percent, [seeds, epochs]; NaN after the end of a run that diverged."""
    import numpy as np

    histories = [store.history(record) for record in item.records]
    length = max((len(history) for history in histories), default=0)
    test, train = (np.full((len(histories), max(length, 1)), np.nan) for _ in range(2))
    for row, history in enumerate(histories):
        test[row, : len(history)] = [100 * epoch.test_accuracy for epoch in history]
        train[row, : len(history)] = [100 * epoch.train_accuracy for epoch in history]
    return test, train


def band(values: "np.ndarray") -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Mean of each column and its 95 % t interval, cut to 0..100; no width where there is one value only."""
    import numpy as np
    from scipy import stats

    there = np.isfinite(values)
    n = there.sum(0)
    filled = np.where(there, values, 0.0)
    mean = np.divide(filled.sum(0), n, out=np.full(len(n), np.nan), where=n > 0)
    square = np.where(there, (values - mean) ** 2, 0.0).sum(0)
    sd = np.sqrt(np.divide(square, n - 1, out=np.zeros(len(n)), where=n > 1))
    half = stats.t.ppf(0.975, np.maximum(n - 1, 1)) * sd / np.sqrt(np.maximum(n, 1))
    return mean, np.clip(mean - half, 0, 100), np.clip(mean + half, 0, 100)


def curve_keys(named: dict[str, int]) -> list[Any]:
    """Legend entries of the variants of `curves`."""
    return [
        key(name, color=style.colour(i), ls=style.dashes(i), marker=style.marker(i), ms=3, lw=1.4)
        for name, i in named.items()
    ]


def train_test_keys(bands: bool, few: bool) -> list[Any]:
    """Legend entries of the kinds of curves; `bands` and `few`: whether intervals and single seeds are drawn."""
    from matplotlib.patches import Patch

    return [
        key("test, mean over seeds" if bands or few else "test", color=MUTED, lw=1.4),
        *([Patch(facecolor=RULE, label="95 % interval")] if bands else []),
        *([key("test, one seed", color=MUTED, lw=0.5)] if few else []),
        key("training images", color=MUTED, lw=0.7, ls=(0, (2, 1))),
    ]


def alt_text(experiment: Experiment, evidence: ByBudget) -> str:
    """Describe the training curves in a sentence for each budget: where they end."""
    parts = []
    for budget, found in evidence.items():
        if ends := [f"{item.variant.title} {item.mean:.1f} %" for item in trained(found)]:
            parts.append(f"At the end at the {budget} budget: {'; '.join(ends)}.")
    return f"Training curves of {experiment.title}: test accuracy after each epoch. {' '.join(parts)}"
