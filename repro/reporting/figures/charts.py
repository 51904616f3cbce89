"""Charts that the page draws itself: the marks of an experiment's figure as numbers.

A chart of form `rows` has a row for each network, one of form `points` places networks by size or setting. A mark is a
mean with its interval, its seeds, and what was published beside it, rounded to what a chart can show.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from repro.judging.evidence import Evidence, contrast
from repro.planning.experiments import Experiment
from repro.reporting.figures import differences
from repro.reporting.figures.selection import ByBudget, first_protocol, layout_rows, merged, stated
from repro.reporting.figures.words import budget_title, published_text, short, spoken

ACCURACY = "test accuracy (%)"
Chart = dict[str, Any]
Measures = Mapping[str, Callable[[Evidence], float]]
Marks = Callable[[Evidence], list[Chart]]


def mark(
    mean: float,
    interval: Sequence[float] | None,
    n: int,
    seeds: Sequence[float] = (),
    failed: Sequence[bool] = (),
    published: Sequence[Any] = (),
) -> Chart:
    """A mark; what is empty is left out.

    failed: which of the seeds did not train.
    published: names and values.
    """
    found: Chart = {"mean": rounded(mean), "n": n}
    found |= {"interval": [rounded(bound) for bound in interval]} if interval else {}
    found |= {"seeds": [rounded(value) for value in seeds]} if len(seeds) > 1 or any(failed) else {}
    found |= {"failed": [place for place, lost in enumerate(failed) if lost]} if any(failed) else {}
    return found | ({"published": published} if published else {})


def rounded(number: float) -> float:
    """Round to a hundredth; small numbers to three digits."""
    return round(number, 2) if abs(number) >= 0.1 else float(f"{number:.3g}")


def accuracy(experiment: Experiment, item: Evidence) -> Chart:
    """The mark of a network's accuracy by one protocol."""
    beside = [[published_text(claim), claim.published] for claim in stated(experiment, item)]
    return mark(item.mean, item.interval, item.n, item.values, item.failed, beside)


def rows(experiment: Experiment, evidence: ByBudget, label: str = ACCURACY) -> Chart:
    """A row for each variant that was run, a mark for each protocol. label: of the axis of values."""
    views = []
    for budget, found in evidence.items():
        marks = {(i.variant.name, i.protocol): accuracy(experiment, i) for i in found if i.n}
        there = {item.variant.name for item in found if item.n}
        lines = [
            {"name": short(experiment, variant), "marks": [marks.get((variant.name, p)) for p in experiment.protocols]}
            | ({"group": group} if group else {})
            for variant, _, group in layout_rows(experiment, [v for v in experiment.variants if v.name in there])
        ]
        views.append({"name": budget_title(budget, found), "rows": lines})
    return {"form": "rows", "x": label, "keys": list(map(spoken, experiment.protocols)), "views": views}


def changes(experiment: Experiment, evidence: ByBudget) -> Chart:
    """A row for each network that is compared with the baseline, a mark for each protocol: the difference in points."""
    views = []
    for budget, found in evidence.items():
        names = {item.run.without_seed(): name for name, item in merged(first_protocol(found))}
        lines: dict[str, Chart] = {}
        for base, item in differences.pairs(experiment, found):
            gap = contrast(item, base)
            by_seed = list(differences.changes_by_seed(base, item).values()) if gap.paired else []
            empty: Chart = {"name": names[item.run.without_seed()], "marks": [None] * len(experiment.protocols)}
            marks = lines.setdefault(item.variant.name, empty)["marks"]
            marks[experiment.protocols.index(item.protocol)] = mark(gap.value, gap.interval, gap.n, by_seed)
        if lines:
            views.append({"name": budget_title(budget, found), "rows": list(lines.values())})
    label = f"difference from \u201c{experiment.variant(experiment.figure.baseline).title}\u201d (points)"
    keys = list(map(spoken, experiment.protocols))
    return {"form": "rows", "x": label, "zero": True, "keys": keys, "views": views}


def against(experiment: Experiment, evidence: ByBudget, measures: Measures, best: bool = False) -> Chart:
    """A chart of accuracy against sizes of networks; series differ in look, or protocols where there are several.

    Args:
        measures: the sizes, by the label of their axis.
        best: show the highest accuracy up to each size.
    """
    several = len(experiment.protocols) > 1
    views = []
    for budget, found in evidence.items():
        names = {item.run.without_seed(): name for name, item in merged(first_protocol(found))}
        if not several and len(series_of(found)) > 1:
            names |= {item.run.without_seed(): short(experiment, item.variant) for item in found}
        networks = {(item.protocol, item.run.without_seed()): item for item in reversed(found) if item.n}
        points = [
            point(item, names[network], [size(item) for size in measures.values()], [accuracy(experiment, item)])
            | ({"series": spoken(protocol)} if several else {})
            for (protocol, network), item in reversed(networks.items())
        ]
        views.append({"name": budget_title(budget, found), "points": points})
    x = []
    for index, label in enumerate(measures):
        sizes = [each["x"][index] for view in views for each in view["points"]]
        x.append({"label": label, "log": max(sizes) > 3 * min(sizes)})
    y = [{"label": experiment.figure.y or ACCURACY}]
    found = [item for items in evidence.values() for item in items]
    series = list(map(spoken, experiment.protocols)) if several else series_of(found)
    return {"form": "points", "x": x, "y": y, "series": series, "aside": several, "best": best, "views": views}


def settings(experiment: Experiment, evidence: ByBudget, y: list[Chart], marks: Marks) -> Chart:
    """A chart along `variant.at`: on an axis where it is numbers, side by side where it is words."""
    place = places(experiment)
    numbers = sorted(at for at in place if isinstance(at, int | float))
    x: Chart = {"label": experiment.figure.x}
    if len(numbers) == len(place):
        far = numbers[0] > 0 and numbers[-1] >= 10 * numbers[0]
        x |= {"ticks": numbers, "log": far and closest(list(map(math.log, numbers))) > closest(numbers)}
    else:
        x |= {"names": list(map(str, place))}
    views = [
        {
            "name": budget_title(budget, found),
            "points": [
                point(item, short(experiment, item.variant), [place[item.variant.at]], marks(item))
                for item in first_protocol([item for item in found if item.n])
            ],
        }
        for budget, found in evidence.items()
    ]
    series = series_of([item for found in evidence.values() for item in found])
    return {"form": "points", "x": [x], "y": y, "series": series, "aside": True, "views": views}


def places(experiment: Experiment) -> dict[float | str | None, float]:
    """The place of each value of `variant.at`: numbers at themselves, words by their order."""
    stands = list(dict.fromkeys(variant.at for variant in experiment.variants))
    numeric = all(isinstance(at, int | float) for at in stands)
    return {at: float(at) if numeric and at is not None else index for index, at in enumerate(stands)}


def point(item: Evidence, name: str, x: list[float], marks: list[Chart]) -> Chart:
    """A network in a chart of form `points`: where it stands on each x axis, its mark on each y axis.

    line: whether the line of its series goes through it.
    """
    line = {"line": True} if item.variant.at is not None else {}
    return {"name": name, "series": item.variant.series, "x": x, "marks": marks} | line


def series_of(found: Sequence[Evidence]) -> list[str]:
    """The series of what was measured, in the experiment's order."""
    return list(dict.fromkeys(item.variant.series for item in found if item.n))


def closest(numbers: Sequence[float]) -> float:
    """The smallest gap between neighbours, of numbers in order, as a share of all that they span."""
    gaps = [after - before for before, after in pairwise(numbers)]
    return min(gaps, default=1.0) / (sum(gaps) or 1.0)
