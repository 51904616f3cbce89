"""Claims and their verdicts in words, as the page shows them."""

from collections.abc import Mapping
from typing import Any

from repro.planning.experiments import Experiment
from repro.reporting import tables
from repro.reporting.outcomes import OUTCOME
from repro.rules.claim import Claim
from repro.rules.verdicts import Verdict

BOUNDS = {"at-least": "at least ", "at-most": "at most "}


def claim_row(experiment: Experiment, claim: Claim, verdict: Verdict) -> dict[str, Any]:
    """A claim and its verdict."""
    stated = claim.published if claim.published is not None else claim.effect
    ps = {"p": verdict.p, "after Holm": verdict.holm_p, "by ranks": verdict.rank_p}
    text, command = in_short(verdict, {variant.name: variant.title for variant in experiment.variants})
    return {
        "id": claim.id,
        "experiment": experiment.name,
        "title": experiment.title,
        "source": claim.source,
        "place": claim.place,
        "statement": claim.statement,
        "type": claim.type,
        "margin": number(claim.margin),
        "published": published(claim),
        "published_sort": "" if stated is None else stated,
        "measured": measured(claim, verdict),
        "measured_sort": "" if verdict.measured is None else f"{verdict.measured:.7g}",
        "interval": interval_text(verdict.interval, claim),
        "n": verdict.n,
        "failures": verdict.failures,
        "outcome": OUTCOME[verdict.verdict],
        "evidence": verdict.evidence,
        "badge": verdict.badge,
        "short": text,
        "command": command,
        "reason": reason(verdict),
        "sentence": verdict.sentence,
        "obtained": claim.obtained.rstrip("."),
        "verified": claim.verified,
        "assumptions": [text.rstrip(".") for text in verdict.assumptions],
        "hash": verdict.claim_hash,
        "p": ", ".join(f"{name} {p:.2g}" for name, p in ps.items() if p is not None),
        "otherwise": otherwise(verdict),
        "seeds_needed": verdict.seeds_needed,
    }


def published(claim: Claim) -> str:
    """The source's number with its unit, or the kind of its statement."""
    stated = claim.published if claim.published is not None else claim.effect
    if stated is None:
        return claim.rule.stated
    bound = BOUNDS.get(claim.direction, "") if claim.published is not None else ""
    return f"{bound}{as_stated(stated, claim)} {unit(claim)}"


def measured(claim: Claim, verdict: Verdict) -> str:
    """The measured number with its unit; differences with their sign."""
    if verdict.measured is None:
        return tables.NOT_RUN
    plus = "+" if not claim.rule.valued and verdict.measured > 0 else ""
    return f"{plus}{amount_of(verdict.measured, claim)} {unit(claim)}"


def unit(claim: Claim) -> str:
    """A claim's unit as a reader expects it."""
    return "times" if claim.unit == "x" else claim.unit


def in_short(verdict: Verdict, titles: Mapping[str, str]) -> tuple[str, str]:
    """Why the verdict is what it is, in one sentence; and the command that would decide it, empty where none would.

    titles: of the experiment's variants, by name.
    """
    why, _, command = verdict.reason.rstrip(".").partition("; to test it: ")
    if ": repro run " in why:
        why, _, rest = why.rpartition(": repro run ")
        command = f"repro run {rest}"
    if why.endswith("not run"):
        names = why.removesuffix("not run").strip()
        return f"Not measured yet{f': {names_of(names, titles)}' if names else ''}.", command
    if why.endswith(" seeds planned"):
        name, _, counts = why.removesuffix(" seeds planned").rpartition(" has ")
        there, _, planned = counts.partition(" of the ")
        return f"Not all of the {planned} planned seeds have run: {there} of {names_of(name, titles)}.", command
    if why.startswith("n = ") and " does not decide it" in why:
        n, _, rest = why.removeprefix("n = ").partition(" does not decide it")
        return f"{'One seed does' if n == '1' else f'{n} seeds do'} not decide it{rest}.", command
    if why.startswith("measured at the ") and why.endswith(" budget"):
        why += " only"
    failed = f", of which {verdict.failures} failed" if verdict.failures else ""
    seeds = f" ({verdict.n} seeds{failed})" if verdict.n > 1 else ""
    return f"{why[:1].upper()}{why[1:]}{seeds}.", command


def names_of(variants: str, titles: Mapping[str, str]) -> str:
    """Variants as the experiment's table names them."""
    found = [titles.get(name, name) for name in variants.split(", ")]
    return ", ".join(f"\N{LEFT DOUBLE QUOTATION MARK}{title}\N{RIGHT DOUBLE QUOTATION MARK}" for title in found)


def reason(verdict: Verdict) -> str:
    """Why the verdict is what it is; empty where the sentence on the result says so already."""
    why = verdict.reason.rstrip(".")
    # The sentence on a claim that nothing was run or counted for gives the reason itself.
    return "" if f": {why}: " in verdict.sentence else why


def otherwise(verdict: Verdict) -> str:
    """Other analyses of the same runs, which do not decide."""
    said = []
    if interval_text(verdict.bootstrap_interval):
        said.append(f"BCa interval of the difference {interval_text(verdict.bootstrap_interval)}")
    if verdict.superiority_bound is not None:
        said.append(f"P(A>B) at least {verdict.superiority_bound:.2f}")
    if verdict.converged_only:
        said.append(f"without the failed runs {verdict.converged_only}")
    return "; ".join(said)


def as_stated(amount: float, claim: Claim) -> str:
    """A published value or effect with the digits it was published with."""
    plus = "+" if claim.published is None else ""
    return f"{amount:{plus},.0f}" if float(amount).is_integer() else f"{amount:{plus}g}"


def number(amount: float) -> str:
    """A value as a reader wants it: counts with commas, measurements with two digits after the point at most."""
    if float(amount).is_integer():
        return f"{amount:,.0f}"
    return f"{amount:,.2f}" if abs(amount) >= 0.1 else f"{amount:.3g}"


def amount_of(amount: float, claim: Claim) -> str:
    """A measured value; percentages and points to a tenth."""
    return f"{amount:.1f}" if claim.unit in ("%", "points") else number(amount)


def interval_text(interval: Any, claim: Claim | None = None) -> str:
    """`[low, high]`, or nothing where there is none or it has no width."""
    if interval is None or interval.low == interval.high:
        return ""
    low, high = (number(bound) if claim is None else amount_of(bound, claim) for bound in interval)
    return f"[{low}, {high}]"
