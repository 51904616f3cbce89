"""The forest plot of the page: how far measured values are from published ones, in units of each claim's margin."""

import textwrap
from collections.abc import Iterable
from typing import Any

from repro.reporting.outcomes import OUTCOME
from repro.rules.claim import Claim
from repro.rules.verdicts import Verdict

REACH = 5  # margins to each side
LABEL, LEFT, WIDTH, ROW = 322, 340, 900, 20
SCALE = (WIDTH - LEFT - 20) / (2 * REACH)

Judged = Iterable[tuple[Claim, Verdict]]


def forests(judged: Judged) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two plots of the claims on one variant's value that was measured on what they are about: first of those that
    were decided at full scale, then of the others.
    """
    there = [
        (claim, verdict)
        for claim, verdict in judged
        if claim.published is not None and len(claim.variants) == 1 and not claim.deterministic
        and verdict.difference is not None and claim.margin and not claim.needs
    ]  # fmt: skip
    first = [(c, v) for c, v in there if v.decided and v.evidence != "trained at reduced scale"]
    return forest(first), forest([each for each in there if each not in first])


def place(margins: float) -> float:
    """Where a number of margins stands; those off the axis stand at its end."""
    return round(LEFT + (min(max(margins, -REACH), REACH) + REACH) * SCALE, 1)


def forest(judged: Judged) -> dict[str, Any]:
    """Claims as places in a drawing."""
    rows = [row(claim, verdict, 24 + ROW * index) for index, (claim, verdict) in enumerate(judged)]
    ticks = [
        {"x": place(at), "text": f"{at:+d}" if at else "0", "css": {0: "zero", 1: "edge", -1: "edge"}.get(at, "tick")}
        for at in range(-REACH, REACH + 1)
    ]
    return {
        "rows": rows,
        "ticks": ticks,
        "low": place(-1),
        "high": place(1),
        "label": LABEL,
        "middle": place(0),
        "width": WIDTH,
        "height": 24 + ROW * len(rows) + 44,
        "alt": f"Forest plot of {len(rows)} point claims: measured minus published, in units of each claim's margin. "
        "Every row is a link to its claim.",
    }


def row(claim: Claim, verdict: Verdict, y: int) -> dict[str, Any]:
    """One claim: its mark, its interval, and arrowheads where either leaves the axis."""
    assert verdict.difference is not None
    low, high = (
        bound / claim.margin for bound in verdict.difference_interval or (verdict.difference, verdict.difference)
    )
    middle = verdict.difference / claim.margin
    outcome = OUTCOME[verdict.verdict]
    arrows = ""
    if low < -REACH:
        arrows += f"M{place(-REACH)} {y - 4}l-7 4l7 4z"
    if high > REACH:
        arrows += f"M{place(REACH)} {y - 4}l7 4l-7 4z"
    return {
        "id": claim.id,
        "text": textwrap.shorten(claim.statement, 44, placeholder=" …"),
        "y": y,
        "x": place(middle),
        "x1": place(low),
        "x2": place(high),
        "arrows": arrows,
        "off": abs(middle) > REACH,
        "shape": outcome["shape"],
        "css": outcome["css"],
        "tip": f"{claim.statement} {middle:+.1f} margins from the published value: {verdict.verdict}.",
    }
