"""The figures of an experiment that draws the architectures."""

from repro.reporting.drawn import Drawn
from repro.reporting.registry import Presentation, register
from repro.reporting.table import Column, Table

PREFIX = "architecture-"


@register
class Diagrams(Presentation):
    """A figure for each function of `repro.reporting.diagrams.DIAGRAMS`; its docstring says what it shows."""

    name = "diagrams"
    tabled = False

    def table(self, experiment, store, data_dir, budgets=()):
        """A row for each figure: where it is and what it shows."""
        folder = store.folder.parent / "figures"
        rows = [
            {"figure": str(folder / f"{drawn.name}.svg"), "shows": drawn.alt}
            for drawn in self.described(experiment, {}, store)
        ]
        return Table(experiment.title, [Column("figure"), Column("shows")], rows)

    def described(self, experiment, evidence, store):
        # Imported here because matplotlib takes longer to load than most verbs to run.
        from repro.reporting.diagrams import DIAGRAMS

        return [Drawn(PREFIX + name, " ".join((draw.__doc__ or name).split())) for name, draw in DIAGRAMS.items()]

    def charted(self, experiment, evidence, store):
        return {}

    def figure(self, experiment, evidence, store, name):
        from repro.reporting.diagrams import DIAGRAMS

        return DIAGRAMS[name.removeprefix(PREFIX)]()
