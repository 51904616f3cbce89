"""The hash with which each claim was first judged, kept in `results/ledger.csv`: a margin changed later shows."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import msgspec

from repro.errors import Failure
from repro.rules.verdicts import Verdict
from repro.storage import write_atomic

COLUMNS = ["claim", "hash"]
CHANGED = "claim changed after it was first judged"


def read(path: Path) -> dict[str, str]:
    """Claim ids and the hashes with which they were first judged; empty where nothing has been judged yet.

    Raises:
        Failure: the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        return {row["claim"]: row["hash"] for row in csv.DictReader(io.StringIO(path.read_text()))}
    except (OSError, UnicodeDecodeError, KeyError) as error:
        raise Failure(f"{path} is damaged: {error}") from error


def marked(verdicts: Iterable[Verdict], ledger: dict[str, str]) -> list[Verdict]:
    """The verdicts, with a badge on those whose claim is not the one that was judged first."""
    return [
        msgspec.structs.replace(verdict, badge=f"{verdict.badge}, {CHANGED}".lstrip(", "))
        if ledger.get(verdict.id, verdict.claim_hash) != verdict.claim_hash
        else verdict
        for verdict in verdicts
    ]


def extend(path: Path, verdicts: Iterable[Verdict]) -> None:
    """Enter claims that were judged on runs for the first time; what is there already stays as it is."""
    ledger = read(path)
    new = {verdict.id: verdict.claim_hash for verdict in verdicts if verdict.n and verdict.id not in ledger}
    if not new:
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted((ledger | new).items()))
    write_atomic(path, text.getvalue())
