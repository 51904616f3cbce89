"""Choose what of the evidence a figure shows, and in which order."""

from collections.abc import Sequence
from typing import Any

from repro.config.specification import PROTOCOLS, Budget
from repro.data import DATASETS
from repro.judging.evidence import Evidence, published
from repro.planning.experiments import Experiment, Variant
from repro.rules.claim import Claim

ByBudget = dict[Budget, list[Evidence]]


FEW = 5  # runs from which on the interval of a mean is drawn; below, the runs themselves say more


def spread(item: Evidence) -> tuple[float, float] | None:
    """The interval that is drawn of a mean; None below `FEW` runs."""
    return item.interval if item.n >= FEW else None


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
    """The numbers an axis must hold: not the ends of an interval that failed runs blow up; such may leave the panel."""
    return [*item.values, item.mean, *(spread(item) or () if not item.failures else ())]


def beside(experiment: Experiment, variant: Variant) -> list[Claim]:
    """The published accuracies that may stand beside a variant's own: not those on ImageNet's 1,000 classes."""
    return [claim for claim in published(experiment, variant) if "ImageNet" not in claim.needs]


def stated(experiment: Experiment, item: Evidence) -> list[Claim]:
    """The claims of `beside` that stand beside a measurement: those by its protocol; beside the first protocol also
    those by one that the experiment does not measure.
    """
    protocols = list(experiment.protocols)
    own = {item.protocol} if item.protocol != protocols[0] else {item.protocol, *(set(PROTOCOLS) - set(protocols))}
    return [claim for claim in beside(experiment, item.variant) if claim.protocol in own]
