"""The figures of experiments. Each shows measured values with 95 % intervals, and published values beside them.

A figure is drawn from evidence and histories alone. Colours, markers and line styles change together, so that nothing
is told by colour alone.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repro.planning.experiments import Experiment
from repro.records import Store
from repro.reporting import compression, sizes, style
from repro.reporting.drawn import Drawn
from repro.reporting.figures import against, bars, common, curves, differences, grid, share, sweep
from repro.reporting.figures.common import ByBudget, beside, spoken

if TYPE_CHECKING:
    from matplotlib.figure import Figure


CROWD = 8  # networks; more names than that do not fit beside points


def described(experiment: Experiment, evidence: ByBudget, store: Store) -> list[Drawn]:
    """The figures that an experiment has, told from its evidence without drawing them."""
    if experiment.kind == "compression":
        return compression.described(experiment, store)
    if experiment.kind == "diagrams":
        from repro.reporting.diagrams import DIAGRAMS

        return [Drawn(f"architecture-{name}", " ".join((d.__doc__ or name).split())) for name, d in DIAGRAMS.items()]
    if experiment.kind == "sizes":
        return sizes.described(experiment)
    if not evidence:
        return []
    own = []
    if experiment.figure.kind != "none":
        _, words = KINDS[kind_of(experiment)]
        own = [Drawn(experiment.name, alt_text(words, experiment, evidence))]
    if differences.drawable(experiment, evidence):
        own.append(Drawn(experiment.name + differences.SUFFIX, differences.alt_text(experiment, evidence)))
    if any(map(curves.trained, evidence.values())):
        own.append(Drawn(f"{experiment.name}-curves", curves_alt_text(experiment, evidence)))
    return own


def draw(experiment: Experiment, evidence: ByBudget, store: Store, folder: Path) -> list[Drawn]:
    """Write the experiment's own figure and, where it trains for several epochs, its curves; others of it go."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = described(experiment, evidence, store)
    with style.styled():
        for each in drawn:
            if experiment.kind == "diagrams":
                from repro.reporting.diagrams import DIAGRAMS

                figure = DIAGRAMS[each.name.removeprefix("architecture-")]()
            else:
                figure = FigureCanvasAgg(Figure(layout="constrained")).figure
                if experiment.kind == "sizes":
                    sizes.paint(figure, experiment)
                elif experiment.kind == "compression":
                    compression.paint(figure, experiment, store, each.name)
                elif each.name == experiment.name + differences.SUFFIX:
                    differences.paint(figure, experiment, evidence)
                    style.settle(figure)
                    common.cut_intervals(figure)
                elif each.name == experiment.name:
                    paint, _ = KINDS[kind_of(experiment)]
                    paint(figure, experiment, evidence)
                    style.settle(figure)
                    common.cut_intervals(figure)
                else:
                    curves.curves(figure, experiment, evidence, store)
            style.save(figure, folder, each.name)
    remove(experiment, folder, drawn)
    return drawn


def kind_of(experiment: Experiment) -> str:
    """The kind of an experiment's figure: rows where many networks of like size would stand upon each other."""
    kind = experiment.figure.kind
    crowded = len(experiment.variants) > CROWD and all(variant.at is None for variant in experiment.variants)
    return "bars" if kind in ("parameters", "macs") and crowded else kind


def remove(experiment: Experiment, folder: Path, but: Sequence[Drawn] = ()) -> None:
    """Take away the figures of an experiment that no record stands behind any more."""
    kept = {drawn.name for drawn in but}
    for name in {f"{experiment.name}{suffix}" for suffix in ("", differences.SUFFIX, "-curves")} - kept:
        for suffix in style.FORMATS:
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)


def alt_text(kind: str, experiment: Experiment, evidence: ByBudget) -> str:
    """What the figure shows in sentences: each measured mean and published value."""
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
    return f"{kind}. {' '.join(parts)}"


def curves_alt_text(experiment: Experiment, evidence: ByBudget) -> str:
    """What the training curves show in a sentence for each budget: where they end."""
    parts = []
    for budget, found in evidence.items():
        if ends := [f"{item.variant.title} {item.mean:.1f} %" for item in curves.trained(found)]:
            parts.append(f"At the end at the {budget} budget: {'; '.join(ends)}.")
    return f"Training curves of {experiment.title}: test accuracy after each epoch. {' '.join(parts)}"


# By `Figure.kind` of an experiment: what draws it, and the first words of its description.
KINDS: dict[str, tuple[Callable[["Figure", Experiment, ByBudget], None], str]] = {
    "bars": (bars.bars, "Dot plot of test accuracy"),
    "parameters": (against.parameters, "Test accuracy against number of parameters"),
    "macs": (against.macs, "Test accuracy against multiply-accumulates"),
    "frontier": (against.frontier, "Test accuracy against number of parameters and against multiply-accumulates"),
    "sweep": (sweep.sweep, "Test accuracy against a swept setting"),
    "grid": (grid.grid, "Heat map of test accuracy, variants by protocols"),
    "share": (share.share, "Share of runs that failed"),
}
