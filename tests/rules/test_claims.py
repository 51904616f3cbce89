"""Claims: what is refused, what the hash covers, and the claims of this project."""

import re
import sys
from collections import Counter
from subprocess import run

import msgspec
import pytest

from repro.config.specification import PROTOCOLS
from repro.planning import experiments
from repro.rules.claim import Claim

from .examples import EXACT, NO_LOSS, ORDERING, POINT, RATIO, TREND, change


@pytest.mark.parametrize(
    ("claim", "fields", "problem"),
    [
        (POINT, {"published": None}, "needs `published`"),
        (POINT, {"margin": 0.4}, "less than half the published rounding, 0.5"),
        (POINT, {"margin": 0.0, "rounding": 0.0}, "needs a margin"),
        (POINT, {"variants": ("a", "b")}, "takes 1 variants, not 2"),
        (POINT, {"effect": 2.0}, "takes no `effect`"),
        (POINT, {"unit": "percent"}, "unknown unit 'percent'; choose from %, points"),
        (POINT, {"metric": "parameters"}, "measured without error"),
        (POINT, {"metric": "collapsed"}, "compared between variants"),
        (ORDERING, {"published": 3.0}, "takes `effect`, not `published`"),
        (ORDERING, {"effect": -3.0}, "contradicts the direction"),
        (ORDERING, {"effect": 3.0, "direction": "at-most"}, "contradicts the direction"),
        (ORDERING, {"variants": ("a", "a")}, "names a variant twice"),
        (NO_LOSS, {"margin": 0.0}, "needs a margin"),
        (TREND, {"variants": ("a", "b"), "saturates": ""}, "at least 3 variants"),
        (TREND, {"saturates": "d"}, "neither its first nor its last"),
        (TREND, {"saturates": "x"}, "neither its first nor its last"),
        (ORDERING, {"saturates": "a"}, "names a variant of a trend"),
        (RATIO, {"margin": 1.5}, "fraction between 0 and 1"),
        (RATIO, {"published": -1.0}, "a ratio is positive"),
        (RATIO, {"rounding": 0.2}, "less than half the published rounding"),
        (EXACT, {"metric": "accuracy"}, "varies between runs"),
        (EXACT, {"margin": 1.0}, "half its rounding"),
        (EXACT, {"rounding": 0.1}, "half its rounding"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(claim: Claim, fields: dict, problem: str):
    with pytest.raises(msgspec.ValidationError, match=re.escape(problem)) as caught:
        change(claim, **fields)
    assert f"claim {claim.id!r}" in str(caught.value)


def test_unknown_fields_and_words_are_refused():
    plain = msgspec.to_builtins(POINT)
    for wrong in ({"margn": 1}, {"type": "guess"}, {"metric": "acuracy"}, {"budget": "huge"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(plain | wrong, Claim)


@pytest.mark.parametrize(
    "fields",
    [
        {"margin": 2.0}, {"published": 68.0}, {"protocol": "notebook"}, {"metric": "top5"}, {"epoch": 12},
        {"variants": ("c",)}, {"budget": "laptop"}, {"direction": "at-least"}, {"rounding": 0.1}, {"collapse": True},
        {"original_runs": 5}, {"needs": "ImageNet"},
    ],
)  # fmt: skip
def test_the_hash_shows_a_change_of_what_is_judged(fields: dict):
    assert change(POINT, **fields).hash() != POINT.hash()


def test_the_hash_ignores_wording():
    reworded = change(
        POINT, id="x", source="paper", place="p", statement="s", obtained="o", verified=False, also=("e/v",),
        assumptions=("a",),
    )  # fmt: skip
    assert reworded.hash() == POINT.hash()
    assert re.fullmatch(r"[0-9a-f]{16}", POINT.hash())


def test_hashes_do_not_drift():
    # A changed value here means that every stored verdict looks as if its claim had been altered.
    assert POINT.hash() == "60e9d13b1aed3c15"


def test_reading_claims_imports_nothing_heavy():
    code = "import sys, repro.rules.claim; print([m for m in ('torch', 'numpy', 'scipy') if m in sys.modules])"
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


# ---- The claims of this project ----


def fragments() -> dict[str, tuple[Claim, ...]]:
    """All claims of the suite, by experiment."""
    return {experiment.name: experiment.claims for experiment in experiments.everything() if experiment.claims}


FRAGMENTS = fragments()


@pytest.mark.parametrize("name", FRAGMENTS)
def test_every_claim_reads_as_one(name: str):
    for claim in FRAGMENTS[name]:
        assert re.fullmatch(r"[a-z0-9]+([-.][a-z0-9]+)*", claim.id)
        assert claim.place
        assert claim.statement.endswith(".")
        assert claim.protocol in PROTOCOLS
        # Accuracies are judged by points, never tighter than the published digits allow.
        if claim.metric in ("accuracy", "top5", "train_accuracy", "balanced_accuracy"):
            assert claim.unit in ("%", "points")
        if claim.effect is not None and claim.type == "ordering":
            assert claim.margin >= max(0.5, abs(claim.effect) / 2) - 1e-9


def test_no_claim_is_there_twice_and_every_source_has_some():
    claims = [claim for part in FRAGMENTS.values() for claim in part]
    twice = [name for name, count in Counter(claim.id for claim in claims).items() if count > 1]
    assert twice == []
    assert len(claims) >= 60
    assert {claim.source for claim in claims} >= {"paper", "report", "zshancock", "cmasch", "nutszebra", "gitbook"}
    assert {claim.type for claim in claims} == {"exact", "point", "ordering", "no-loss", "trend", "ratio"}
