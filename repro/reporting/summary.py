"""What the index and the page tell of an experiment, and how they put it into words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.judging.evidence import Evidence
from repro.planning.experiments import Experiment
from repro.planning.specification import Budget
from repro.records import Record
from repro.reporting.figures import Drawn

if TYPE_CHECKING:
    from repro.judging.verdicts import Verdict


@dataclass(frozen=True)
class Section:
    """One experiment with everything that is shown of it."""

    experiment: Experiment
    evidence: dict[Budget, list[Evidence]]
    verdicts: "list[Verdict]"
    figures: list[Drawn]

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
        """The answer in a sentence: the experiment's own where something was run, and what became of its claims."""
        sentences = []
        if self.experiment.kind == "training" and not self.evidence:
            sentences.append("Not run.")
        elif self.experiment.finding:
            sentences.append(self.experiment.finding)
        if self.verdicts:
            sentences.append(counted(self.verdicts))
        return " ".join(sentences) or "No claim is judged on it."


def open_questions(experiments: Iterable[Experiment]) -> dict[str, list[str]]:
    """What the sources leave open, as the reading taken here, each with the ids of the claims that rest on it."""
    found: dict[str, list[str]] = {}
    for experiment in experiments:
        for claim in experiment.claims:
            for text in claim.assumptions:
                found.setdefault(text, []).append(claim.id)
    return found


def counted(verdicts: "Iterable[Verdict]") -> str:
    """How many claims got which verdict, in a sentence."""
    from repro.judging.verdicts import OUTCOMES

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
    return f"{seconds / 3600:.1f} h"
