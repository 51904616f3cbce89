"""The figures of experiments that train nothing: sizes of networks, and their architectures."""

from pathlib import Path
from typing import TYPE_CHECKING

from repro import models
from repro.judging.claims import Claim
from repro.planning import experiments
from repro.planning.experiments import Experiment, Variant
from repro.reporting import style
from repro.reporting.figures import Drawn, wrap
from repro.reporting.style import COLOURS, PAPER, PUBLISHED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BYTES_PER_PARAMETER = 4  # float32


def draw(experiment: Experiment, folder: Path) -> list[Drawn]:
    """Write the figures of an experiment of kind `sizes` or `diagrams` as NAME.svg, .png and .pdf."""
    if experiment.kind == "diagrams":
        return diagrams(experiment, folder)
    return size_bars(experiment, folder) if experiment.figure.kind == "parameters" else []


def diagrams(experiment: Experiment, folder: Path) -> list[Drawn]:
    """Every architecture diagram, as NAME-DIAGRAM."""
    from repro.reporting.diagrams import DIAGRAMS

    drawn = []
    for name, figure in DIAGRAMS.items():
        style.save(figure(), folder, f"{experiment.name}-{name}")
        text = (figure.__doc__ or name).strip().split("\n")[0]
        drawn.append(Drawn(f"{experiment.name}-{name}", text))
    return drawn


def size_bars(experiment: Experiment, folder: Path) -> list[Drawn]:
    """Parameters as bars, a panel for each series of variants, with the published counts on them."""
    from matplotlib.figure import Figure

    series: dict[str, list[Variant]] = {}
    for variant in experiment.variants:
        series.setdefault(variant.series, []).append(variant)
    heights = [len(variants) for variants in series.values()]
    with style.styled():
        figure = Figure(figsize=(style.WIDTH, 0.16 * sum(heights) + 0.5 * len(heights) + 0.6), layout="constrained")
        axes = figure.subplots(len(series), 1, height_ratios=[count + 0.8 for count in heights], squeeze=False)[:, 0]
        for axis, (name, variants) in zip(axes, series.items(), strict=True):
            size_panel(axis, name, experiment, variants)
        axes[-1].set_xlabel("parameters (bars: counted on the built network; diamonds: published)")
        style.save(figure, folder, experiment.name)
    text = f"Bar chart of the parameters of {len(experiment.variants)} networks in {len(series)} groups."
    return [Drawn(experiment.name, text)]


def size_panel(axis: "Axes", name: str, experiment: Experiment, variants: list[Variant]) -> None:
    """One group of networks, each with its count written out."""
    from matplotlib.ticker import EngFormatter

    counts = [count(experiment, variant) for variant in variants]
    rows = range(len(variants))
    axis.barh(rows, counts, height=0.66, color=COLOURS[0], alpha=0.85)
    for row, variant, number in zip(rows, variants, counts, strict=True):
        stated = published(experiment, variant)
        for value in stated:
            axis.plot(value, row, marker="D", ms=4, mfc=PAPER, mec=PUBLISHED, mew=1, zorder=3)
        end = (max([number, *stated]), row)
        axis.annotate(f"{number:,}", end, xytext=(6, 0), textcoords="offset points", va="center", fontsize=7)
    axis.set_yticks(list(rows), [wrap(variant.title, 40) for variant in variants])
    axis.set_ylim(len(variants) - 0.4, -0.6)
    axis.set_xlim(0, max(counts) * 1.18)
    axis.xaxis.set_major_formatter(EngFormatter(sep=""))
    axis.set_title(name)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)


def count(experiment: Experiment, variant: Variant) -> int:
    """Parameters of a variant, in closed form."""
    run = experiments.resolve(experiment, variant, "paper")
    return models.parameter_count(run.model.name, **run.model.options)


def published(experiment: Experiment, variant: Variant) -> list[float]:
    """What was published about the whole variant's size, as parameters."""
    return [
        as_parameters(claim)
        for claim in experiment.claims
        if claim.type == "exact" and claim.variants == (variant.name,) and not claim.layer
        and claim.metric in ("parameters", "bytes")
    ]  # fmt: skip


def as_parameters(claim: Claim) -> float:
    """A published count, or a size in bytes, in parameters."""
    value = (claim.published or 0.0) * claim.scale
    return value if claim.metric == "parameters" else value / BYTES_PER_PARAMETER
