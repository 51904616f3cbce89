"""The figures of experiments. Each shows measured values with 95 % intervals, and published values beside them.

A figure is drawn from evidence and histories alone. Colours, markers and line styles change together, so that nothing
is told by colour alone.
"""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.data import DATASETS
from repro.judging.claims import Claim
from repro.judging.evidence import ACCURACIES, Evidence, published
from repro.planning.experiments import Experiment, Variant
from repro.planning.specification import Budget
from repro.records import Store
from repro.reporting import compression, differences, sizes, style
from repro.reporting.style import COLOURS, DASHES, INK, MARKERS, MUTED, PAPER, PUBLISHED, RULE

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ByBudget = dict[Budget, list[Evidence]]

LINES_IN_A_PANEL = 5  # more curves than that in one panel cannot be told apart
PANELS_IN_A_ROW = 4


@dataclass(frozen=True)
class Drawn:
    """A figure that was written as NAME.svg, .png and .pdf.

    alt: what it shows, for those who cannot see it.
    """

    name: str
    alt: str


def described(experiment: Experiment, evidence: ByBudget, store: Store) -> list[Drawn]:
    """The figures that an experiment has, told from its evidence without drawing them."""
    if experiment.kind == "compression":
        return compression.described(experiment, store)
    if experiment.kind == "diagrams":
        from repro.reporting.diagrams import DIAGRAMS

        return [Drawn(f"architecture-{name}", " ".join((d.__doc__ or name).split())) for name, d in DIAGRAMS.items()]
    if experiment.kind == "sizes":
        return sizes.described(experiment)
    if not evidence:
        return []
    own = []
    if experiment.figure.kind != "none":
        _, words = KINDS[experiment.figure.kind]
        own = [Drawn(experiment.name, alt_text(words, experiment, evidence))]
    if differences.drawable(experiment, evidence):
        own.append(Drawn(experiment.name + differences.SUFFIX, differences.alt_text(experiment, evidence)))
    return [*own, Drawn(f"{experiment.name}-curves", curves_alt_text(experiment, evidence))]


def draw(experiment: Experiment, evidence: ByBudget, store: Store, folder: Path) -> list[Drawn]:
    """Write the experiment's own figure and, where it trains, its curves; nothing where nothing has been run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = described(experiment, evidence, store)
    with style.styled():
        for each in drawn:
            if experiment.kind == "diagrams":
                from repro.reporting.diagrams import DIAGRAMS

                figure = DIAGRAMS[each.name.removeprefix("architecture-")]()
            else:
                figure = FigureCanvasAgg(Figure(layout="constrained")).figure
                if experiment.kind == "sizes":
                    sizes.paint(figure, experiment)
                elif experiment.kind == "compression":
                    compression.paint(figure, experiment, store, each.name)
                elif each.name == experiment.name + differences.SUFFIX:
                    differences.paint(figure, experiment, evidence)
                elif each.name == experiment.name:
                    paint, _ = KINDS[experiment.figure.kind]
                    paint(figure, experiment, evidence)
                else:
                    curves(figure, experiment, evidence, store)
            style.save(figure, folder, each.name)
    return drawn


def bars(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """A row for each variant and protocol: a dot per seed, the mean with its interval, the published value."""
    protocols = experiment.protocols
    there = {item.variant.name for found in evidence.values() for item in found}
    rows = layout_rows(experiment, [variant for variant in experiment.variants if variant.name in there])
    step = 1 / (len(protocols) + 0.6)
    bottom = rows[-1][1] + 0.5
    figure.set_size_inches(style.WIDTH, 1.25 + bottom * max(0.3, 0.19 * len(protocols) + 0.06))
    axes = panels(figure, evidence)
    for axis, (budget, found) in zip(axes, evidence.items(), strict=True):
        numbers: list[float] = []
        for item in found:
            place = next(y for variant, y, _ in rows if variant is item.variant)
            index = protocols.index(item.protocol)
            y = place + (index - (len(protocols) - 1) / 2) * step
            numbers += draw_row(axis, item, y, index)
            for claim in published(experiment, item.variant):
                if claim.protocol == item.protocol or (claim.protocol not in protocols and index == 0):
                    axis.plot(claim.published or 0.0, y, **PUBLISHED_MARK)
                    numbers.append(claim.published or 0.0)
        limits(axis.set_xlim, numbers)
        axis.set_ylim(bottom, -0.6)
        axis.set_title(budget_title(budget, found))
        axis.set_xlabel(experiment.figure.y or "test accuracy (%)")
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", length=0)
    names = [short(experiment, variant) for variant, _, _ in rows]
    axes[0].set_yticks([y for _, y, _ in rows], [wrap(name, 34) for name in names])
    for _, y, group in rows:
        if group:
            axes[0].annotate(
                wrap(group, 40), (0, y - 0.72), xycoords=("axes fraction", "data"), xytext=(-4, 0),
                textcoords="offset points", ha="right", va="center", weight="bold", fontsize=7.5,
            )  # fmt: skip
    title(figure, experiment)
    legend(figure, [*protocol_keys(protocols), *seed_keys(evidence), *published_keys(experiment)])


def draw_row(axis: "Axes", item: Evidence, y: float, index: int) -> list[float]:
    """One measured row of `bars`; returns every number drawn."""
    colour = COLOURS[index % len(COLOURS)]
    if not item.n:
        axis.annotate("not run", (1, y), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
                      va="center", color=MUTED, fontsize=7, style="italic")  # fmt: skip
        return []
    for value, failed in zip(item.values, item.failed, strict=True):
        mark: dict[str, Any] = {"marker": "x", "ms": 4, "mew": 1} if failed else {"marker": "o", "ms": 3, "mew": 0.6}
        axis.plot(value, y + 0.13, ls="", mfc="none", mec=colour, alpha=0.75, zorder=2, **mark)
    error_bar(axis, item.mean, y, item.interval, index, along="x")
    label = f"{item.mean:.1f}"
    if item.failures:
        label += f"  ({item.failures} of {item.n} failed)"
    axis.annotate(label, (1, y), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
                  va="center", fontsize=7, color=INK)  # fmt: skip
    return sensible(item)


def parameters(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """Accuracy against the number of parameters: a point for each variant and protocol."""
    against(figure, experiment, evidence, {experiment.figure.x or "parameters": lambda item: item.parameters or 1})


def macs(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """Accuracy against the compute for one image."""
    against(figure, experiment, evidence, {experiment.figure.x or COMPUTE: lambda item: item.macs})


def frontier(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """Accuracy against parameters and against compute, and the best up to each size."""
    measures: Measures = {"parameters": lambda item: item.parameters or 1, COMPUTE: lambda item: item.macs}
    against(figure, experiment, evidence, measures, best=True)


Measures = dict[str, Callable[[Evidence], float]]  # by the axis's label
COMPUTE = "multiply-accumulates for one image"


def against(
    figure: "Figure", experiment: Experiment, evidence: ByBudget, measures: Measures, best: bool = False
) -> None:
    """Accuracy against sizes of the networks: a row of panels for each size, a column for each budget.

    Looks tell protocols apart; where there is one protocol only, series. A series along `variant.at` is a line.

    Args:
        best: draw the highest accuracy of all networks up to each size.
    """
    figure.set_size_inches(style.WIDTH, 0.3 + 3.4 * len(measures))
    axes = figure.subplots(len(measures), len(evidence), squeeze=False)
    series = list(dict.fromkeys(item.variant.series for found in evidence.values() for item in found))
    grouped = len(experiment.protocols) == 1 and len(series) > 1
    named = []
    for row, (label, size) in enumerate(measures.items()):
        for axis, (budget, found) in zip(axes[row], evidence.items(), strict=True):
            found = [item for item in found if item.n]
            points: list[tuple[float, float, float]] = []  # size, and from where to where it is covered
            numbers: list[float] = []
            for item in found:
                index = series.index(item.variant.series) if grouped else experiment.protocols.index(item.protocol)
                error_bar(axis, item.mean, size(item), item.interval, index, along="y")
                numbers += sensible(item)
                points.append((size(item), *(item.interval or (item.mean, item.mean))))
                for claim in published(experiment, item.variant):
                    first = item.protocol == experiment.protocols[0]
                    if claim.protocol == item.protocol or (claim.protocol not in experiment.protocols and first):
                        stated = claim.published or 0.0
                        axis.plot([size(item)] * 2, [item.mean, stated], color=PUBLISHED, lw=0.7, ls=":", zorder=1)
                        axis.plot(size(item), stated, **PUBLISHED_MARK)
                        numbers.append(stated)
                        points.append((size(item), stated, stated))
            for index, name in enumerate(series if grouped else ()):
                line = [(size(i), i.mean) for i in found if i.variant.series == name and i.variant.at is not None]
                if line:
                    x, y = zip(*line, strict=True)
                    axis.plot(x, y, color=COLOURS[index % 6], ls=DASHES[index % 6], lw=0.9, zorder=2)
            limits(axis.set_ylim, numbers, room=0.12)
            size_axis(axis, [size(item) for item in found])
            axis.set_xlabel(label)
            axis.set_ylabel(experiment.figure.y or "test accuracy (%)")
            if best:
                draw_best(axis, sorted((size(item), item.mean) for item in first_protocol(found)))
            if not row:
                axis.set_title(budget_title(budget, found))
            names = merged(first_protocol(found))
            if grouped:
                names = [(short(experiment, item.variant), item) for _, item in names]
            named.append((axis, [(text, size(item), item.mean) for text, item in names], points))
    title(figure, experiment)
    keys = series_keys(series) if grouped else protocol_keys(experiment.protocols)
    if best:
        keys.append(_key("best up to this size", color=MUTED, lw=0.8, alpha=0.6))
    legend(figure, [*keys, *published_keys(experiment)])
    style.settle(figure)
    for axis, labels, points in named:
        place_labels(axis, labels, points)


def draw_best(axis: "Axes", points: Sequence[tuple[float, float]]) -> None:
    """The highest accuracy up to each size, from (size, accuracy) in order of size, as steps to the panel's edge."""
    best = [point for place, point in enumerate(points) if all(point[1] > before[1] for before in points[:place])]
    x, y = zip(*best, (axis.get_xlim()[1], best[-1][1]), strict=True)
    axis.plot(x, y, color=MUTED, lw=0.8, alpha=0.6, drawstyle="steps-post", zorder=1, scalex=False, scaley=False)


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


def sweep(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """Accuracy against `variant.at`, a line for each series; where a source says that it levels off.

    Published values on other data have a panel of their own, before those of the budgets.
    """
    elsewhere = [
        (variant, claim)
        for variant in experiment.variants
        for claim in published(experiment, variant, (*ACCURACIES, "top5"))
        if claim.needs or claim.metric == "top5"
    ]
    figure.set_size_inches(style.WIDTH, 3.5)
    axes = list(figure.subplots(1, len(evidence) + bool(elsewhere), squeeze=False)[0])
    series = list(dict.fromkeys(variant.series for variant in experiment.variants))
    levels = {claim.saturates for claim in experiment.claims if claim.saturates}
    level = [variant for variant in experiment.variants if variant.name in levels]
    if elsewhere:
        axis = axes.pop(0)
        place = places_along(axis, [variant.at for variant in experiment.variants])
        for variant in experiment.variants:
            axis.plot(place(variant.at), math.nan)  # the axis reaches as far as those of the budgets
        for variant, claim in elsewhere:
            axis.plot(place(variant.at), claim.published or 0.0, **PUBLISHED_MARK)
        limits(axis.set_ylim, [claim.published or 0.0 for _, claim in elsewhere], room=0.12)
        axis.set_title("published, on ImageNet")
        axis.set_ylabel("top-5 accuracy (%)" if elsewhere[0][1].metric == "top5" else "test accuracy (%)")
        mark_level(axis, [place(variant.at) for variant in level])
        axis.set_xlabel(experiment.figure.x)
    for axis, (budget, found) in zip(axes, evidence.items(), strict=True):
        found = [item for item in first_protocol(found) if item.n]
        place = places_along(axis, [item.variant.at for item in found])
        numbers: list[float] = []
        for index, name in enumerate(series):
            aside = index - (len(series) - 1) / 2
            line = [(place(item.variant.at, aside), item) for item in found if item.variant.series == name]
            for x, item in line:
                error_bar(axis, item.mean, x, item.interval, index, along="y")
                numbers += sensible(item)
                for claim in published(experiment, item.variant):
                    if not claim.needs:
                        axis.plot(x, claim.published or 0.0, **PUBLISHED_MARK)
                        numbers.append(claim.published or 0.0)
            axis.plot([x for x, _ in line], [item.mean for _, item in line], color=COLOURS[index % 6],
                      ls=DASHES[index % 6], lw=1.2, zorder=2)  # fmt: skip
        limits(axis.set_ylim, numbers, room=0.12)
        mark_level(axis, [place(variant.at) for variant in level])
        axis.set_title(budget_title(budget, found))
        axis.set_xlabel(experiment.figure.x)
        axis.set_ylabel(experiment.figure.y or "test accuracy (%)")
    title(figure, experiment)
    keys = series_keys(series) if len(series) > 1 else protocol_keys(experiment.protocols[:1])
    if level:
        keys.append(_key("level from here, as published", color=PUBLISHED, lw=0.9, ls=":"))
    legend(figure, [*keys, *published_keys(experiment, metrics=(*ACCURACIES, "top5"))])


def mark_level(axis: "Axes", places: Sequence[float]) -> None:
    """Where accuracy is published to level off."""
    for x in places:
        axis.axvline(x, color=PUBLISHED, lw=0.9, ls=":", zorder=1)


def places_along(axis: "Axes", stands: Sequence[float | str | None]) -> Callable[..., float]:
    """Prepare the axis for values of `variant.at`; where each of them stands on it, shifted by a few `aside`.

    Numbers stand where they belong, on a logarithmic axis where they span a factor of 10 or more; words side by side.
    Lines that agree would hide each other: each may stand a little beside the last.
    """
    from matplotlib.ticker import NullLocator

    words = list(dict.fromkeys(stands))
    numbers = sorted(float(at) for at in words if isinstance(at, int | float))
    if len(numbers) < len(words):
        axis.set_xticks(range(len(words)), [wrap(str(at), 14) for at in words])
        return lambda at, aside=0.0: words.index(at) + 0.06 * aside
    if numbers[0] > 0 and numbers[-1] >= 10 * numbers[0]:
        axis.set_xscale("log")
        axis.set_xticks(numbers, [f"{at:g}" for at in numbers])
        axis.xaxis.set_minor_locator(NullLocator())
        gap = math.log(numbers[-1] / numbers[0]) / 60
        return lambda at, aside=0.0: at * math.exp(gap * aside)
    axis.set_xticks(numbers, [f"{at:g}" for at in numbers])
    gap = (numbers[-1] - numbers[0]) / 60
    return lambda at, aside=0.0: at + gap * aside


def grid(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """Variants x protocols as a heat map, the mean in each cell."""
    import numpy as np

    variants, protocols = experiment.variants, experiment.protocols
    figure.set_size_inches(style.WIDTH, 1.3 + 0.36 * len(variants))
    axes = panels(figure, evidence)
    top = 10 * math.ceil(max(item.mean for found in evidence.values() for item in found if item.n) / 10)
    shade = None
    for axis, (budget, found) in zip(axes, evidence.items(), strict=True):
        means = np.full((len(variants), len(protocols)), np.nan)
        for item in found:
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
    legend(figure, published_keys(experiment, "printed small"))


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
    from repro.judging.statistics import wilson

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
            x, shares, yerr=error, color=COLOURS[index % 6], ls=DASHES[index % 6], marker=MARKERS[index % 6],
            ms=5, lw=1.2, elinewidth=0.9, capsize=2, label=name or experiment.title, clip_on=False, zorder=3,
        )  # fmt: skip
    axis.set_ylim(0, 100)


def curves(figure: "Figure", experiment: Experiment, evidence: ByBudget, store: Store) -> None:
    """Accuracy after each epoch: on the test set the mean over seeds with its interval, on training images a thin line.

    A panel for each series, or for each variant where a series has too many.
    """
    from matplotlib.ticker import MaxNLocator

    found: list[list[tuple[Budget, str, list[Evidence]]]] = []
    for budget, items in evidence.items():
        trained = [item for item in first_protocol(items) if item.n and item.run.recipe.epochs]
        items = [item for _, item in merged(trained)]
        groups: dict[str, list[Evidence]] = {}
        for item in items:
            groups.setdefault(group_of(experiment, item.variant), []).append(item)
        names = {short(experiment, item.variant) for item in items}
        if any(len(group) > LINES_IN_A_PANEL for group in groups.values()) or len(names) > len(COLOURS):
            groups = {item.variant.title: [item] for item in items}
        several = len(evidence) > 1
        found.append([(budget, panel_title(budget, name, several), group) for name, group in groups.items()])
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
                index = 0 if single else named.setdefault(name, len(named)) % len(COLOURS)
                numbers += draw_curve(axis, item, store, index)
                for claim in on_the_way(experiment, item):
                    axis.plot(claim.epoch, claim.published, **PUBLISHED_MARK)
                    numbers.append(claim.published or 0.0)
                    noted = True
            axis.set_title(wrap(heading, 96 // columns), fontsize=8)
            axis.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
            if all(item.run.recipe.epochs == 1 for item in group):
                axis.set_xlim(0.5, 1.5)
        row[0].set_ylabel("accuracy (%)")
    for position in range(columns):
        below = [row[position] for row, line in zip(axes, lines, strict=True) if len(line) > position]
        below[-1].set_xlabel("epoch")
    limits(axes[0, 0].set_ylim, numbers)
    title(figure, experiment, "training curves")
    more = [_key("the others", color=RULE, lw=0.9)] if single and sum(map(len, lines)) > 1 else []
    if any(item.failures for block in found for _, _, group in block for item in group):
        more.append(_key("a seed that failed", color=MUTED, lw=0.6, marker="x", ms=3.5))
    if noted:
        more += published_keys(experiment)
    legend(figure, [*curve_keys({} if single else named), *train_test_keys(), *more])


def on_the_way(experiment: Experiment, item: Evidence) -> list[Claim]:
    """What is published of a variant after an epoch that its runs have; training accuracy too."""
    claims = published(experiment, item.variant, (*ACCURACIES, "train_accuracy"))
    return [claim for claim in claims if claim.epoch and claim.epoch <= item.run.recipe.epochs and not claim.needs]


def panel_title(budget: Budget, group: str, several: bool) -> str:
    """The heading of a panel of `curves`."""
    if not group:
        return f"{budget} budget"
    return f"{group}, {budget}" if several else group


def draw_curve(axis: "Axes", item: Evidence, store: Store, index: int) -> list[float]:
    """One variant's curves; returns numbers that the axis must hold.

    Seeds that failed stand by themselves: in the mean they would hide how the others learn.
    """
    import numpy as np

    test, train = learning(item, store)
    failed = np.array(item.failed)
    colour = COLOURS[index]
    for values in test[failed]:
        axis.plot(*numbered(values), color=colour, lw=0.6, marker="x", ms=3.5, alpha=0.8, zorder=2)
    if failed.all():
        return [float(number) for number in test[np.isfinite(test)]]
    lost = test[failed].ravel()
    test, train = test[~failed], train[~failed]
    mean, low, high = band(test)
    epochs, mean = numbered(mean)
    axis.fill_between(epochs, low, high, color=colour, alpha=0.2, lw=0)
    axis.plot(
        epochs, mean, color=colour, ls=DASHES[index], lw=1.4, marker=MARKERS[index], ms=3,
        markevery=max(1, len(epochs) // 10), zorder=3,
    )  # fmt: skip
    seen = band(train)[0]
    axis.plot(epochs, seen, color=colour, lw=0.7, ls=(0, (2, 1)), zorder=2)
    return [float(number) for number in (*mean, *seen, *lost) if math.isfinite(number)]


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


# What the figures share.

PUBLISHED_MARK: dict[str, Any] = {
    "marker": "D", "ms": 5, "mfc": "none", "mec": PUBLISHED, "mew": 1.3, "ls": "", "zorder": 4, "clip_on": False,
}  # fmt: skip


def panels(figure: "Figure", evidence: ByBudget, sharey: bool = True) -> "Sequence[Axes]":
    """One panel for each budget, side by side."""
    return figure.subplots(1, len(evidence), squeeze=False, sharey=sharey)[0]


def error_bar(
    axis: "Axes", mean: float, at: float, interval: tuple[float, float] | None, index: int, along: str
) -> None:
    """A mean with its interval, along one axis."""
    look: dict[str, Any] = {
        "marker": MARKERS[index % 6], "color": COLOURS[index % 6], "ms": 5, "mec": PAPER, "mew": 0.5, "elinewidth": 1.1,
        "capsize": 2.5, "ls": "", "zorder": 3,
    }  # fmt: skip
    error = None if interval is None else [[max(0.0, mean - interval[0])], [max(0.0, interval[1] - mean)]]
    if along == "x":
        axis.errorbar([mean], [at], xerr=error, **look)
    else:
        axis.errorbar([at], [mean], yerr=error, **look)


def layout_rows(experiment: Experiment, variants: Sequence[Variant]) -> list[tuple[Variant, float, str]]:
    """Variants from top to bottom: (variant, y, heading of the group that starts there or empty)."""
    rows, y, last = [], 0.0, None
    grouped = len({group_of(experiment, v) for v in variants}) > 1
    order = list(dict.fromkeys(group_of(experiment, v) for v in variants))
    for variant in sorted(variants, key=lambda v: order.index(group_of(experiment, v))):
        group = group_of(experiment, variant)
        starts = grouped and group != last
        y += 0.75 if starts else 0.0
        rows.append((variant, y, group if starts else ""))
        last = group
        y += 1
    return rows


def group_of(experiment: Experiment, variant: Any) -> str:
    """The group a variant is shown in: its series, or its data set where the experiment has several."""
    if variant.series:
        return variant.series
    names = {v.data.get("name", "cifar10") for v in experiment.variants}
    return DATASETS[variant.data.get("name", "cifar10")].title if len(names) > 1 else ""


def first_protocol(found: list[Evidence]) -> list[Evidence]:
    """One piece of evidence for each variant."""
    return list({item.variant.name: item for item in reversed(found)}.values())[::-1]


def merged(found: list[Evidence]) -> list[tuple[str, Evidence]]:
    """Evidence with its name; variants that turned out to be the same network are one, under all their names."""
    groups: dict[bytes, list[Evidence]] = {}
    for item in found:
        groups.setdefault(item.run.without_seed(), []).append(item)
    return [(" = ".join(item.variant.title for item in group), group[0]) for group in groups.values()]


def sensible(item: Evidence) -> list[float]:
    """The numbers an axis must hold: not the ends of an interval that failed runs blow up; it may leave the panel."""
    return [*item.values, item.mean, *(item.interval or () if not item.failures else ())]


def short(experiment: Experiment, variant: Any) -> str:
    """A variant's title without the name of the group that it is shown in."""
    group = group_of(experiment, variant)
    rest = variant.title.replace(group, "").strip(" ,:") if group else ""
    return rest or variant.title


def limits(setter: Callable[[float, float], Any], numbers: Sequence[float], room: float = 0.06) -> None:
    """Axis limits around the numbers, inside what percentages can be."""
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 100.0)
    span = max(high - low, 4.0)
    setter(max(low - room * span, -1.0), min(high + room * span, 101.0))


def title(figure: "Figure", experiment: Experiment, suffix: str = "") -> None:
    """The figure's heading, from the left edge."""
    text = experiment.figure.title or experiment.title
    figure.suptitle(wrap(f"{text}: {suffix}" if suffix else text, 96), x=0.008, ha="left")


def legend(figure: "Figure", handles: list[Any], labels: list[str] | None = None) -> None:
    """One legend under all panels."""
    if handles:
        labels = labels or [handle.get_label() for handle in handles]
        longest = max(len(label) for label in labels)
        columns = max(1, min(len(handles), 110 // (longest + 7)))
        figure.legend(handles, labels, loc="outside lower left", ncols=columns, handlelength=2.2, columnspacing=1.4)


def _key(label: str, **look: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **look)


def protocol_keys(protocols: Sequence[str]) -> list[Any]:
    """Legend entries of the means."""
    return [
        _key(
            f"mean, 95 % interval{f' ({spoken(p)})' if len(protocols) > 1 else ''}",
            color=COLOURS[i % 6], marker=MARKERS[i % 6], ms=5, mec=PAPER, lw=1.1,
        )
        for i, p in enumerate(protocols)
    ]  # fmt: skip


def seed_keys(evidence: ByBudget) -> list[Any]:
    """Legend entries of single seeds."""
    keys = [_key("one seed", ls="", marker="o", ms=3, mfc="none", mec=MUTED, mew=0.6)]
    if any(item.failures for found in evidence.values() for item in found):
        keys.append(_key("one seed, failed to train", ls="", marker="x", ms=4, mec=MUTED, mew=1))
    return keys


def published_keys(experiment: Experiment, how: str = "", metrics: tuple[str, ...] = ACCURACIES) -> list[Any]:
    """The legend entry of published values, where there are any."""
    claims = [claim for variant in experiment.variants for claim in published(experiment, variant, metrics)]
    if how or not claims:
        return []
    name = "published, on ImageNet" if all("ImageNet" in claim.needs for claim in claims) else "published"
    return [_key(name, **{k: v for k, v in PUBLISHED_MARK.items() if k not in ("zorder", "clip_on")})]


def series_keys(series: Sequence[str]) -> list[Any]:
    """Legend entries of the series of `against` and `sweep`."""
    return [
        _key(name or "others", color=COLOURS[i % 6], ls=DASHES[i % 6], marker=MARKERS[i % 6], ms=5, mec=PAPER, lw=1.1)
        for i, name in enumerate(series)
    ]


def curve_keys(named: dict[str, int]) -> list[Any]:
    """Legend entries of the variants of `curves`."""
    return [
        _key(name, color=COLOURS[i % 6], ls=DASHES[i % 6], marker=MARKERS[i % 6], ms=3, lw=1.4)
        for name, i in named.items()
    ]


def train_test_keys() -> list[Any]:
    """Legend entries of the two kinds of curves."""
    from matplotlib.patches import Patch

    return [
        _key("test, mean over seeds", color=MUTED, lw=1.4),
        Patch(facecolor=RULE, label="95 % interval"),
        _key("training images", color=MUTED, lw=0.6, ls=(0, (2, 1))),
    ]


def budget_title(budget: Budget, found: list[Evidence]) -> str:
    """A panel's heading."""
    counts = sorted({item.n for item in found if item.n})
    if not counts:
        return f"{budget} budget"
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{budget} budget, {seeds} seed{'s' if counts[-1] > 1 else ''}"


def spoken(protocol: str) -> str:
    """A protocol's name as words."""
    return protocol.replace("-", " ")


def shorten(number: float) -> str:
    """A count for an axis: 740k, 1.25M."""
    if number >= 1e6:
        return f"{number / 1e6:.3g}M"
    return f"{number / 1e3:.3g}k" if number >= 1e3 else f"{number:g}"


def wrap(text: str, width: int) -> str:
    """The text over several lines."""
    return "\n".join(textwrap.wrap(text, width, break_long_words=False)) or text


def place_labels(
    axis: "Axes", labels: list[tuple[str, float, float]], points: list[tuple[float, float, float]]
) -> None:
    """Name points so that names cover neither points nor each other nor leave the panel, as far as that is possible."""
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    canvas = axis.figure.canvas
    renderer = canvas.get_renderer()  # type: ignore[attr-defined]
    frame = axis.get_window_extent(renderer)
    margin = 5 * axis.figure.dpi / 72
    taken = []
    for x, low, high in points:
        (left, bottom), (_, top) = axis.transData.transform([(x, low), (x, high)])
        taken.append(Bbox.from_extents(left - margin, bottom - margin, left + margin, top + margin))
    # Beside and around the point; then farther away, with a line to it.
    offsets = [(8, 0), (-8, 0), (0, 9), (0, -9), (6, 6), (-6, 6), (6, -6), (-6, -6)]
    offsets += [(dx * far, dy * far) for far in (14, 22, 32) for dx, dy in ((1, 1), (-1, 1), (1, -1), (-1, -1))]
    leader = {"arrowstyle": "-", "color": MUTED, "lw": 0.5, "shrinkA": 0, "shrinkB": 3}
    for text, x, y in sorted(labels, key=lambda label: label[1]):
        best = None
        for dx, dy in offsets:
            label = axis.annotate(
                wrap(text, 26), (x, y), (dx, dy), textcoords="offset points", fontsize=7,
                ha="left" if dx > 0 else "right" if dx < 0 else "center",
                va="bottom" if dy > 0 else "top" if dy < 0 else "center",
                arrowprops=leader if math.hypot(dx, dy) > 10 else None,
            )  # fmt: skip
            # The text alone: an annotation's own extent counts the line to its point.
            label.update_positions(renderer)
            box = Text.get_window_extent(label, renderer)
            covered = sum(area(box, other) for other in taken)
            outside = box.width * box.height - area(box, frame)
            if best is None or covered + outside < best[0]:
                if best is not None:
                    best[1].remove()
                best = (covered + outside, label, box)
            else:
                label.remove()
            if best[0] == 0:
                break
        if best is not None:
            taken.append(best[2])


def area(a: Any, b: Any) -> float:
    """How much two boxes overlap, in square pixels."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return max(width, 0.0) * max(height, 0.0)


def alt_text(kind: str, experiment: Experiment, evidence: ByBudget) -> str:
    """What the figure shows in sentences: each measured mean and published value."""
    parts = []
    for budget, found in evidence.items():
        said = []
        for item in found:
            how = f" ({spoken(item.protocol)})" if len(experiment.protocols) > 1 else ""
            measured = f"{item.mean:.1f} %" if item.n else "not run"
            failed = f", {item.failures} of {item.n} failed" if item.failures else ""
            if item.dead:
                failed += f" ({len(item.dead)} dead)"
            stated = " or ".join(f"{c.published:g} %" for c in published(experiment, item.variant) if c.published)
            first = item.protocol == next(iter(experiment.protocols))
            beside = f", published {stated}" if stated and first else ""
            said.append(f"{item.variant.title}{how} {measured}{failed}{beside}")
        parts.append(f"At the {budget} budget: {'; '.join(said)}.")
    return f"{kind}. {' '.join(parts)}"


def curves_alt_text(experiment: Experiment, evidence: ByBudget) -> str:
    """What the training curves show in a sentence for each budget: where they end."""
    parts = []
    for budget, found in evidence.items():
        ends = [f"{item.variant.title} {item.mean:.1f} %" for item in first_protocol(found) if item.n]
        parts.append(f"At the end at the {budget} budget: {'; '.join(ends)}.")
    return f"Training curves of {experiment.title}: test accuracy after each epoch. {' '.join(parts)}"


# By `Figure.kind` of an experiment: what draws it, and the first words of its description.
KINDS: dict[str, tuple[Callable[["Figure", Experiment, ByBudget], None], str]] = {
    "bars": (bars, "Dot plot of test accuracy"),
    "parameters": (parameters, "Test accuracy against number of parameters"),
    "macs": (macs, "Test accuracy against multiply-accumulates"),
    "frontier": (frontier, "Test accuracy against number of parameters and against multiply-accumulates"),
    "sweep": (sweep, "Test accuracy against a swept setting"),
    "grid": (grid, "Heat map of test accuracy, variants by protocols"),
    "share": (share, "Share of runs that failed"),
}
