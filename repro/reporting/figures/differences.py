"""The figure of differences: each variant against one of them, as claims about them are judged.

Where networks go on from the same weights, most of what differs between seeds drops out of the difference: it shows
what the accuracies themselves hide.
"""

from typing import TYPE_CHECKING

from repro.judging.evidence import Evidence, contrast
from repro.planning.experiments import Experiment
from repro.reporting import style
from repro.reporting.figures import legends, marks, selection, words
from repro.reporting.style import MUTED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from repro.reporting.figures.selection import ByBudget

SUFFIX = "-differences"
MARKS = "Mean differences with 95 % intervals"


def pairs(experiment: Experiment, found: list[Evidence]) -> list[tuple[Evidence, Evidence]]:
    """The baseline and each other network measured under the same protocol, where both have two seeds or more.

    Variants that are one network stand here once.
    """
    chosen = []
    for protocol in experiment.protocols:
        there = [item for item in found if item.protocol == protocol]
        base = next((item for item in there if item.variant.name == experiment.figure.baseline), None)
        if base is None:
            continue
        networks = {item.run.without_seed(): item for item in reversed(there)}  # the first name of each
        others = [item for item in networks.values() if item.run.without_seed() != base.run.without_seed()]
        chosen += [(base, item) for item in reversed(others) if min(base.n, item.n) > 1]
    return chosen


def drawable(experiment: Experiment, evidence: "ByBudget") -> bool:
    """Whether there is anything to show."""
    return bool(experiment.figure.baseline) and any(pairs(experiment, found) for found in evidence.values())


def paint(figure: "Figure", experiment: Experiment, evidence: "ByBudget") -> None:
    """A row for each network and protocol: the mean difference with its 95 % interval, and a dot for each seed where
    both networks go on from the same weights.
    """
    by_budget: ByBudget = {budget: found for budget, found in evidence.items() if pairs(experiment, found)}
    protocols = experiment.protocols
    there = {item.variant.name for found in by_budget.values() for _, item in pairs(experiment, found)}
    rows = selection.layout_rows(experiment, [variant for variant in experiment.variants if variant.name in there])
    everything = [item for found in by_budget.values() for item in selection.first_protocol(found)]
    names = {item.variant.name: name for name, item in selection.merged(everything)}
    step = 0.72 / len(protocols)
    bottom = rows[-1][1] + 0.5
    height = 1.0 + 0.12 * len(protocols) + (bottom + 0.6) * max(0.3, 0.21 * len(protocols) + 0.08)
    figure.set_size_inches(style.WIDTH, height)
    axes = marks.panels(figure, by_budget)
    by_seed = False
    for axis, (budget, found) in zip(axes, by_budget.items(), strict=True):
        axis.axvline(0, color=MUTED, lw=0.9, zorder=1)
        if len(protocols) > 1:
            marks.stripes(axis, [y for _, y, _ in rows])
        numbers = [0.0]
        for base, item in pairs(experiment, found):
            index = protocols.index(item.protocol)
            y = next(y for variant, y, _ in rows if variant is item.variant) + (index - (len(protocols) - 1) / 2) * step
            gap = contrast(item, base)
            changes = changes_by_seed(base, item) if gap.paired else {}
            by_seed = by_seed or bool(changes)
            lost = {record.run.seed for one in (base, item) for record in one.records if record.status != "done"}
            for seed, change in changes.items():
                mark = {"marker": "x", "ms": 4, "mew": 1} if seed in lost else {"marker": "o", "ms": 3, "mew": 0.6}
                axis.plot(change, y + 0.13, ls="", mfc="none", mec=style.colour(index), alpha=0.75, zorder=2, **mark)
            marks.error_bar(axis, gap.value, y, gap.interval, index, along="x")
            # Of two seeds the interval is so wide that nothing of the rest would be seen: it may leave the panel.
            # So it is where runs failed.
            narrow = gap.n > 2 and not base.failures and not item.failures
            numbers += [gap.value, *changes.values(), *(gap.interval if narrow else ())]
            axis.annotate(f"{gap.value:+.1f}", (1, y), xycoords=("axes fraction", "data"), xytext=(3, 0),
                          textcoords="offset points", va="center", fontsize=7)  # fmt: skip
        spread = max(numbers) - min(numbers)
        axis.set_xlim(min(numbers) - 0.06 * spread, max(numbers) + 0.06 * spread)
        axis.set_ylim(bottom, -0.6)
        axis.set_title(words.budget_title(budget, found))
        title = experiment.variant(experiment.figure.baseline).title
        axis.set_xlabel(f"difference from \u201c{title}\u201d in points of accuracy")
        axis.grid(axis="y", visible=False)
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks([y for _, y, _ in rows], [words.wrap(names[v.name], 34) for v, _, _ in rows])
    words.title(figure, experiment, "differences")
    legends.legend(figure, [*legends.protocol_keys(protocols), *(legends.seed_keys(evidence) if by_seed else [])])


def changes_by_seed(base: Evidence, item: Evidence) -> dict[int, float]:
    """The differences to the baseline of the same seed, in points."""
    before = dict(zip(base.seeds, base.values, strict=True))
    return {seed: number - before[seed] for seed, number in zip(item.seeds, item.values, strict=True)}


def alt_text(experiment: Experiment, evidence: "ByBudget") -> str:
    """Describe the figure in sentences."""
    sentences = []
    for budget, found in evidence.items():
        said = []
        for base, item in pairs(experiment, found):
            how = f" ({words.spoken(item.protocol)})" if len(experiment.protocols) > 1 else ""
            said.append(f"{item.variant.title}{how} {contrast(item, base).value:+.1f} points")
        sentences += [f"At the {budget} budget: {'; '.join(said)}."] if said else []
    title = experiment.variant(experiment.figure.baseline).title
    return f"Differences of test accuracy from {title}. {' '.join(sentences)}"
