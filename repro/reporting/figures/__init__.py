"""The figures of experiments. Each shows measured values with 95 % intervals, and published values beside them.

A figure is drawn from evidence and histories alone. Colours, markers and line styles change together, so that nothing
is told by colour alone.
"""

from collections.abc import Sequence
from pathlib import Path

from repro.planning.experiments import Experiment
from repro.records import Store
from repro.reporting import sizes, style
from repro.reporting.drawn import Drawn
from repro.reporting.figures import charts, common, curves, differences, kinds, registry
from repro.reporting.figures.common import ByBudget

__all__ = ["charted", "described", "draw", "kinds", "remove"]


def described(experiment: Experiment, evidence: ByBudget, store: Store) -> list[Drawn]:
    """The figures that an experiment has, told from its evidence without drawing them."""
    if experiment.kind == "diagrams":
        from repro.reporting.diagrams import DIAGRAMS

        return [Drawn(f"architecture-{name}", " ".join((d.__doc__ or name).split())) for name, d in DIAGRAMS.items()]
    if experiment.kind == "sizes":
        return sizes.described(experiment) if registry.stated(experiment).draws else []
    own = registry.drawn(experiment).described(experiment, evidence, store)
    if differences.drawable(experiment, evidence):
        own.append(Drawn(experiment.name + differences.SUFFIX, differences.alt_text(experiment, evidence)))
    if any(map(curves.trained, evidence.values())):
        own.append(Drawn(experiment.name + curves.SUFFIX, curves.alt_text(experiment, evidence)))
    return own


def charted(experiment: Experiment, evidence: ByBudget, store: Store) -> dict[str, charts.Chart]:
    """The figures that the page draws itself, as numbers, by name; see `charts`."""
    found: dict[str, charts.Chart] = {}
    if experiment.kind in ("diagrams", "sizes") or (experiment.kind == "training" and not evidence):
        return found
    if chart := registry.drawn(experiment).chart(experiment, evidence, store):
        found[experiment.name] = chart
    if differences.drawable(experiment, evidence):
        found[experiment.name + differences.SUFFIX] = charts.changes(experiment, evidence)
    return found


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
                elif each.name == experiment.name + differences.SUFFIX:
                    differences.paint(figure, experiment, evidence)
                    style.settle(figure)
                    common.cut_intervals(figure)
                elif each.name == experiment.name + curves.SUFFIX:
                    curves.curves(figure, experiment, evidence, store)
                else:
                    registry.drawn(experiment).draw(figure, experiment, evidence, store, each.name)
            style.save(figure, folder, each.name)
    remove(experiment, folder, drawn)
    return drawn


def remove(experiment: Experiment, folder: Path, but: Sequence[Drawn] = ()) -> None:
    """Take away the figures of an experiment that no record stands behind any more."""
    kept = {drawn.name for drawn in but}
    for name in {f"{experiment.name}{suffix}" for suffix in ("", differences.SUFFIX, curves.SUFFIX)} - kept:
        for suffix in style.FORMATS:
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
