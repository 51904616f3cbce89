"""The table of the paper's design strategies, section 3.1."""

from repro.reporting.registry import Presentation, register
from repro.reporting.table import Column, Table


@register
class Strategies(Presentation):
    """A row for each design strategy: what it changes, and by which factor."""

    name = "strategies"

    def table(self, experiment, store, data_dir, budgets=()):
        from repro.models.strategies import strategies

        columns = [
            Column("strategy"),
            Column("quantity"),
            Column("where"),
            Column("without", align="right", format=",d"),
            Column("following", "with", "right", ",d"),
            Column("factor", align="right", format=".2f"),
        ]
        rows = [
            {name: getattr(row, name) for name in ("strategy", "quantity", "where", "without", "following", "factor")}
            for row in strategies()
        ]
        notes = ["Factor: how many times smaller (strategies 1 and 2) or larger (strategy 3) the number becomes."]
        return Table(experiment.title, columns, rows, notes)
