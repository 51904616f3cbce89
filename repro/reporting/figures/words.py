"""The words of figures: headings, names of variants, numbers, and a figure in sentences."""

import textwrap
from typing import TYPE_CHECKING, Any

from repro.config.specification import Budget
from repro.judging.evidence import Evidence
from repro.planning.experiments import Experiment
from repro.reporting.figures.selection import ByBudget, beside, group_of
from repro.rules.claim import Claim

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def published_text(claim: Claim) -> str:
    """A published value as its mark's name: with the epoch or images it is of, where these are not the usual ones."""
    extra = ["training"] if claim.metric == "train_accuracy" else []
    extra += [f"epoch {claim.epoch}"] if claim.epoch else []
    return " ".join([f"{claim.published:g}", *extra])


def short(experiment: Experiment, variant: Any) -> str:
    """A variant's title without the name of the group that it is shown in."""
    group = group_of(experiment, variant)
    rest = variant.title.replace(group, "").strip(" ,:") if group else ""
    return rest or variant.title


def title(figure: "Figure", experiment: Experiment, suffix: str = "") -> None:
    """The figure's heading, from the left edge."""
    text = (experiment.figure.title or experiment.title).replace("`", "")
    figure.suptitle(wrap(f"{text}: {suffix}" if suffix else text, 96), x=0.008, ha="left")


def budget_title(budget: Budget, found: list[Evidence]) -> str:
    """A panel's heading."""
    return ", ".join(filter(None, (f"{budget} budget", seeds_text(found))))


def seeds_text(found: list[Evidence]) -> str:
    """The number of seeds in words: `3 seeds`, `5 to 8 seeds`; empty where none was."""
    counts = sorted({item.n for item in found if item.n})
    if not counts:
        return ""
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{seeds} seed{'s' if counts[-1] > 1 else ''}"


def spoken(protocol: str) -> str:
    """A protocol's name as words."""
    return protocol.replace("-", " ")


def shorten(number: float) -> str:
    """A count for an axis: 740k, 1.25M."""
    if number >= 1e6:
        return f"{number / 1e6:.3g}M"
    return f"{number / 1e3:.3g}k" if number >= 1e3 else f"{number:g}"


def wrap(text: str, width: int) -> str:
    """The text over several lines."""
    return "\n".join(textwrap.wrap(text, width, break_long_words=False)) or text


def in_sentences(words: str, experiment: Experiment, evidence: ByBudget) -> str:
    """Describe a figure in sentences: each measured mean and published value. words: they begin with."""
    parts = []
    for budget, found in evidence.items():
        said = []
        for item in found:
            how = f" ({spoken(item.protocol)})" if len(experiment.protocols) > 1 else ""
            measured = f"{item.mean:.1f} %" if item.n else "not run"
            failed = f", {item.failures} of {item.n} failed" if item.failures else ""
            if item.dead:
                failed += f" ({len(item.dead)} dead)"
            stated = " or ".join(f"{c.published:g} %" for c in beside(experiment, item.variant) if c.published)
            first = item.protocol == next(iter(experiment.protocols))
            published = f", published {stated}" if stated and first else ""
            said.append(f"{item.variant.title}{how} {measured}{failed}{published}")
        parts.append(f"At the {budget} budget: {'; '.join(said)}.")
    return f"{words}. {' '.join(parts)}"
