"""Format numbers and verdicts: one sentence a claim, as the page and the terminal show it."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.rules.claim import Claim
    from repro.rules.interval import Interval
    from repro.rules.samples import Summary


def sentence(
    claim: "Claim", outcome: str, reason: str, summaries: "Mapping[str, Summary]", numbers: dict[str, Any]
) -> str:
    """The result in one sentence.

    Args:
        outcome: the verdict with its badge.
        summaries: of the variants that were run.
        numbers: the fields of a `Verdict` that say what was measured; empty where a variant is missing.
    """
    if not summaries:
        return f"{claim.statement.rstrip('.')}: {reason}: {outcome.upper()}."
    parts = ["; ".join(described(variant, summary, claim) for variant, summary in summaries.items())]
    if claim.rule.valued and len(claim.variants) == 2 and "measured" in numbers:
        what = "ratio" if claim.rule.relative else "difference"
        parts.append(f"{what} {number(numbers['measured'])} {claim.unit}")
    if claim.published is not None:
        parts.append(f"{claim.source} says {published(claim)}")
    if "difference" in numbers and not claim.deterministic and not claim.rule.relative:
        parts.append(_difference(numbers))
    if claim.effect is not None:
        parts.append(f"{claim.source} says {signed(claim.effect)}")
    if claim.margin:
        parts.append(f"margin {margin(claim, both=not claim.rule.one_sided)}")
    return f"{'; '.join(parts)}: {outcome.upper()}."


def described(variant: str, summary: "Summary", claim: "Claim") -> str:
    """One variant's part of the sentence: its runs, mean and spread."""
    if claim.deterministic:
        return f"{variant}: {number(summary.mean)} {claim.metric if claim.rule.relative else claim.unit}"
    unit = "%" if claim.unit == "points" else claim.unit
    mean = "?" if summary.mean is None else f"{summary.mean:.1f}"
    failed = f"{summary.failures} failed"
    if summary.failures and summary.failure_interval:
        failed += " ({:.0f} to {:.0f} %)".format(*summary.failure_interval)
    runs = f"n = {summary.n} seed{'s' * (summary.n != 1)}, {failed}"
    text = f"{variant}, {'as published' if summary.released else runs}: {mean}"
    if summary.sd is not None and summary.interval is not None:
        low, high = summary.interval
        return f"{text} ± {summary.sd:.1f} {unit} (SD), 95 % interval of the mean {low:.1f} to {high:.1f}"
    if summary.checkpoint is not None:
        low, high = summary.checkpoint
        return f"{text} {unit}, {low:.1f} to {high:.1f} from its {summary.total:,} test images (Wilson, 95 %)"
    return f"{text} {unit}"


def published(claim: "Claim") -> str:
    bound = {"two-sided": "", "at-least": "at least ", "at-most": "at most "}[claim.direction]
    return f"{bound}{number(claim.published)} {claim.unit}"


def margin(claim: "Claim", both: bool = True) -> str:
    """The margin with its unit; `both`: to either side."""
    sign = "±" if both else ""
    if claim.rule.relative:
        return f"{sign}{100 * claim.margin:g} %"
    if claim.unit in ("%", "points"):
        return f"{sign}{number(claim.margin)} point{'s' * (claim.margin != 1)}"
    return f"{sign}{number(claim.margin)} {claim.unit}"


def bracketed(interval: "Interval") -> str:
    return f"[{signed(interval.low)}, {signed(interval.high)}]"


def number(value: float | None) -> str:
    """Whole numbers in full with separators, others with up to four digits."""
    if value is None or not math.isfinite(value):
        return "?"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def signed(value: float | None) -> str:
    """A difference in points, to a tenth, or to a hundredth where that says more."""
    if value is None:
        return "?"
    return f"{value:+.1f}" if abs(value) >= 0.095 or value == 0 else f"{value:+.2f}"


def p_value(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.2g}"


def _difference(numbers: dict[str, Any]) -> str:
    text = f"difference {signed(numbers['difference'])}"
    if numbers.get("difference_interval"):
        text += f" {bracketed(numbers['difference_interval'])} ({numbers['level']} %)"
    if numbers.get("p") is not None:
        text += f", p {p_value(numbers['p'])}"
        if numbers.get("holm_p") is not None:
            text += f" (Holm {p_value(numbers['holm_p']).removeprefix('= ')})"
    if numbers.get("superiority") is not None:
        text += f", P(A>B) = {numbers['superiority']:.2f}"
    return text
