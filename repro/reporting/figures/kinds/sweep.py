"""The figure kind `sweep`: accuracy along a setting."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from repro.judging.evidence import ACCURACIES, published
from repro.planning.experiments import Experiment, Variant
from repro.reporting import style
from repro.reporting.figures import charts
from repro.reporting.figures.charts import closest
from repro.reporting.figures.labels import place_labels
from repro.reporting.figures.legends import key, legend, protocol_keys, published_keys, seed_keys, series_keys
from repro.reporting.figures.marks import PUBLISHED_MARK, error_bar, limits, seeds
from repro.reporting.figures.registry import FigureKind, register
from repro.reporting.figures.selection import ByBudget, beside, first_protocol, sensible, spread
from repro.reporting.figures.words import budget_title, published_text, title, wrap
from repro.reporting.style import PUBLISHED
from repro.rules.claim import Claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def sweep(figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
    """Accuracy against `variant.at`, a line for each series; where a source says that it levels off.

    Published values on other data have a panel of their own, before those of the budgets.
    """
    elsewhere = published_elsewhere(experiment)
    figure.set_size_inches(style.WIDTH, 3.5)
    axes = list(figure.subplots(1, len(evidence) + bool(elsewhere), squeeze=False)[0])
    series = list(dict.fromkeys(variant.series for variant in experiment.variants))
    labelled: list[tuple[Axes, list[tuple[str, float, float]]]] = []
    level = levels(experiment)
    if elsewhere:
        axis = axes.pop(0)
        place = places_along(axis, [variant.at for variant in experiment.variants])
        stated = []
        for variant, claim in elsewhere:
            axis.plot(place(variant.at), claim.published or 0.0, **PUBLISHED_MARK)
            stated.append((published_text(claim), place(variant.at), claim.published or 0.0))
        labelled.append((axis, stated))
        limits(axis.set_ylim, [claim.published or 0.0 for _, claim in elsewhere], room=0.12)
        axis.set_title("published, on ImageNet")
        axis.set_ylabel(label_elsewhere(elsewhere))
        mark_level(axis, [place(variant.at) for variant in level])
        axis.set_xlabel(experiment.figure.x)
        # As wide as the panels of the budgets, though fewer values are published.
        everywhere = [place(variant.at) for variant in experiment.variants]
        axis.update_datalim([(x, elsewhere[0][1].published or 0.0) for x in everywhere], updatey=False)
        axis.autoscale_view(scaley=False)
    for axis, (budget, found) in zip(axes, evidence.items(), strict=True):
        found = [item for item in first_protocol(found) if item.n]
        place = places_along(axis, [item.variant.at for item in found])
        numbers: list[float] = []
        for index, name in enumerate(series):
            aside = index - (len(series) - 1) / 2
            line = [(place(item.variant.at, aside), item) for item in found if item.variant.series == name]
            for x, item in line:
                error_bar(axis, item.mean, x, spread(item), index, along="y")
                seeds(axis, item, x, index, along="y")
                numbers += sensible(item)
                for claim in beside(experiment, item.variant):
                    axis.plot(x, claim.published or 0.0, **PUBLISHED_MARK)
                    numbers.append(claim.published or 0.0)
            # No line through runs that failed: their mean is a share of failures, not an accuracy.
            means = [item.mean if not item.failures else math.nan for _, item in line]
            axis.plot([x for x, _ in line], means, color=style.colour(index), ls=style.dashes(index), lw=1.2, zorder=2)
        limits(axis.set_ylim, numbers, room=0.12)
        mark_level(axis, [place(variant.at) for variant in level])
        axis.set_title(budget_title(budget, found))
        axis.set_xlabel(experiment.figure.x)
        axis.set_ylabel(experiment.figure.y or "test accuracy (%)")
    title(figure, experiment)
    keys = series_keys(series, series) if len(series) > 1 else protocol_keys(experiment.protocols[:1], evidence)
    if level:
        keys.append(key("level from here, as published", color=PUBLISHED, lw=0.9, ls=":"))
    keys += [*seed_keys(evidence), *published_keys(experiment, "published, on ImageNet" if elsewhere else "published")]
    legend(figure, keys)
    style.settle(figure)
    for axis, stated in labelled:
        place_labels(axis, [], [(x, y, y) for _, x, y in stated], published=stated)


def published_elsewhere(experiment: Experiment) -> list[tuple[Variant, Claim]]:
    """The published accuracies on other images than the experiment's, with the variants that they are of."""
    return [
        (variant, claim)
        for variant in experiment.variants
        for claim in published(experiment, variant, (*ACCURACIES, "top5"))
        if claim not in beside(experiment, variant)
    ]


def label_elsewhere(found: Sequence[tuple[Variant, Claim]]) -> str:
    """The name of the axis of `published_elsewhere`."""
    return "top-5 accuracy (%)" if found[0][1].metric == "top5" else "test accuracy (%)"


def levels(experiment: Experiment) -> list[Variant]:
    """The variants from which on accuracy is published to level off."""
    found = {claim.saturates for claim in experiment.claims if claim.saturates}
    return [variant for variant in experiment.variants if variant.name in found]


def mark_level(axis: "Axes", places: Sequence[float]) -> None:
    """Mark where accuracy is published to level off."""
    for x in places:
        axis.axvline(x, color=PUBLISHED, lw=0.9, ls=":", zorder=1)


def places_along(axis: "Axes", stands: Sequence[float | str | None]) -> Callable[..., float]:
    """Prepare the axis for values of `variant.at`; where each of them stands on it, shifted by a few `aside`.

    Numbers stand where they belong, on a logarithmic axis where they span a factor of 10 and that keeps the nearest two
    further apart; words side by side. Lines that agree would hide each other: each may stand a little beside the last.
    """
    from matplotlib.ticker import NullLocator

    words = list(dict.fromkeys(stands))
    numbers = sorted(float(at) for at in words if isinstance(at, int | float))
    if len(numbers) < len(words):
        axis.set_xticks(range(len(words)), [wrap(str(at), 14) for at in words])
        return lambda at, aside=0.0: words.index(at) + 0.06 * aside
    wide = numbers[0] > 0 and numbers[-1] >= 10 * numbers[0]
    if wide and closest([math.log(number) for number in numbers]) > closest(numbers):
        axis.set_xscale("log")
        axis.set_xticks(numbers, [f"{at:g}" for at in numbers])
        axis.xaxis.set_minor_locator(NullLocator())
        gap = math.log(numbers[-1] / numbers[0]) / 60
        return lambda at, aside=0.0: at * math.exp(gap * aside)
    axis.set_xticks(numbers, [f"{at:g}" for at in numbers])
    gap = (numbers[-1] - numbers[0]) / 60
    return lambda at, aside=0.0: at + gap * aside


@register
class Sweep(FigureKind):
    """A panel for each budget, along `variant.at`."""

    name = "sweep"
    words = "Test accuracy against a swept setting"

    def paint(self, figure, experiment, evidence):
        sweep(figure, experiment, evidence)

    def chart(self, experiment, evidence, store):
        """With a line for each series; what is published on other images is a view of its own."""
        y = [{"label": experiment.figure.y or charts.ACCURACY}]
        chart = charts.settings(experiment, evidence, y, lambda item: [charts.accuracy(experiment, item)])
        place = charts.places(experiment)
        if elsewhere := published_elsewhere(experiment):
            points = [
                {"name": variant.title, "series": variant.series, "x": [place[variant.at]]}
                | {"marks": [{"published": [[published_text(claim), claim.published]]}]}
                for variant, claim in elsewhere
            ]
            label = label_elsewhere(elsewhere)
            chart["views"].append({"name": "published, on ImageNet", "y": [{"label": label}], "points": points})
        level = [place[variant.at] for variant in levels(experiment)]
        return chart | ({"lines": {"name": "level from here, as published", "at": level}} if level else {})
