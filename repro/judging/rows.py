"""Claims with their verdicts as plain rows, for tables, programs and DataFrames."""

from pathlib import Path
from typing import Any

from repro.judging.evidence import verdicts_of
from repro.planning.experiments import Experiment
from repro.records import Store

# Fields of a verdict that say how sure it is, for programs that read on.
ANALYSES = (
    "p", "holm_p", "rank_p", "superiority", "superiority_bound", "bootstrap_interval", "effect_ratio", "predicted",
    "converged_only", "look", "seeds_needed",
)  # fmt: skip


def claim_rows(experiment: Experiment, store: Store, data_dir: Path) -> list[dict[str, Any]]:
    """The experiment's claims with their verdicts, as rows."""
    rows = []
    for claim, found in zip(experiment.claims, verdicts_of(experiment, store, data_dir), strict=True):
        low, high = found.interval or (None, None)
        rows.append(
            {
                "id": claim.id,
                "experiment": experiment.name,
                "source": claim.source,
                "place": claim.place,
                "statement": claim.statement,
                "type": claim.type,
                "published": claim.published if claim.published is not None else claim.effect,
                "measured": found.measured,
                "unit": claim.unit,
                "low": low,
                "high": high,
                "n": found.n,
                "failures": found.failures,
                "outcome": found.verdict,
                "verdict": found.verdict + (f" ({found.badge})" if found.badge else ""),
                "badge": found.badge,
                "evidence": found.evidence,
                "reason": found.reason,
                "sentence": found.sentence,
                "claim_hash": found.claim_hash,
                **{name: getattr(found, name) for name in ANALYSES},
            }
        )
    return rows
