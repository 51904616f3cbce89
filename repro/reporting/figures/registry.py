"""Base class of the kinds of figure, and the kinds by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from repro.config.registry import Registry
from repro.errors import unknown
from repro.judging.evidence import Evidence
from repro.planning.experiments import Experiment
from repro.records import Store
from repro.reporting import style
from repro.reporting.drawn import Drawn
from repro.reporting.figures import marks, words
from repro.reporting.figures.charts import Chart
from repro.reporting.figures.selection import ByBudget
from repro.reporting.table import Column

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CROWD = 8  # networks; more names than that do not fit beside points
Cells = tuple[Column, Callable[[Evidence], Any]]  # a column, and a variant's cell in it


class FigureKind:
    """A kind of figure: what it draws, and the columns that the experiment's table needs for it.

    Attributes:
        name: the `figure.kind` of an experiment.
        draws: there is a figure.
        words: the first words of its description.
        marks: what its marks are, as the caption begins.
        crowded: the kind that takes its place where many networks of like size would stand upon each other.
        notes: lines below the table of an experiment that was measured.
    """

    name: ClassVar[str]
    draws: ClassVar[bool] = True
    words: ClassVar[str] = ""
    marks: ClassVar[str] = (
        "Means, with 95 % intervals from five seeds on; small circles are seeds, crosses seeds that failed"
    )
    crowded: ClassVar[str] = ""
    notes: ClassVar[tuple[str, ...]] = ()

    def described(self, experiment: Experiment, evidence: ByBudget, store: Store) -> list[Drawn]:
        """The figures that an experiment has, known from its evidence without drawing them."""
        if not evidence or not self.draws:
            return []
        return [Drawn(experiment.name, words.in_sentences(self.words, experiment, evidence), self.marks)]

    def draw(self, figure: "Figure", experiment: Experiment, evidence: ByBudget, store: Store, name: str) -> None:
        """Draw the one of `described` that has this name."""
        self.paint(figure, experiment, evidence)
        style.settle(figure)
        marks.cut_intervals(figure)

    def paint(self, figure: "Figure", experiment: Experiment, evidence: ByBudget) -> None:
        """Draw measured values with their 95 % intervals, and published values beside them."""
        raise NotImplementedError

    def chart(self, experiment: Experiment, evidence: ByBudget, store: Store) -> Chart | None:
        """The figure as numbers, for the page's script to draw; None where the page shows the file."""
        return None

    def columns_before(self, budget: str) -> list[Cells]:
        """Columns before the accuracies of a budget."""
        return []

    def columns_after(self, budget: str) -> list[Cells]:
        """Columns behind the accuracies of a budget."""
        return []


KINDS: Registry[FigureKind] = Registry("kinds of figure")
register = KINDS.register


def stated(experiment: Experiment) -> FigureKind:
    """The kind that an experiment's file names.

    Raises:
        BadInput: there is no such kind.
    """
    name = experiment.figure.kind
    if name not in KINDS:
        raise unknown("figure", name, KINDS, f"{experiment.file}: figure.kind")
    return KINDS[name]


def drawn(experiment: Experiment) -> FigureKind:
    """The kind that is drawn."""
    kind = stated(experiment)
    crowd = len(experiment.variants) > CROWD and all(variant.at is None for variant in experiment.variants)
    return KINDS[kind.crowded] if kind.crowded and crowd else kind
