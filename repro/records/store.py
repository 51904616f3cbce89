"""The folder `results/runs/`: one folder a run, found by the run's identity."""

import csv
import hashlib
import io
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from repro.config.specification import NUMERICS, Run
from repro.errors import Failure
from repro.records.record import Epoch, Outline, Record
from repro.storage import read_limited, write_atomic

R = TypeVar("R")

IDENTITY_SHOWN = 16  # hex digits in folder names and on screen
LARGEST = 2**24  # bytes of a record that are read: a thousand times what one has


class Store:
    """Reads and writes the records of one results folder.

    Attributes:
        problems: a line for each record that could not be read and was passed over.
    """

    def __init__(self, results: Path):
        self.folder = results / "runs"
        self.problems: list[str] = []
        # What was read, until `save` and `forget`: by file; by folder and what was run.
        self.known: dict[Path, Record] = {}
        self.by_run: dict[str, dict[bytes, list[Record]]] = {}
        # What others computed from the records, by a key of theirs: until `save` and `forget` too.
        self.derived: dict[Any, Any] = {}

    def place(self, run: Run, identity: str) -> Path:
        """The folder of one run's record."""
        return Path(f"{self.folder}/{run.model.known_as}-{run.data.known_as}/{identity[:IDENTITY_SHOWN]}")

    def files(self, run: Run, identity: str) -> tuple[Path, Path]:
        """The two files of a run's record."""
        place = self.place(run, identity)
        return place / "record.json", place / "history.csv"

    def find(self, run: Run, checksum: str | None) -> Record | None:
        """The record of this run on this data, or None.

        Without the data (`checksum` None) the newest record of the same specification stands in, so that committed
        results can be shown on a machine that has no images.
        """
        if checksum is not None:
            return self.named(run, run.identity(checksum))
        same = [record for record in self.same_specification(run) if record.numerics == NUMERICS]
        return max(same, key=lambda record: record.finished, default=None)

    def named(self, run: Run, identity: str) -> Record | None:
        """The record of this run by its identity, or None."""
        path = self.place(run, identity) / "record.json"
        return self.known.get(path) or (self.read(path) if os.path.lexists(path) else None)

    def outline(self, run: Run, identity: str) -> Outline | None:
        """The measurements that this run's record names, unchecked: to count many. `named` reads and checks it."""
        try:
            return msgspec.json.decode(read_limited(self.files(run, identity)[0], LARGEST), type=Outline)
        except (OSError, ValueError, msgspec.MsgspecError, RecursionError, Failure):
            return None

    def same_specification(self, run: Run) -> list[Record]:
        """Records of the same specification, whatever their data and numerics; other folders are not looked at."""
        folder = self.place(run, "").name
        if folder not in self.by_run:
            index = self.by_run[folder] = {}
            for record in self.below(f"{folder}/*"):
                index.setdefault(run_key(record.run), []).append(record)
        return self.by_run[folder].get(run_key(run), [])

    @cached_property
    def all(self) -> list[Record]:
        """Every readable record, in a fixed order; read once, and again after `save` and `forget`."""
        return self.below("*/*")

    def below(self, places: str) -> list[Record]:
        """The readable records in folders that match, in a fixed order."""
        paths = sorted(folder / "record.json" for folder in self.folder.glob(places))
        # A link to itself is no file, but it is there: it is reported, not passed over in silence.
        paths = [path for path in paths if os.path.lexists(path)]
        found = (self.known.get(path) or self.read(path) for path in paths)
        return [record for record in found if record is not None]

    def read(self, path: Path) -> Record | None:
        """One record; None, and a line in `problems`, when it is damaged, edited or was written by something else."""

        def check(record: Record) -> None:
            # Only the numerics of today can be hashed again: identities of earlier ones are taken as they are.
            if (record.identity == record.run.identity(record.checksum)) != (record.numerics == NUMERICS):
                raise ValueError("its content does not match its identity; was it edited?")
            if path.parent != self.place(record.run, record.identity):
                raise ValueError("it belongs to another run than its folder; was it moved?")

        record = self.checked(path, Record, check, history_text)
        if record is not None:
            self.known[path] = record
        return record

    def checked(
        self, path: Path, kind: type[R], check: Callable[[R], None], beside: Callable[[Path], str] = lambda _: ""
    ) -> R | None:
        """The content of a record's file; None, and a line in `problems`, where it cannot be read or is refused.

        Args:
            check: raises ValueError for a record that is not to be trusted.
            beside: what else its seal vouches for.
        """
        try:
            content = msgspec.json.decode(read_limited(path, LARGEST), type=dict)
            seal = content.pop("seal", None)
            record = msgspec.convert(content, kind)
            check(record)
            if seal is None:
                raise ValueError("it has no seal: a version before 0.2 wrote it; run it again")
            if seal != sealed(content, beside(path)):
                raise ValueError("it or its history has changed since it was written")
        except Failure as failure:
            self.problems.append(f"{failure}; its record was passed over")
            return None
        except (OSError, ValueError, msgspec.MsgspecError, RecursionError) as error:
            self.problems.append(f"{path} was passed over: {error}")
            return None
        return record

    def history(self, record: Record) -> list[Epoch]:
        """The record's epochs; empty when the file is missing.

        Raises:
            Failure: the file is damaged.
        """
        path = self.files(record.run, record.identity)[1]
        try:
            rows = csv.DictReader(io.StringIO(history_text(path)))
            return [msgspec.convert(row, Epoch, strict=False) for row in rows]
        except (ValueError, csv.Error, msgspec.MsgspecError) as error:
            raise Failure(f"{path} is damaged: {error}") from error

    def save(self, record: Record, history: list[Epoch]) -> None:
        """Write a record and its history; the record's file comes last, so a record that is there is whole."""
        path, beside = self.files(record.run, record.identity)
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(Epoch.__struct_fields__)
        writer.writerows(
            [f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows(history)
        )
        write_atomic(beside, lines.getvalue())
        content = msgspec.to_builtins(record)
        content["seal"] = sealed(content, lines.getvalue())
        write_atomic(path, msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
        self.forget()

    def forget(self) -> None:
        """Read the folder anew when it is next asked: here or in another process records were written."""
        self.known.clear()
        self.by_run.clear()
        self.derived.clear()
        self.__dict__.pop("all", None)


def history_text(path: Path) -> str:
    """The history beside a record, whichever of the two files is named; empty when there is none.

    Raises:
        Failure: as `read_limited`.
    """
    try:
        return read_limited(path.with_name("history.csv"), LARGEST).decode()
    except FileNotFoundError:
        return ""


def sealed(content: dict[str, Any], history: str = "") -> str:
    """A hash over all that a record says (40 hex digits): nobody edits a number without its being noticed."""
    text = msgspec.json.encode(content, order="sorted") + history.encode()
    return hashlib.sha256(text).hexdigest()[:40]


def rows(history: list[Epoch]) -> list[tuple]:
    """The epochs as rows of plain values, in the order of the columns."""
    return [msgspec.structs.astuple(epoch) for epoch in history]


def run_key(run: Run) -> bytes:
    """A key that is equal for equal runs, leaving out data checksum and numerics."""
    return msgspec.json.encode(run, order="deterministic")
