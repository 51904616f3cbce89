"""Tables of measurements: rounded for people as Markdown, with every number as CSV."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repro.benchmarking.rounds import Ratio
from repro.reporting.table import Column, Table, plain
from repro.storage import write_if_changed


@dataclass
class Sheet:
    """A table that is written as `tables/bench-NAME.md`, and with all that rows hold as `tables/bench-NAME.csv`.

    columns: those that people see.
    rows: by column name; a `Ratio` fills one column for people and three for programs, a list of numbers one.
    machine: what it was measured on; the last note, and a column of the .csv.
    """

    name: str
    title: str
    columns: list[Column]
    rows: list[dict[str, Any]]
    machine: str
    notes: list[str] = field(default_factory=list)

    def shown(self) -> Table:
        """The table for people."""
        return Table(self.title, self.columns, self.rows, [*self.notes, f"Measured on {self.machine}."])

    def numbers(self) -> Table:
        """The table for programs."""
        rows = [{name: joined(value) for name, value in row.items()} for row in self.flat()]
        names = dict.fromkeys(name for row in rows for name in row)
        return Table(self.title, [Column(name) for name in names], rows)

    def flat(self) -> list[dict[str, Any]]:
        """The rows with all that they hold as plain values, and the machine."""
        return [{**flat(row), "machine": self.machine} for row in self.rows]

    def write(self, results: Path) -> None:
        """Both files."""
        for suffix, table in (("md", self.shown()), ("csv", self.numbers())):
            write_if_changed(results / "tables" / f"bench-{self.name}.{suffix}", table.render(suffix))


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose cells are plain values and lists of numbers."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Ratio):
            found |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        else:
            found[name] = value
    return found


def joined(value: Any) -> Any:
    """A list of numbers as one cell, as the long tables of experiments have it."""
    return " ".join(f"{number:.6g}" for number in value) if isinstance(value, list) else value


def show(sheets: list[Sheet], output_format: str) -> None:
    """Print sheets; as JSON one object with the rows of each, by name."""
    if output_format == "json":
        content = {
            sheet.name: [{name: plain(value) for name, value in row.items()} for row in sheet.flat()]
            for sheet in sheets
        }
        sys.stdout.write(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
        return
    for number, sheet in enumerate(sheets):
        if number:
            sys.stdout.write("\n")
        (sheet.numbers() if output_format == "csv" else sheet.shown()).print(output_format)
