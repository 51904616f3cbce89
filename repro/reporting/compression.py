"""The figures of compressed files: sizes, answers, where the bytes are."""

from typing import TYPE_CHECKING, Any

from repro.planning.experiments import Experiment
from repro.records import Store, compressed
from repro.records.compressed import CompressedRecord
from repro.reporting import style
from repro.reporting.figures.words import wrap
from repro.reporting.style import COLOURS, INK, MUTED, PAPER, PUBLISHED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from repro.reporting.drawn import Drawn

SECTIONS = ("index", "codes", "codebook", "tables", "biases")
ROUNDED = "rounded"  # the series that is a frontier
NONE = 1e-4  # where a divergence of nothing is drawn on a logarithmic axis
SHOWN_LAYERS = ("conv1", "fire2/expand3x3", "fire6/squeeze1x1", "fire9/expand3x3", "conv10")


def records(experiment: Experiment, store: Store) -> dict[str, CompressedRecord]:
    """The records there are, by variant."""
    found = {
        variant.name: compressed.find(store, experiment.name, variant.name, variant.compress)
        for variant in experiment.variants
        if variant.compress is not None
    }
    return {name: record for name, record in found.items() if record is not None}


def described(experiment: Experiment, store: Store) -> "list[Drawn]":
    """The figures there are records for."""
    from repro.reporting.drawn import Drawn

    found = records(experiment, store)
    if not found:
        return []
    parts = [
        f"{title_of(experiment, name)} {record.bytes:,} bytes, {100 * record.answers.top1 / record.answers.total:.1f} %"
        for name, record in found.items()
    ]
    text = f"Scatter plot of top-1 accuracy against bytes on disk: {'; '.join(parts)}."
    layers = len(next(iter(found.values())).layers)
    return [
        Drawn(experiment.name, text, caption(list(found.values()))),
        Drawn(
            f"{experiment.name}-bytes",
            f"Stacked bars of where the bytes of {len(accounted(found))} files are: {', '.join(SECTIONS)}, header.",
            f"Bytes of {len(accounted(found))} files, counted.",
        ),
        Drawn(
            f"{experiment.name}-weights",
            f"Histograms of the kept weights of {len(SHOWN_LAYERS)} of {layers} layers before and after sharing.",
            "Every weight that pruning left, counted; a row for the largest file, one in the middle and the smallest.",
        ),
    ]


def accounted(found: dict[str, CompressedRecord]) -> dict[str, CompressedRecord]:
    """The files whose format says which bytes belong to which layer: all but NNCodec's."""
    return {name: record for name, record in found.items() if record.header < record.bytes}


def caption(found: list[CompressedRecord]) -> str:
    """Of how many photographs the answers are, and what their intervals are of."""
    photographs = " or ".join(f"{total:,}" for total in sorted({record.answers.total for record in found}))
    return f"One file a mark, its answers to {photographs} photographs; 95 % intervals are of the draw of photographs."


def title_of(experiment: Experiment, name: str) -> str:
    return experiment.variant(name).title


def paint(figure: "Figure", experiment: Experiment, store: Store, name: str) -> None:
    """One of the figures of `described`."""
    found = records(experiment, store)
    match name.removeprefix(experiment.name):
        case "":
            frontier(figure, experiment, found)
        case "-bytes":
            breakdown(figure, experiment, found)
        case _:
            histograms(figure, experiment, found)


def frontier(figure: "Figure", experiment: Experiment, found: dict[str, CompressedRecord]) -> None:
    """Points of top-1 lost, and divergence of the answers, against bytes on disk; the paper's sizes as lines."""
    figure.set_size_inches(style.WIDTH, 3.3)
    left, right = figure.subplots(1, 2)
    groups = list(dict.fromkeys(experiment.variant(name).series for name in found))
    for index, group in enumerate(groups):
        members = [record for name, record in found.items() if experiment.variant(name).series == group]
        members.sort(key=lambda record: record.bytes)
        look: dict[str, Any] = {"color": style.colour(index), "marker": style.marker(index)}
        look |= {"ms": 5, "mec": PAPER, "mew": 0.6, "zorder": 3}
        sizes = [record.bytes / 1e3 for record in members]
        lost = [record.answers.lost for record in members]
        # The points lost are few of few photographs: their interval says so.
        below = [record.answers.lost - record.answers.low for record in members]
        above = [record.answers.high - record.answers.lost for record in members]
        left.errorbar(sizes, lost, [below, above], ls="", lw=1, **look)
        line = "-" if group == ROUNDED else ""
        nats, low, high = (
            [max(value, NONE) for value in values]
            for values in zip(
                *((r.answers.divergence, r.answers.divergence_low, r.answers.divergence_high) for r in members),
                strict=True,
            )
        )
        spans = [[a - b for a, b in zip(nats, low, strict=True)], [a - b for a, b in zip(high, nats, strict=True)]]
        right.errorbar(sizes, nats, spans, ls=line, lw=0.8, **look)
    for axis in (left, right):
        for size in published_sizes(experiment):
            axis.axvline(size / 1e3, color=PUBLISHED, lw=0.8, ls="--", zorder=1)
        axis.set_xlabel("file on disk (thousand bytes)")
    left.axhline(0, color=MUTED, lw=0.6)
    left.invert_yaxis()
    left.set_ylabel("points of top-1 lost")
    left.set_title("Right answers")
    right.set_yscale("log")
    right.set_ylim(bottom=NONE / 2)
    right.yaxis.set_major_formatter(lambda value, place: "0" if value < 2 * NONE else f"{value:g}")
    right.set_ylabel("divergence of the answers (nats)")
    right.set_title("All answers")
    figure.suptitle(experiment.title, x=0.01, ha="left")
    keys = [legend_key(group, index) for index, group in enumerate(groups)]
    from matplotlib.lines import Line2D

    keys.append(Line2D([], [], color=PUBLISHED, lw=0.8, ls="--", label="sizes in the paper's Table 2"))
    figure.legend(handles=keys, loc="outside lower center", ncols=3)


def published_sizes(experiment: Experiment) -> list[float]:
    """The published sizes of compressed files, in bytes: those below a megabyte."""
    stated = [claim for claim in experiment.claims if claim.metric == "file_bytes" and len(claim.variants) == 1]
    sizes = [(claim.published or 0.0) * claim.scale for claim in stated if claim.direction == "two-sided"]
    return [size for size in sizes if size < 1e6]


def legend_key(label: str, index: int) -> Any:
    """One group of the frontier."""
    from matplotlib.lines import Line2D

    marker = style.marker(index)
    return Line2D([], [], ls="", marker=marker, color=style.colour(index), mec=PAPER, ms=6, label=label)


def breakdown(figure: "Figure", experiment: Experiment, found: dict[str, CompressedRecord]) -> None:
    """A bar for each file whose format says where its bytes are: its bytes by kind."""
    found = accounted(found)
    figure.set_size_inches(style.WIDTH, 0.9 + 0.3 * len(found))
    axis = figure.subplots()
    rows = range(len(found))
    left = [0.0] * len(found)
    for index, kind in enumerate((*SECTIONS, "header")):
        sizes = [
            record.header / 1e3 if kind == "header" else sum(getattr(layer, kind) for layer in record.layers) / 1e3
            for record in found.values()
        ]
        colour = COLOURS[index] if index < len(SECTIONS) else INK
        hatch = ("", "///", "", "\\\\\\", "", "")[index]
        axis.barh(rows, sizes, left=left, height=0.68, color=colour, label=kind, hatch=hatch, ec=PAPER, lw=0.4)
        left = [a + b for a, b in zip(left, sizes, strict=True)]
    for place, record in zip(rows, found.values(), strict=True):
        at = (record.bytes / 1e3, place)
        axis.annotate(f"{record.bytes:,}", at, xytext=(4, 0), textcoords="offset points", va="center", fontsize=7)
    axis.set_yticks(list(rows), [title_of(experiment, name) for name in found])
    axis.set_ylim(len(found) - 0.4, -0.6)
    axis.set_xlim(0, max(left) * 1.14)
    axis.set_xlabel("thousand bytes on disk")
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    axis.set_title("Where the bytes are")
    figure.legend(loc="outside lower center", ncols=len(SECTIONS) + 1)


def histograms(figure: "Figure", experiment: Experiment, found: dict[str, CompressedRecord]) -> None:
    """Kept weights of some layers: a row for the largest file (before sharing anew), a middle one and the smallest."""
    ordered = sorted(found.items(), key=lambda item: -item[1].bytes)
    chosen = [ordered[0], ordered[len(ordered) // 2], ordered[-1]] if len(ordered) > 2 else ordered
    figure.set_size_inches(style.WIDTH, 0.8 + 1.3 * len(chosen))
    axes = figure.subplots(len(chosen), len(SHOWN_LAYERS), squeeze=False, sharex="col")
    figure.suptitle("Values of the kept weights", x=0.01, ha="left")
    for line, (name, record) in zip(axes, chosen, strict=True):
        layers = {layer.layer: layer for layer in record.layers}
        for axis, wanted in zip(line, SHOWN_LAYERS, strict=True):
            histogram(axis, layers[wanted])
            count = f"{layers[wanted].values} values"
            axis.annotate(count, (1, 1), xycoords="axes fraction", ha="right", va="top", fontsize=7, color=MUTED)
        line[0].set_ylabel(f"{wrap(title_of(experiment, name), 18)}\nkept weights", fontsize=7)
    for axis, wanted in zip(axes[0], SHOWN_LAYERS, strict=True):
        axis.set_title(wanted, fontsize=7)
    for axis in axes[-1]:
        axis.set_xlabel("weight", fontsize=7)


def histogram(axis: "Axes", layer: compressed.Layer) -> None:
    """One layer's kept weights."""
    count = len(layer.histogram)
    step = 2 * layer.reach / count
    edges = [-layer.reach + index * step for index in range(count + 1)]
    axis.stairs(layer.histogram, edges, fill=True, color=COLOURS[0])
    axis.set_yticks([])
    axis.grid(visible=False)
    axis.tick_params(labelsize=7)
