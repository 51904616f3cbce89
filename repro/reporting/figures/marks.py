"""Draw what figures share: panels, marks of runs, of means with their intervals and of published values."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from repro.judging.evidence import Evidence
from repro.reporting import style
from repro.reporting.figures.selection import ByBudget
from repro.reporting.style import PAPER, PUBLISHED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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


def stripes(axis: "Axes", rows: Sequence[float]) -> None:
    """Every other row shaded, where a row holds several marks."""
    for y in list(rows)[::2]:
        axis.axhspan(y - 0.5, y + 0.5, color=style.RULE, alpha=0.28, lw=0, zorder=0)


def limits(setter: Callable[[float, float], Any], numbers: Sequence[float], room: float = 0.06) -> None:
    """Axis limits around the numbers, inside what percentages can be."""
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 100.0)
    span = max(high - low, 4.0)
    setter(max(low - room * span, -1.0), min(high + room * span, 101.0))
