"""Base class of how experiments of a kind are shown, and the kinds by name; `repro.planning.kinds` plans their work."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from repro.config.registry import Registry
from repro.config.specification import Budget, Spec
from repro.planning.experiments import Experiment
from repro.records import Store
from repro.reporting import style
from repro.reporting.drawn import Drawn
from repro.reporting.figures import charts, curves, differences, marks
from repro.reporting.figures import registry as figures
from repro.reporting.figures.selection import ByBudget
from repro.reporting.table import Table
from repro.rules.claim import Claim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from repro.rules.verdicts import Verdict


class Presentation:
    """Base class of how experiments of a kind are shown: a table, and figures.

    What is here is right for an experiment with a figure of a kind of `repro.reporting.figures.kinds`.

    Attributes:
        name: the `kind` of an experiment.
        tabled: the table belongs into documents, and not on the terminal alone.
    """

    name: ClassVar[str]
    tabled: ClassVar[bool] = True

    def table(self, experiment: Experiment, store: Store, data_dir: Path, budgets: Sequence[Budget] = ()) -> Table:
        """Published beside measured or counted values.

        budgets: which are shown; by default those with records, `smoke` only where there is nothing else.
        """
        raise NotImplementedError

    def by_row(
        self, experiment: Experiment, judged: "Sequence[tuple[Claim, Verdict]]"
    ) -> "list[list[tuple[Claim, Verdict]]]":
        """For each row of the table, the claims that begin with its variant, with their verdicts."""
        names = [variant.name for variant in experiment.variants]
        return [[each for each in judged if each[0].variants[:1] == (name,)] for name in names]

    def drawn_from(self, experiment: Experiment, store: Store) -> Mapping[str, Spec]:
        """The records that figures are drawn from beside those of runs, by variant."""
        return {}

    def described(self, experiment: Experiment, evidence: ByBudget, store: Store) -> list[Drawn]:
        """The figures that an experiment has, known from its evidence without drawing them."""
        own = figures.drawn(experiment).described(experiment, evidence, store)
        if differences.drawable(experiment, evidence):
            alt = differences.alt_text(experiment, evidence)
            own.append(Drawn(experiment.name + differences.SUFFIX, alt, differences.MARKS))
        if any(map(curves.trained, evidence.values())):
            alt = curves.alt_text(experiment, evidence)
            own.append(Drawn(experiment.name + curves.SUFFIX, alt, curves.MARKS))
        return own

    def charted(self, experiment: Experiment, evidence: ByBudget, store: Store) -> dict[str, charts.Chart]:
        """The figures that the page draws itself, as numbers, by name; see `charts`."""
        found: dict[str, charts.Chart] = {}
        if experiment.work.trains and not evidence:
            return found
        if chart := figures.drawn(experiment).chart(experiment, evidence, store):
            found[experiment.name] = chart
        if differences.drawable(experiment, evidence):
            found[experiment.name + differences.SUFFIX] = charts.changes(experiment, evidence)
        return found

    def figure(self, experiment: Experiment, evidence: ByBudget, store: Store, name: str) -> "Figure":
        """Draw the one of `described` that has this name."""
        figure = sheet()
        if name == experiment.name + differences.SUFFIX:
            differences.paint(figure, experiment, evidence)
            style.settle(figure)
            marks.cut_intervals(figure)
        elif name == experiment.name + curves.SUFFIX:
            curves.curves(figure, experiment, evidence, store)
        else:
            figures.drawn(experiment).draw(figure, experiment, evidence, store, name)
        return figure

    def draw(self, experiment: Experiment, evidence: ByBudget, store: Store, folder: Path) -> list[Drawn]:
        """Write the figures of `described` into a folder; others of the experiment go."""
        drawn = self.described(experiment, evidence, store)
        with style.styled():
            for each in drawn:
                style.save(self.figure(experiment, evidence, store, each.name), folder, each.name)
        remove(experiment, folder, drawn)
        return drawn


KINDS: Registry[Presentation] = Registry("presentations of experiments")
register = KINDS.register


def sheet() -> "Figure":
    """An empty figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    return FigureCanvasAgg(Figure(layout="constrained")).figure


def remove(experiment: Experiment, folder: Path, but: Sequence[Drawn] = ()) -> None:
    """Take away the figures of an experiment that no record stands behind any more."""
    kept = {drawn.name for drawn in but}
    for name in {f"{experiment.name}{suffix}" for suffix in ("", differences.SUFFIX, curves.SUFFIX)} - kept:
        for suffix in style.FORMATS:
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
