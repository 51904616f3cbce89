"""The table and the figure of an experiment that only counts: what each network has, counted and published."""

from typing import TYPE_CHECKING, Any

from repro import models
from repro.judging.evidence import counted
from repro.planning import experiments
from repro.planning.experiments import Experiment, Variant
from repro.reporting import style
from repro.reporting.drawn import Drawn
from repro.reporting.figures import registry as figures
from repro.reporting.registry import Presentation, register, sheet
from repro.reporting.style import COLOURS, PAPER, PUBLISHED
from repro.reporting.table import Column, Table
from repro.rules.claim import Claim

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BYTES_PER_PARAMETER = 4  # float32


@register
class Sizes(Presentation):
    """Published sizes of each variant beside counted ones."""

    name = "sizes"

    def table(self, experiment, store, data_dir, budgets=()):
        """A row for each exact claim about a variant; one of which nothing is published has its parameters."""
        rows: list[dict[str, Any]] = []
        for variant in experiment.variants:
            own = [claim for claim in experiment.claims if claim.variants == (variant.name,) and not claim.needs]
            exact = [claim for claim in own if claim.deterministic]
            for claim in exact:
                found = counted(experiment, claim, variant.name, store)
                rows.append(
                    {
                        "variant": variant.title,
                        "layer": claim.layer or None,
                        "what": {"side": "output height"}.get(claim.metric, claim.metric),
                        "unit": claim.unit,
                        "published": claim.published,
                        "counted": found.values[0] / claim.scale if found else None,
                    }
                )
            if not exact:
                number = count(experiment, variant)
                rows.append({"variant": variant.title, "what": "parameters", "unit": "parameters", "counted": number})
        columns = [
            Column("variant", "network"),
            Column("layer"),
            Column("what"),
            Column("published", align="right", format=",.9g"),
            Column("counted", align="right", format=",.9g"),
            Column("unit"),
        ]
        if not any(row.get("layer") for row in rows):
            columns.pop(1)
        return Table(experiment.title, columns, rows)

    def by_row(self, experiment, judged):
        groups = []
        for variant in experiment.variants:
            own = [each for each in judged if each[0].deterministic and each[0].variants == (variant.name,)]
            groups += [[each] for each in own] or [[]]
        return groups

    def described(self, experiment, evidence, store):
        if not figures.stated(experiment).draws:
            return []
        groups = ", ".join(grouped(experiment))
        text = f"Bar chart of the parameters of {len(experiment.variants)} networks, counted and published: {groups}."
        return [Drawn(experiment.name, text)]

    def charted(self, experiment, evidence, store):
        return {}

    def figure(self, experiment, evidence, store, name):
        figure = sheet()
        paint(figure, experiment)
        return figure


def paint(figure: "Figure", experiment: Experiment) -> None:
    """Parameters as bars, a panel for each series of variants, with the published counts on them."""
    groups = grouped(experiment)
    heights = [len(variants) for variants in groups.values()]
    figure.set_size_inches(style.WIDTH, 0.16 * sum(heights) + 0.5 * len(heights) + 0.6)
    axes = figure.subplots(len(groups), 1, height_ratios=[count + 0.8 for count in heights], squeeze=False)[:, 0]
    for axis, (name, variants) in zip(axes, groups.items(), strict=True):
        size_panel(axis, name, experiment, variants)
    axes[-1].set_xlabel("parameters (bars: counted on the built network; diamonds: published)")


def grouped(experiment: Experiment) -> dict[str, list[Variant]]:
    """The variants by series, in order."""
    groups: dict[str, list[Variant]] = {}
    for variant in experiment.variants:
        groups.setdefault(variant.series, []).append(variant)
    return groups


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
    axis.set_yticks(list(rows), [variant.title for variant in variants])
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
    """The published size of the whole variant, as parameters."""
    return [
        as_parameters(claim)
        for claim in experiment.claims
        if claim.deterministic and claim.variants == (variant.name,) and not claim.layer
        and claim.metric in ("parameters", "bytes") and not claim.needs
    ]  # fmt: skip


def as_parameters(claim: Claim) -> float:
    """A published count, or a size in bytes, in parameters."""
    value = (claim.published or 0.0) * claim.scale
    return value if claim.metric == "parameters" else value / BYTES_PER_PARAMETER
