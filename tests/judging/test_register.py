"""The register of claims keeps the rules of docs/claims.md, none of which looks at what was measured."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from repro.judging.evidence import network_property
from repro.planning import experiments
from repro.planning.experiments import Experiment
from repro.rules.claim import Claim

from ..rules.examples import change

SUITE = experiments.everything()
SIZES = ("bytes", "file_bytes")


def problems(suite: Sequence[Experiment]) -> Iterator[str]:
    """What is wrong with the register, in words."""
    claims = [claim for experiment in suite for claim in experiment.claims]
    for claim in claims:
        if not rounded_as_printed(claim):
            yield f"{claim.id}: a rounding of {claim.rounding} is not one unit of the last digit of {printed(claim)}"
        if not excepted(claim) and not close(claim.margin, expected_margin(claim)):
            yield f"{claim.id}: a margin of {claim.margin} instead of {expected_margin(claim):.4g}, and no reason"
    units = defaultdict(set)
    for claim in claims:
        if claim.metric in SIZES and claim.type == "exact":
            units[claim.source].add(claim.unit)
    yield from (f"{source}: sizes in {', '.join(sorted(found))}" for source, found in units.items() if len(found) > 1)
    for key in (as_written, as_published):
        seen: dict[tuple, str] = {}
        for experiment in suite:
            for claim in experiment.claims:
                first = seen.setdefault(key(experiment, claim), claim.id)
                if first != claim.id:
                    yield f"{claim.id}: states the same as {first}"


def printed(claim: Claim) -> float | None:
    """The number whose last digit the rounding is of."""
    return claim.effect if claim.published is None else claim.published


def rounded_as_printed(claim: Claim) -> bool:
    number = printed(claim)
    if number is None:
        return True
    if claim.rounding == 0:
        # Counts printed in full, and bounds.
        in_full = claim.scale == 1 and number == round(number)
        return claim.deterministic and (claim.direction != "two-sided" or in_full)
    if claim.deterministic and claim.unit != "%" and number == round(number) != 0:
        zeros = len(str(int(number))) - len(str(int(number)).rstrip("0"))
        return close(claim.rounding, 10**zeros)
    digits = -math.log10(claim.rounding)
    whole = number / claim.rounding
    return digits > -1e-9 and close(digits, round(digits)) and close(whole, round(whole))


def expected_margin(claim: Claim) -> float:
    """The margin by the rule for claims of its kind."""
    if claim.type == "exact":
        return claim.rounding / 2
    if claim.type == "ratio":
        assert claim.published
        return claim.rounding / 2 / claim.published
    if claim.deterministic:
        return 0
    if claim.metric == "collapsed":
        return 10
    if claim.type == "point":
        return max(1, claim.rounding / 2)
    if claim.type == "no-loss" or claim.saturates:
        return 1
    return max(0.5, abs(claim.effect or 0) / 2)


def excepted(claim: Claim) -> bool:
    """Whether the file gives a reason for a margin of its own. Counts and sizes have no exceptions."""
    return not claim.deterministic and any(text.startswith("margin of ") for text in claim.assumptions)


def close(a: float, b: float) -> bool:
    # The margins of ratios are written with four digits.
    return math.isclose(a, b, rel_tol=0.004, abs_tol=1e-9)


def as_written(experiment: Experiment, claim: Claim) -> tuple:
    """Equal for claims that state the same of variants of the same names."""
    statement = (claim.source, claim.type, printed(claim), claim.direction, claim.metric, claim.layer)
    # What a released network scores, and what training it again reaches, are two statements.
    return *statement, claim.protocol, claim.epoch, claim.variants, experiment.kind == "weights"


def as_published(experiment: Experiment, claim: Claim) -> tuple:
    """Equal for measured values of one network, whatever it is called and wherever it is trained."""
    if claim.type != "point":
        return (claim.id,)
    value = (claim.source, claim.published, claim.metric, claim.protocol, claim.epoch, experiment.kind == "weights")
    return *value, *(network(experiment, claim, name) for name in claim.variants)


def network(experiment: Experiment, claim: Claim, name: str) -> tuple:
    """What tells networks apart: their size with ten classes, and what is done to the trained weights."""
    variant = experiment.variant(name)
    run = experiments.resolve(experiment, variant, claim.budget)
    model = msgspec.structs.replace(run.model, options={**run.model.options, "classes": 10})
    size = network_property(msgspec.structs.replace(run, model=model), "parameters", "")
    made_elsewhere = experiment.kind == "compression" and not variant.uncompressed
    return run.model.name, size, repr(variant.stages), name if made_elsewhere else ""


def test_the_register_keeps_its_rules():
    assert list(problems(SUITE)) == []


def claim_of(name: str, claim: str) -> Claim:
    return next(c for c in experiments.find(name).claims if c.id == claim)


def with_claims(name: str, *claims: Claim) -> Experiment:
    return msgspec.structs.replace(experiments.find(name), claims=claims)


SIZE = claim_of("parameters", "parameters-squeezenet-4.8mb")
RATIO = claim_of("parameters", "parameters-50x")
POINT = claim_of("mini-squeezenet", "mini-10-epochs")
ORDERING = claim_of("paper-table3", "paper-table3-simple-helps")
NO_LOSS = claim_of("squeezed-vgg", "squeezed-vgg-close")


@pytest.mark.parametrize(
    ("name", "claims", "problem"),
    [
        ("parameters", [change(SIZE, published=240, rounding=1, margin=0.5)], "not one unit of the last digit of 240"),
        ("parameters", [change(SIZE, rounding=0.2, margin=0.1)], "not one unit of the last digit of 4.8"),
        ("parameters", [change(SIZE, rounding=1, margin=0.5)], "not one unit of the last digit of 4.8"),
        ("parameters", [change(SIZE, rounding=0, margin=0)], "not one unit of the last digit of 4.8"),
        ("parameters", [change(RATIO, margin=0.2)], "a margin of 0.2 instead of 0.1"),
        ("parameters", [change(RATIO, margin=0.2, assumptions=["margin of 20 %: it fits"])], "instead of 0.1"),
        ("mini-squeezenet", [change(POINT, margin=5)], "a margin of 5.0 instead of 1"),
        ("mini-squeezenet", [change(POINT, rounding=10, margin=5)], "not one unit of the last digit of 50"),
        ("paper-table3", [change(ORDERING, margin=2.0)], "a margin of 2.0 instead of 1.45"),
        ("squeezed-vgg", [change(NO_LOSS, assumptions=[])], "a margin of 4.0 instead of 1"),
        (
            "parameters",
            [SIZE, change(SIZE, id="b", unit="MiB", published=13, rounding=1, margin=0.5)],
            "paper: sizes in MB, MiB",
        ),
        ("parameters", [SIZE, change(SIZE, id="b", place="Table 3")], "b: states the same as parameters-squeezenet-4"),
        ("paper-table3", [ORDERING, change(ORDERING, id="b")], "b: states the same as paper-table3-simple-helps"),
    ],
)
def test_what_breaks_a_rule_is_found(name: str, claims: list[Claim], problem: str):
    found = list(problems([with_claims(name, *claims)]))
    assert len(found) >= 1
    assert problem in found[0]


def test_one_value_in_two_experiments_is_found():
    here = claim_of("imagenet", "imagenet-v1.0-top1")
    there = change(here, id="b", variants=["none"], needs="ImageNet")
    suite = [with_claims("imagenet", here), with_claims("paper-table3", there)]
    assert list(problems(suite)) == ["b: states the same as imagenet-v1.0-top1"]
    # Compressed, it is another network, and so it is with a bypass that has parameters.
    other = change(here, id="c", variants=["squeezenet-8bit"])
    complex_bypass = change(there, id="d", variants=["complex-bypass"])
    suite = [with_claims("imagenet", here), with_claims("paper-table2", other)]
    assert list(problems([*suite, with_claims("paper-table3", complex_bypass)])) == []


def test_a_claim_is_shown_beside_the_same_network_only():
    for experiment in SUITE:
        for claim in experiment.claims:
            for name in claim.also:
                other, _, variant = name.partition("/")
                assert other != experiment.name
                found = network(experiments.find(other), claim, variant)
                assert found == network(experiment, claim, claim.variants[0])


def test_a_reason_allows_another_margin():
    reasoned = change(POINT, margin=2, assumptions=["margin of 2 points: a test set of 400 photographs"])
    assert list(problems([with_claims("mini-squeezenet", reasoned)])) == []
