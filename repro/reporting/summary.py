"""Summaries of experiments for the index and the page: counts of verdicts, answers, run times."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.specification import Budget
from repro.judging.evidence import Evidence
from repro.planning import experiments
from repro.planning.experiments import Experiment
from repro.records import Record
from repro.reporting.drawn import Drawn
from repro.reporting.table import Column, Table
from repro.rules.claim import EVIDENCE_KINDS, OUTCOMES

if TYPE_CHECKING:
    from repro.rules.verdicts import Verdict


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
    def tally(self) -> list[tuple[str, int]]:
        """Counts of its claims by verdict; verdicts that none got are left out."""
        counts = Counter(verdict.verdict for verdict in self.verdicts)
        return [(outcome, counts[outcome]) for outcome in OUTCOMES if counts[outcome]]

    @property
    def answer(self) -> str:
        """The answer in a sentence: the finding where something was run, and what became of its claims."""
        sentences = []
        if self.experiment.work.trains and not self.evidence:
            sentences.append("Not run.")
        elif self.finding:
            sentences.append(self.finding)
        if self.verdicts:
            sentences.append(counted(self.verdicts))
        return " ".join(sentences) or "No claim is judged on it."


def by_evidence(sections: Iterable[Section]) -> list[dict[str, Any]]:
    """Counts of verdicts by what they rest on: rows of `evidence`, `total` and `counts`.

    A row for each kind of evidence that some claim has, one for claims that nothing was measured for, and one for all
    together. Counts of different kinds say different things, so only the last row adds them up.
    """
    judged = [verdict for section in sections for verdict in section.verdicts]
    rows = []
    for kind in (*EVIDENCE_KINDS, "", "all"):
        own = [verdict for verdict in judged if kind in ("all", verdict.evidence)]
        if not own and kind != "all":
            continue
        tally = Counter(verdict.verdict for verdict in own)
        counts = [tally[name] for name in OUTCOMES]
        rows.append({"evidence": kind or "not measured yet", "total": len(own), "counts": counts})
    return rows


def verdicts_table(sections: Iterable[Section]) -> Table:
    """`by_evidence` as a table."""
    names = ("claims", *OUTCOMES)
    columns = [Column("evidence"), *(Column(name, align="right") for name in names)]
    rows: list[dict[str, Any]] = [
        {"evidence": row["evidence"]} | dict(zip(names, (row["total"], *row["counts"]), strict=True))
        for row in by_evidence(sections)
    ]
    return Table("Verdicts by kind of evidence", columns, rows)


def central_table(sections: Iterable[Section]) -> Table:
    """The claims that the sources are known for, with their verdicts and what these rest on."""
    named = experiments.central()
    found = {
        claim.id: {
            "source": claim.source,
            "claim": claim.statement,
            "verdict": verdict.verdict,
            "evidence": verdict.evidence or "not measured yet",
            "id": claim.id,
        }
        for section in sections
        for claim, verdict in zip(section.experiment.claims, section.verdicts, strict=True)
    }
    columns = [Column("source"), Column("claim"), Column("verdict"), Column("evidence")]
    return Table("Central claims", columns, [found[name] for name in named.central if name in found], named.notes)


def open_questions(suite: Iterable[Experiment]) -> dict[str, list[str]]:
    """The readings taken here of what the sources leave open, each with the ids of the claims that rest on it."""
    found: dict[str, list[str]] = {}
    for experiment in suite:
        for claim in experiment.claims:
            for text in claim.assumptions:
                found.setdefault(text, []).append(claim.id)
    return found


def benchmarks(results: Path) -> dict[str, str]:
    """The tables that `repro bench` has left in a results folder: their titles by name."""
    paths = sorted((results / "tables").glob("bench-*.md"))
    return {path.stem: path.read_text().partition("\n")[0].strip("*") for path in paths}


def counted(verdicts: "Iterable[Verdict]") -> str:
    """Counts of verdicts, and what the decided ones rest on, in a sentence."""
    found = list(verdicts)
    parts = []
    for outcome in OUTCOMES:
        own = [verdict for verdict in found if verdict.verdict == outcome]
        if not own:
            continue
        kinds = Counter(verdict.evidence for verdict in own if verdict.decided)
        rests_on = ", ".join(f"{kinds[kind]} {kind}" for kind in EVIDENCE_KINDS if kinds[kind])
        parts.append(f"{len(own)} {outcome}" + (f" ({rests_on})" if rests_on else ""))
    return f"{len(found)} claim{'s' if len(found) != 1 else ''}: {', '.join(parts)}."


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 3 * 86400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"
