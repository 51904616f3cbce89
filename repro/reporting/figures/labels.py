"""Names beside points, where they cover nothing."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from repro.reporting.figures.common import wrap
from repro.reporting.style import MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Beside and around a point, in typographic points; and farther away, with a line to it.
NEAR = ((8, 0), (-8, 0), (0, 9), (0, -9), (6, 6), (-6, 6), (6, -6), (-6, -6))
FAR = tuple((dx * far, dy * far) for far in (14, 22, 32) for dx, dy in ((1, 1), (-1, 1), (1, -1), (-1, -1)))


def place_labels(
    axis: "Axes",
    labels: list[tuple[str, float, float]],
    points: list[tuple[float, float, float]],
    lines: Sequence[Sequence[tuple[float, float]]] = (),
) -> None:
    """Name points so that names cover neither points nor lines nor each other nor leave the panel, where possible.

    Args:
        labels: text, x, y.
        points: x, and the ends of what is drawn there.
        lines: the corners of each, x and y.
    """
    import numpy as np
    from matplotlib.transforms import Bbox

    renderer = axis.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    frame = axis.get_window_extent(renderer)
    margin = 5 * axis.figure.dpi / 72
    taken = []
    for x, low, high in points:
        (left, bottom), (_, top) = axis.transData.transform([(x, low), (x, high)])
        taken.append(Bbox.from_extents(left - margin, bottom - margin, left + margin, top + margin))
    for line in lines:
        corners = axis.transData.transform(np.array(line))
        for begin, end in pairwise(corners):
            steps = np.linspace(begin, end, 2 + int(np.hypot(*(end - begin)) / margin))
            taken += [Bbox.from_extents(x - 1, y - 1, x + 1, y + 1) for x, y in steps]
    waiting = sorted(labels, key=lambda label: label[1])
    # Names that have room beside their point come first: one that has none would take it from them.
    for offsets in (NEAR, NEAR + FAR):
        left_over = []
        for name in waiting:
            label, box, covered = place(axis, renderer, name, offsets, taken, frame)
            if covered >= 1 and offsets is NEAR:
                label.remove()
                left_over.append(name)
            else:
                taken.append(box)
        waiting = left_over


def place(
    axis: "Axes", renderer: Any, name: tuple[str, float, float], offsets: Any, taken: list[Any], frame: Any
) -> tuple[Any, Any, float]:
    """A name at the first offset where it covers nothing, or the least: label, box, and the square pixels it covers."""
    from matplotlib.text import Text

    text, x, y = name
    best = None
    for dx, dy in offsets:
        # From the corner of the name that is nearest to the point.
        corner = (0 if dx > 0 else 1, 0 if dy > 0 else 1)
        leader = {"arrowstyle": "-", "color": MUTED, "lw": 0.5, "shrinkA": 0, "shrinkB": 3, "relpos": corner}
        label = axis.annotate(
            wrap(text, 26), (x, y), (dx, dy), textcoords="offset points", fontsize=7,
            ha="left" if dx > 0 else "right" if dx < 0 else "center",
            va="bottom" if dy > 0 else "top" if dy < 0 else "center",
            arrowprops=leader if math.hypot(dx, dy) > 10 else None,
        )  # fmt: skip
        # The text alone: an annotation's own extent counts the line to its point.
        label.update_positions(renderer)
        box = Text.get_window_extent(label, renderer)
        covered = sum(area(box, other) for other in taken) + box.width * box.height - area(box, frame)
        if best is None or covered < best[2]:
            if best is not None:
                best[0].remove()
            best = (label, box, covered)
        else:
            label.remove()
        if best[2] < 1:
            break
    assert best is not None
    return best


def area(a: Any, b: Any) -> float:
    """How much two boxes overlap, in square pixels."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return max(width, 0.0) * max(height, 0.0)
