"""Legends, and their entries."""

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

from repro.planning.experiments import Experiment
from repro.reporting import style
from repro.reporting.figures.marks import PUBLISHED_MARK, hollow
from repro.reporting.figures.selection import ByBudget, beside, spread
from repro.reporting.figures.words import spoken
from repro.reporting.style import MUTED, PAPER

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
