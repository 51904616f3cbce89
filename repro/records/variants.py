"""Records of experiments that train nothing: one sealed file a variant, `results/FOLDER/EXPERIMENT/VARIANT.json`."""

import os
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import msgspec

from repro.config.specification import Spec
from repro.errors import Failure
from repro.records.record import Environment
from repro.records.store import Store, sealed
from repro.storage import write_atomic

R = TypeVar("R", bound="VariantRecord")


class VariantRecord(Spec, frozen=True):
    """The record of one variant of an experiment; each kind of record has a `FOLDER` of its own, beside `runs`."""

    FOLDER: ClassVar[str] = ""

    experiment: str
    variant: str
    finished: str
    environment: dict[str, Any]

    def __post_init__(self) -> None:
        msgspec.convert(self.environment, Environment)


def place(results: Path, kind: type[VariantRecord], experiment: str, variant: str) -> Path:
    """The file of a record.

    Raises:
        Failure: a name leads to another folder.
    """
    for name in (experiment, variant):
        # Experiments are named by their files, and records by whoever wrote them: not every name was checked before.
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise Failure(f"{name!r} cannot be part of the name of a record: it leads out of {results / kind.FOLDER}")
    return results / kind.FOLDER / experiment / f"{variant}.json"


def find(store: Store, kind: type[R], experiment: str, variant: str) -> R | None:
    """The record of a variant; None, and a line in the store's problems where it is damaged."""
    path = place(store.folder.parent, kind, experiment, variant)
    return read(store, kind, path) if os.path.lexists(path) else None


def every(store: Store, kind: type[R]) -> list[R]:
    """Every readable record of a kind, in a fixed order; those that are not, in the store's problems."""
    found = (read(store, kind, path) for path in sorted((store.folder.parent / kind.FOLDER).glob("*/*.json")))
    return [record for record in found if record is not None]


def read(store: Store, kind: type[R], path: Path) -> R | None:
    """One record; None, and a line in the store's problems, when it is damaged, edited or belongs elsewhere."""

    def check(record: R) -> None:
        if (path.parent.name, path.name) != (record.experiment, f"{record.variant}.json"):
            raise ValueError("it belongs to another variant than its name; was it moved?")

    return store.checked(path, kind, check)


def save(results: Path, record: VariantRecord) -> None:
    """Write a record."""
    content = msgspec.to_builtins(record)
    content["seal"] = sealed(content)
    text = msgspec.json.format(msgspec.json.encode(content), indent=1)
    write_atomic(place(results, type(record), record.experiment, record.variant), text + b"\n")
