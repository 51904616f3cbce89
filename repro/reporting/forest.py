"""The forest plot of the page: how far measured values are from published ones, in units of each claim's margin."""

from collections.abc import Iterable
from typing import Any

from repro.reporting.outcomes import OUTCOME
from repro.rules.claim import Claim
from repro.rules.verdicts import Verdict

REACH = 5  # margins to each side

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
    """The place of a number of margins, in percent of the axis; those off it stand at its end."""
    return round(50 + 50 * min(max(margins / REACH, -1), 1), 2)


def forest(judged: Judged) -> dict[str, Any]:
    """Claims as rows of a plot."""
    rows = [row(claim, verdict) for claim, verdict in judged]
    return {
        "rows": rows,
        "ticks": [{"at": place(at), "text": f"{at:+d}" if at else "0"} for at in range(1 - REACH, REACH)],
        "alt": f"Forest plot of {len(rows)} point claims: measured minus published, in units of each claim's margin. "
        "Every row is a link to its claim.",
    }


def row(claim: Claim, verdict: Verdict) -> dict[str, Any]:
    """One claim: its mark, its interval, and whether either leaves the axis. Places are in percent of the axis.

    off: how many margins away a value is that is not on the axis.
    """
    assert verdict.difference is not None
    low, high = (
        bound / claim.margin for bound in verdict.difference_interval or (verdict.difference, verdict.difference)
    )
    middle = verdict.difference / claim.margin
    outcome = OUTCOME[verdict.verdict]
    return {
        "id": claim.id,
        "text": claim.statement,
        "at": place(middle),
        "low": place(low),
        "width": round(place(high) - place(low), 2),
        "cut_low": low < -REACH,
        "cut_high": high > REACH,
        "off": f"{middle:+.0f}" if abs(middle) > REACH else "",
        "shape": outcome["shape"],
        "css": outcome["css"],
        "tip": f"{claim.statement} {middle:+.1f} margins from the published value: {verdict.verdict}.",
    }
