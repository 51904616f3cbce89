"""What the index and the page tell of an experiment, and how they put it into words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.judging.claims import OUTCOMES
from repro.judging.evidence import Evidence
from repro.planning.experiments import Experiment
from repro.planning.specification import Budget
from repro.records import Record
from repro.reporting.figures import Drawn
from repro.reporting.table import Column, Table

if TYPE_CHECKING:
    from repro.judging.verdicts import Verdict


REDUCED = "decided at reduced scale"  # heading of that count among the verdicts


@dataclass(frozen=True)
class Section:
    """One experiment with everything that is shown of it.

    finding: what came out, as `blocks.finding` makes it.
    """

    experiment: Experiment
    evidence: dict[Budget, list[Evidence]]
    verdicts: "list[Verdict]"
    figures: list[Drawn]
    finding: str = ""

    @property
    def records(self) -> list[Record]:
        """Every record behind the experiment, once."""
        found = (record for items in self.evidence.values() for item in items for record in item.records)
        return list({record.identity: record for record in found}.values())

    @property
    def seconds(self) -> float:
        """Wall time of all its runs."""
        return sum(record.seconds for record in self.records)

    @property
    def answer(self) -> str:
        """The answer in a sentence: the finding where something was run, and what became of its claims."""
        sentences = []
        if self.experiment.kind == "training" and not self.evidence:
            sentences.append("Not run.")
        elif self.finding:
            sentences.append(self.finding)
        if self.verdicts:
            sentences.append(counted(self.verdicts))
        return " ".join(sentences) or "No claim is judged on it."


def by_source(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """How many claims of each source got which verdict, and of all together: rows of `source`, `total`, `counts`, and
    `reduced`, those that were decided on reduced runs.
    """
    judged = [
        (claim.source, verdict.verdict, verdict.decided and verdict.reduced)
        for section in sections
        for claim, verdict in zip(section.experiment.claims, section.verdicts, strict=True)
    ]
    rows = []
    for source in [*sorted({source for source, _, _ in judged}), "all"]:
        own = [(verdict, reduced) for named, verdict, reduced in judged if source in ("all", named)]
        tally = Counter(verdict for verdict, _ in own)
        counts = [tally[name] for name in OUTCOMES]
        rows.append({"source": source, "total": len(own), "counts": counts, "reduced": sum(r for _, r in own)})
    return rows


def verdicts_table(sections: Iterable[Section]) -> Table:
    """`by_source` as a table."""
    names = ("claims", *OUTCOMES, REDUCED)
    columns = [Column("source"), *(Column(name, align="right") for name in names)]
    rows: list[dict[str, Any]] = [
        {"source": row["source"]} | dict(zip(names, (row["total"], *row["counts"], row["reduced"]), strict=True))
        for row in by_source(sections)
    ]
    return Table("Verdicts by source", columns, rows)


def open_questions(experiments: Iterable[Experiment]) -> dict[str, list[str]]:
    """What the sources leave open, as the reading taken here, each with the ids of the claims that rest on it."""
    found: dict[str, list[str]] = {}
    for experiment in experiments:
        for claim in experiment.claims:
            for text in claim.assumptions:
                found.setdefault(text, []).append(claim.id)
    return found


def benchmarks(results: Path) -> dict[str, str]:
    """The tables that `repro bench` has left in a results folder: their titles by name."""
    paths = sorted((results / "tables").glob("bench-*.md"))
    return {path.stem: path.read_text().partition("\n")[0].strip("*") for path in paths}


def counted(verdicts: "Iterable[Verdict]") -> str:
    """How many claims got which verdict, in a sentence."""
    tally = Counter(verdict.verdict for verdict in verdicts)
    total = sum(tally.values())
    parts = [f"{tally[outcome]} {outcome}" for outcome in OUTCOMES if tally[outcome]]
    return f"{total} claim{'s' if total != 1 else ''}: {', '.join(parts)}."


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 3 * 86400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"
