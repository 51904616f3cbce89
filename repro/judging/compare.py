"""Compare two results folders by the tests that judge claims: `repro compare A B`."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from repro.rules import statistics
from repro.rules.interval import Interval
from repro.rules.registry import ALPHA
from repro.rules.samples import Sample, Summary, contrast, summarise

Relation = Literal["identical", "same", "higher", "lower", "inconclusive", "only in A", "only in B"]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement in both sets.

    relation: of B to A. identical: the same values, seed by seed; same: equivalent within the margin (two one-sided
        tests at 5 %); higher, lower: a two-sided test passes at 5 % after Holm's correction over all comparisons.
        Same goes before higher and lower: a difference can be certain and still smaller than the margin.
    difference: mean of B minus mean of A, with its 95 % t interval.
    p, holm_p: two-sided.
    """

    name: str
    relation: Relation
    margin: float
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    holm_p: float | None = None
    superiority: float | None = None
    a: Summary | None = None
    b: Summary | None = None


def compare(a: Mapping[str, Sample], b: Mapping[str, Sample], margin: float = 1.0) -> list[Comparison]:
    """B against A, for every measurement that either has, by name; those of A first, in their order.

    Args:
        a, b: samples by name, such as experiment, variant, budget and protocol.
        margin: how far apart is still the same, in the samples' unit.
    """
    a, b = ({name: sample for name, sample in side.items() if sample.values} for side in (a, b))
    shared = [name for name in a if name in b]
    found = {name: contrast(b[name], a[name]) for name in shared}
    p_values = {name: min(1.0, 2 * min(c.p, c.opposite)) for name, c in found.items()}
    adjusted = dict(zip(shared, statistics.holm([p_values[name] for name in shared]), strict=True))

    def relation(name: str) -> Relation:
        if _same_runs(a[name], b[name]):
            return "identical"
        if found[name].inside(margin):
            return "same"
        if adjusted[name] < ALPHA:
            return "higher" if found[name].value > 0 else "lower"
        return "inconclusive"

    def one(name: str) -> Comparison:
        if name not in b:
            return Comparison(name=name, relation="only in A", margin=margin, a=summarise(a[name]))
        if name not in a:
            return Comparison(name=name, relation="only in B", margin=margin, b=summarise(b[name]))
        return Comparison(
            name=name,
            relation=relation(name),
            margin=margin,
            difference=found[name].value,
            interval=found[name].interval.limited(),
            p=p_values[name],
            holm_p=adjusted[name],
            superiority=statistics.probability_greater(b[name].by_seed, a[name].by_seed, found[name].paired),
            a=summarise(a[name]),
            b=summarise(b[name]),
        )

    return [one(name) for name in [*a, *(name for name in b if name not in a)]]


def _same_runs(a: Sample, b: Sample) -> bool:
    return dict(zip(a.seeds, a.values, strict=True)) == dict(zip(b.seeds, b.values, strict=True))
