"""Names beside points, where they cover nothing."""

import math
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from repro.reporting.figures.words import wrap
from repro.reporting.style import INK, MUTED, PUBLISHED

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes


# Beside and around a point, in typographic points; and farther away, with a line to it.
NEAR = ((8, 0), (-8, 0), (0, 7), (0, -7), (6, 5), (-6, 5), (6, -5), (-6, -5))
FAR = tuple(
    (dx * far, dy * far)
    for far in (14, 22, 32, 44, 58, 74)
    for dx, dy in ((1, 1), (-1, 1), (1, -1), (-1, -1), (1.3, 0.3), (-1.3, 0.3), (1.3, -0.3), (-1.3, -0.3))
)
ORDERS = 40  # in which names are placed; the best is drawn

Placed = tuple[float, list[tuple[float, float]]]  # square pixels covered, and the offset of each name


class Name(NamedTuple):
    """A text beside a point: where that is on the figure and in data, and the text's size in pixels."""

    text: str
    data: tuple[float, float]
    at: tuple[float, float]
    size: tuple[float, float]
    colour: str


def place_labels(
    axis: "Axes",
    labels: Sequence[tuple[str, float, float]],
    points: Sequence[tuple[float, float, float]],
    lines: Sequence[Sequence[tuple[float, float]]] = (),
    published: Sequence[tuple[str, float, float]] = (),
) -> None:
    """Name points so that names cover neither points nor lines nor each other nor leave the panel, where possible.

    To be called when the layout is settled.

    Args:
        labels: text, x, y.
        points: x, and the ends of what is drawn there.
        lines: the corners of each, x and y.
        published: text, x, y of published values, named in their colour.
    """
    import numpy as np

    named = [(*label, PUBLISHED) for label in published] + [(*label, INK) for label in labels]
    if not named:
        return
    names = [measured(axis, *label) for label in named]
    taken = obstacles(axis, points, lines)
    scale = axis.figure.dpi / 72
    frame = np.array(axis.get_window_extent().extents)
    orders = [sorted(range(len(names)), key=lambda index: names[index].at[0])]
    shuffled = random.Random(0)
    best: Placed | None = None
    while (best is None or best[0] >= 1) and len(orders) <= ORDERS:
        found = arranged(names, orders[-1], taken, frame, scale)
        best = found if best is None or found[0] < best[0] else best
        orders.append(shuffled.sample(orders[0], len(names)))
    assert best is not None
    for name, offset in zip(names, best[1], strict=True):
        write(axis, name, offset)


def measured(axis: "Axes", text: str, x: float, y: float, colour: str) -> Name:
    """A name with its place and size on the figure."""
    renderer = axis.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    text = wrap(text, 26)
    shown = axis.text(0, 0, text, fontsize=7)
    box = shown.get_window_extent(renderer)
    shown.remove()
    at = axis.transData.transform((x, y))
    return Name(text, (x, y), (float(at[0]), float(at[1])), (box.width, box.height), colour)


def obstacles(
    axis: "Axes", points: Sequence[tuple[float, float, float]], lines: Sequence[Sequence[tuple[float, float]]]
) -> "np.ndarray":
    """The boxes that names may not cover: (left, bottom, right, top) in pixels."""
    import numpy as np

    margin = 5 * axis.figure.dpi / 72
    taken = []
    for x, low, high in points:
        (left, bottom), (_, top) = axis.transData.transform([(x, low), (x, high)])
        taken.append((left - margin, bottom - margin, left + margin, top + margin))
    for line in lines:
        corners = axis.transData.transform(np.array(line))
        for begin, end in pairwise(corners):
            steps = np.linspace(begin, end, 2 + min(400, int(np.hypot(*(end - begin)) / margin)))
            taken += [(x - 1, y - 1, x + 1, y + 1) for x, y in steps]
    return np.array(taken, dtype=float).reshape(-1, 4)


def arranged(
    names: Sequence[Name], order: Sequence[int], taken: "np.ndarray", frame: "np.ndarray", scale: float
) -> Placed:
    """Each name in turn at the first offset where it covers nothing, or else the least."""
    import numpy as np

    chosen: dict[int, tuple[float, float]] = {}
    written = np.empty((0, 4))
    total = 0.0
    waiting = list(order)
    # Names that have room beside their point come first: one that has none would take it from them.
    for offsets in (NEAR, NEAR + FAR):
        left_over = []
        for index in waiting:
            name = names[index]
            boxes = np.array([box_at(name, offset, scale) for offset in offsets])
            width, height = name.size
            leaders = [leader_of(name, box, offset) for box, offset in zip(boxes, offsets, strict=True)]
            covered = overlap(boxes, taken).sum(1) + width * height - overlap(boxes, frame[None])[:, 0]
            covered += [overlap(leader, written).sum() for leader in leaders]
            free = np.flatnonzero(covered < 1)
            at = int(free[0]) if len(free) else int(covered.argmin())
            if not len(free) and offsets is NEAR:
                left_over.append(index)
                continue
            chosen[index] = offsets[at]
            total += float(covered[at])
            taken = np.vstack([taken, boxes[at], leaders[at]])
            written = np.vstack([written, boxes[at]])
        waiting = left_over
    return total, [chosen[index] for index in range(len(names))]


def box_at(name: Name, offset: tuple[float, float], scale: float) -> tuple[float, float, float, float]:
    """The box of a name at an offset."""
    (x, y), (width, height), (dx, dy) = name.at, name.size, offset
    left = x + dx * scale - (0 if dx > 0 else width if dx < 0 else width / 2)
    bottom = y + dy * scale - (0 if dy > 0 else height if dy < 0 else height / 2)
    return left, bottom, left + width, bottom + height


def leader_of(name: Name, box: "np.ndarray", offset: tuple[float, float]) -> "np.ndarray":
    """The line from a name to its point as small boxes; none where the name stands beside it."""
    import numpy as np

    if not far(offset):
        return np.empty((0, 4))
    corner = (box[0] if offset[0] > 0 else box[2], box[1] if offset[1] > 0 else box[3])
    steps = np.linspace(name.at, corner, 24)[2:-2]
    return np.hstack([steps - 1.5, steps + 1.5])


def far(offset: tuple[float, float]) -> bool:
    """Whether a name stands so far from its point that a line must lead there."""
    return math.hypot(*offset) > 10


def overlap(boxes: "np.ndarray", others: "np.ndarray") -> "np.ndarray":
    """The overlap of each box with each of the others, in square pixels."""
    import numpy as np

    a, b = boxes[:, None], others[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    return np.clip(sides, 0, None).prod(-1)


def write(axis: "Axes", name: Name, offset: tuple[float, float]) -> None:
    """Draw a name, with a line to its point where it is far away."""
    dx, dy = offset
    # From the corner of the name that is nearest to the point.
    corner = (0 if dx > 0 else 1, 0 if dy > 0 else 1)
    leader = {"arrowstyle": "-", "color": MUTED, "lw": 0.5, "shrinkA": 0, "shrinkB": 3, "relpos": corner}
    axis.annotate(
        name.text, name.data, offset, textcoords="offset points", fontsize=7, color=name.colour,
        ha="left" if dx > 0 else "right" if dx < 0 else "center",
        va="bottom" if dy > 0 else "top" if dy < 0 else "center",
        arrowprops=leader if far(offset) else None,
    )  # fmt: skip
