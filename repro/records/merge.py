"""Merge the records of separate machines."""

import os
from typing import Any, NamedTuple

import msgspec

from repro.errors import Failure
from repro.records import compressed
from repro.records.compressed import CompressedRecord
from repro.records.record import Epoch, Record
from repro.records.store import IDENTITY_SHOWN, Store

# What differs from machine to machine without the result being another.
CIRCUMSTANCES: dict[str, Any] = {
    "environment": {},
    "seconds": 0.0,
    "images_per_second": 0.0,
    "finished": "",
    "note": "",
}
FILE_CIRCUMSTANCES = {"encode_seconds", "decode_seconds", "finished", "environment"}
FILE_OUTCOME = [field for field in CompressedRecord.__struct_fields__ if field not in FILE_CIRCUMSTANCES]


class Merged(NamedTuple):
    """How many records were new here, gained protocols measured there only, or said the same; a line for the others.

    conflicts: same run or same file, different outcome; what was here is kept.
    refused: damaged or edited; the line names the file.
    """

    added: int
    extended: int
    same: int
    conflicts: list[str]
    refused: list[str]


def merge(ours: Store, theirs: Store) -> Merged:
    """Bring every sound record of `theirs` into `ours`; nothing that is there is lost or replaced."""
    runs, files = merge_runs(ours, theirs), merge_files(ours, theirs)
    refused = [*runs.refused, *dict.fromkeys(theirs.problems + ours.problems)]
    return Merged(
        runs.added + files.added, runs.extended, runs.same + files.same, runs.conflicts + files.conflicts, refused
    )


def merge_runs(ours: Store, theirs: Store) -> Merged:
    """The records of trainings. Those that cannot be read are in the stores' problems, not among the refused."""
    added = extended = same = 0
    conflicts: list[str] = []
    refused: list[str] = []
    for record in theirs.all:
        path = ours.files(record.run, record.identity)[0]
        # A pipe or a link to itself is no file, but it is there.
        mine = ours.read(path) if os.path.lexists(path) else None
        if mine is None and os.path.lexists(path):
            continue  # ours is damaged: told with the problems; only its owner may remove it
        try:
            history = theirs.history(record)
            before = ours.history(mine) if mine else []
        except Failure as failure:
            refused.append(str(failure))
            continue
        if mine is None:
            ours.save(record, history)
            added += 1
        elif outcome(mine, before, record) != outcome(record, history, mine):
            conflicts.append(f"{name(record)}: {said(mine)} here, {said(record)} there; kept what is here")
        elif record.measurements.keys() <= mine.measurements.keys():
            same += 1
        else:
            joined = record.measurements | mine.measurements
            ours.save(msgspec.structs.replace(mine, measurements=joined), before)
            extended += 1
    return Merged(added, extended, same, conflicts, refused)


def merge_files(ours: Store, theirs: Store) -> Merged:
    """The records of compressed files, as `merge_runs`. A file made with other settings is another outcome."""
    added = same = 0
    conflicts: list[str] = []
    for record in compressed.every(theirs):
        path = compressed.place(ours.folder.parent, record.experiment, record.variant)
        mine = compressed.read(ours, path) if os.path.lexists(path) else None
        if mine is None and os.path.lexists(path):
            continue
        if mine is None:
            compressed.save(ours.folder.parent, record)
            added += 1
        elif all(getattr(mine, field) == getattr(record, field) for field in FILE_OUTCOME):
            same += 1
        else:
            which = f"{record.experiment}/{record.variant}"
            if mine.compression != record.compression:
                which += ", made with other settings"
            conflicts.append(f"{which}: {file_said(mine)} here, {file_said(record)} there; kept what is here")
    return Merged(added, 0, same, conflicts, [])


def outcome(record: Record, history: list[Epoch], other: Record) -> tuple[Record, list[Epoch]]:
    """What a run came to, under the protocols that the other record has too, without its circumstances."""
    common = {protocol: m for protocol, m in record.measurements.items() if protocol in other.measurements}
    record = msgspec.structs.replace(record, measurements=common, **CIRCUMSTANCES)
    return record, [msgspec.structs.replace(epoch, seconds=0.0) for epoch in history]


def name(record: Record) -> str:
    """A run as a person finds it."""
    run = record.run
    return f"{run.model.name}-{run.data.name}/{record.identity[:IDENTITY_SHOWN]} (seed {run.seed})"


def said(record: Record) -> str:
    """Outcome and machine in few words."""
    accuracy = f"{record.measurements['described'].accuracy:.2f} %" if "described" in record.measurements else "nothing"
    return f"{record.status}, {accuracy} on {machine(record.environment)}"


def file_said(record: CompressedRecord) -> str:
    """Size, answers and machine in few words."""
    answers = record.answers
    return f"{record.bytes:,} bytes, {answers.top1} of {answers.total} right on {machine(record.environment)}"


def machine(environment: dict[str, Any]) -> str:
    """What a record was made on, as a person knows it."""
    return environment.get("device_name") or environment.get("device") or "an unknown device"
