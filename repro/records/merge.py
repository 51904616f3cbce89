"""Merge the records of separate machines."""

import os
from typing import Any, NamedTuple

import msgspec

from repro.errors import Failure
from repro.records import variants
from repro.records.compressed import CompressedRecord
from repro.records.record import Epoch, Record
from repro.records.store import IDENTITY_SHOWN, Store
from repro.records.variants import VariantRecord
from repro.records.weights import WeightsRecord

# What differs from machine to machine without the result being another.
CIRCUMSTANCES: dict[str, Any] = {
    "environment": {},
    "seconds": 0.0,
    "images_per_second": 0.0,
    "finished": "",
    "note": "",
}
VARIANT_CIRCUMSTANCES = {"encode_seconds", "decode_seconds", "seconds", "finished", "environment"}
VARIANT_KINDS: tuple[type[VariantRecord], ...] = (CompressedRecord, WeightsRecord)


class Merged(NamedTuple):
    """Counts of records that were new here, gained protocols, or were the same; a line for each of the others.

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
    runs, files = merge_runs(ours, theirs), merge_variants(ours, theirs)
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
            continue  # ours is damaged: listed with the problems; only its owner may remove it
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


def merge_variants(ours: Store, theirs: Store) -> Merged:
    """The records of variants, as `merge_runs`. One made with other settings is another outcome."""
    added = same = 0
    conflicts: list[str] = []
    for kind in VARIANT_KINDS:
        outcome = [field for field in kind.__struct_fields__ if field not in VARIANT_CIRCUMSTANCES]
        for record in variants.every(theirs, kind):
            path = variants.place(ours.folder.parent, kind, record.experiment, record.variant)
            mine = variants.read(ours, kind, path) if os.path.lexists(path) else None
            if mine is None and os.path.lexists(path):
                continue
            if mine is None:
                variants.save(ours.folder.parent, record)
                added += 1
            elif all(getattr(mine, field) == getattr(record, field) for field in outcome):
                same += 1
            else:
                which = f"{record.experiment}/{record.variant}"
                if settings(mine) != settings(record):
                    which += ", made with other settings"
                conflicts.append(f"{which}: {variant_said(mine)} here, {variant_said(record)} there; kept what is here")
    return Merged(added, 0, same, conflicts, [])


def settings(record: VariantRecord) -> Any:
    """The settings of a variant."""
    if isinstance(record, CompressedRecord):
        return record.compression
    return isinstance(record, WeightsRecord) and (record.sha256, record.model, record.data, record.checksum)


def outcome(record: Record, history: list[Epoch], other: Record) -> tuple[Record, list[Epoch]]:
    """The outcome of a run under the protocols that the other record has too, without times and machine."""
    common = {protocol: m for protocol, m in record.measurements.items() if protocol in other.measurements}
    record = msgspec.structs.replace(record, measurements=common, **CIRCUMSTANCES)
    return record, [msgspec.structs.replace(epoch, seconds=0.0) for epoch in history]


def name(record: Record) -> str:
    """A run as a person finds it."""
    run = record.run
    return f"{run.model.known_as}-{run.data.known_as}/{record.identity[:IDENTITY_SHOWN]} (seed {run.seed})"


def said(record: Record) -> str:
    """Outcome and machine in few words."""
    accuracy = f"{record.measurements['described'].accuracy:.2f} %" if "described" in record.measurements else "nothing"
    return f"{record.status}, {accuracy} on {machine(record.environment)}"


def variant_said(record: VariantRecord) -> str:
    """Size, answers and machine in few words."""
    text = ""
    if isinstance(record, CompressedRecord):
        text = f"{record.bytes:,} bytes, {record.answers.top1} of {record.answers.total} right"
    elif isinstance(record, WeightsRecord):
        text = f"{sum(record.measurement.correct)} of {record.total} right"
    return f"{text} on {machine(record.environment)}"


def machine(environment: dict[str, Any]) -> str:
    """The machine that made a record, in words, and the number of processes where there are several."""
    device = environment.get("device_name") or environment.get("device") or "an unknown device"
    last = environment.get("path", "").rpartition(", ")[2]
    return f"{device} in {last}" if last.endswith(" processes") else device
