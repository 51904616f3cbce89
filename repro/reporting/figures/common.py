"""Parts that figures share: panels, marks, names, legends."""

import textwrap
from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING, Any

from repro.config.specification import PROTOCOLS, Budget
from repro.data import DATASETS
from repro.judging.evidence import Evidence, published
from repro.planning.experiments import Experiment, Variant
from repro.reporting import style
from repro.reporting.style import MUTED, PAPER, PUBLISHED
from repro.rules.claim import Claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ByBudget = dict[Budget, list[Evidence]]


PUBLISHED_MARK: dict[str, Any] = {
    "marker": "D", "ms": 5, "mfc": "none", "mec": PUBLISHED, "mew": 1.3, "ls": "", "zorder": 4, "clip_on": False,
}  # fmt: skip


def panels(figure: "Figure", evidence: ByBudget) -> "Sequence[Axes]":
    """One panel for each budget, side by side."""
    return figure.subplots(1, len(evidence), squeeze=False, sharey=True)[0]


def error_bar(
    axis: "Axes",
    mean: float,
    at: float,
    interval: tuple[float, float] | None,
    index: int,
    along: str,
    around: bool = False,
) -> None:
    """A mean with its interval, along one axis.

    Args:
        around: draw the mark hollow and larger, so that the one before, which may be at the same place, is seen in it.
    """
    look: dict[str, Any] = {
        "marker": style.marker(index), "color": style.colour(index), "ms": 5, "mec": PAPER, "mew": 0.5,
        "elinewidth": 1.1, "capsize": 2.5, "ls": "", "zorder": 3,
    }  # fmt: skip
    if around:
        look |= hollow(index)
    error = None if interval is None else [[max(0.0, mean - interval[0])], [max(0.0, interval[1] - mean)]]
    if along == "x":
        axis.errorbar([mean], [at], xerr=error, **look)
    else:
        axis.errorbar([at], [mean], yerr=error, **look)


def hollow(index: int) -> dict[str, Any]:
    """The look of a mark around those before it."""
    return {"ms": 5 + 3 * index, "mfc": "none", "mec": style.colour(index), "mew": 1.1}


FEW = 5  # runs from which on the interval of a mean is drawn; below, the runs themselves say more


def spread(item: Evidence) -> tuple[float, float] | None:
    """The interval that is drawn of a mean; None below `FEW` runs."""
    return item.interval if item.n >= FEW else None


LONGEST = 0.48  # of the axis: a longer side of an interval is cut


def cut_intervals(figure: "Figure") -> None:
    """End the intervals that leave or fill their panel a quarter of the axis from the mean, with an arrowhead.

    To be called when the limits of all axes are settled.
    """
    from matplotlib.container import ErrorbarContainer

    for axis in figure.axes:
        for bar in [each for each in axis.containers if isinstance(each, ErrorbarContainer)]:
            cut_bar(axis, bar)


def cut_bar(axis: "Axes", bar: Any) -> None:
    """One mean and its interval."""
    import numpy as np

    marks, caps, intervals = bar.lines
    if not intervals:
        return  # a single run
    (lines,) = intervals
    along = 0 if bar.has_xerr else 1
    low, high = sorted(axis.get_xlim() if along == 0 else axis.get_ylim())
    segments = [np.array(segment) for segment in lines.get_segments()]
    for at, segment in enumerate(segments):
        middle = float((marks.get_xdata(), marks.get_ydata())[along][at])
        for end, sign in ((int(segment[:, along].argmin()), -1), (int(segment[:, along].argmax()), 1)):
            before = float(segment[end, along])
            if low <= before <= high and abs(before - middle) < LONGEST * (high - low):
                continue
            to = min(max(middle + sign * 0.25 * (high - low), low), high)
            segment[end, along] = to
            shape = ("<", ">") if along == 0 else ("v", "^")
            axis.plot(*segment[end], ls="", marker=shape[sign > 0], ms=4.5, mew=0, color=lines.get_color()[0],
                      clip_on=False, zorder=3, label="_cut", scalex=False, scaley=False)  # fmt: skip
            for cap in caps:
                values = np.array((cap.get_xdata(), cap.get_ydata())[along], dtype=float)
                values[np.isclose(values, before)] = np.nan
                (cap.set_xdata if along == 0 else cap.set_ydata)(values)
    lines.set_segments(segments)


def seeds(axis: "Axes", item: Evidence, at: float, index: int, along: str) -> None:
    """A small mark for each run, along one axis; a cross for one that failed."""
    for value, failed in zip(item.values, item.failed, strict=True):
        mark: dict[str, Any] = {"marker": "x", "ms": 4, "mew": 1} if failed else {"marker": "o", "ms": 3, "mew": 0.6}
        place = (value, at) if along == "x" else (at, value)
        axis.plot(*place, ls="", mfc="none", mec=style.colour(index), alpha=0.75, zorder=2, **mark)


def published_text(claim: Claim) -> str:
    """A published value as its mark's name: with the epoch or images it is of, where these are not the usual ones."""
    extra = ["training"] if claim.metric == "train_accuracy" else []
    extra += [f"epoch {claim.epoch}"] if claim.epoch else []
    return " ".join([f"{claim.published:g}", *extra])


def stripes(axis: "Axes", rows: Sequence[float]) -> None:
    """Every other row shaded, where a row holds several marks."""
    for y in list(rows)[::2]:
        axis.axhspan(y - 0.5, y + 0.5, color=style.RULE, alpha=0.28, lw=0, zorder=0)


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


def short(experiment: Experiment, variant: Any) -> str:
    """A variant's title without the name of the group that it is shown in."""
    group = group_of(experiment, variant)
    rest = variant.title.replace(group, "").strip(" ,:") if group else ""
    return rest or variant.title


def limits(setter: Callable[[float, float], Any], numbers: Sequence[float], room: float = 0.06) -> None:
    """Axis limits around the numbers, inside what percentages can be."""
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 100.0)
    span = max(high - low, 4.0)
    setter(max(low - room * span, -1.0), min(high + room * span, 101.0))


def title(figure: "Figure", experiment: Experiment, suffix: str = "") -> None:
    """The figure's heading, from the left edge."""
    text = (experiment.figure.title or experiment.title).replace("`", "")
    figure.suptitle(wrap(f"{text}: {suffix}" if suffix else text, 96), x=0.008, ha="left")


def legend(figure: "Figure", handles: list[Any], labels: list[str] | None = None) -> None:
    """One legend under all panels."""
    if handles:
        labels = labels or [handle.get_label() for handle in handles]
        longest = max(len(label) for label in labels)
        columns = max(1, min(len(handles), 110 // (longest + 7)))
        figure.legend(handles, labels, loc="outside lower left", ncols=columns, handlelength=2.2, columnspacing=1.4)


def key(label: str, **look: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **look)


def protocol_keys(protocols: Sequence[str], evidence: ByBudget | None = None, around: bool = False) -> list[Any]:
    """Legend entries of the means: with their intervals, unless the evidence has none that is drawn.

    around: the marks are drawn around each other, as by `error_bar`.
    """
    intervals = evidence is None or any(spread(item) for found in evidence.values() for item in found)
    text = "mean, 95 % interval" if intervals else "mean"
    return [
        key(
            f"{text}{f' ({spoken(p)})' if len(protocols) > 1 else ''}",
            color=style.colour(i), marker=style.marker(i), lw=1.1, ls="-" if intervals else "",
            **(hollow(i) if around and i else {"ms": 5, "mec": PAPER}),
        )
        for i, p in enumerate(protocols)
    ]  # fmt: skip


def seed_keys(evidence: ByBudget) -> list[Any]:
    """Legend entries of single seeds."""
    keys = [key("one seed", ls="", marker="o", ms=3, mfc="none", mec=MUTED, mew=0.6)]
    if any(item.failures for found in evidence.values() for item in found):
        keys.append(key("one seed, failed to train", ls="", marker="x", ms=4, mec=MUTED, mew=1))
    return keys


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


def published_keys(experiment: Experiment, name: str = "published") -> list[Any]:
    """The legend entry of published values, where `beside` has any or they are named otherwise."""
    if name == "published" and not any(beside(experiment, variant) for variant in experiment.variants):
        return []
    return [key(name, **{k: v for k, v in PUBLISHED_MARK.items() if k not in ("zorder", "clip_on")})]


def series_keys(series: Sequence[str], lined: Container[str]) -> list[Any]:
    """Legend entries of the series of `against` and `sweep`. lined: those whose means are joined by a line."""
    return [
        key(
            name or "others", color=style.colour(i), ls=style.dashes(i) if name in lined else "",
            marker=style.marker(i), ms=5, mec=PAPER, lw=1.1,
        )
        for i, name in enumerate(series)
    ]  # fmt: skip


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
