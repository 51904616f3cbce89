"""Make the report only if something has changed since it was last made.

What it is made from and what came out are compared by path, size and time of change, as `make` does, which takes a
hundredth of the time. Nothing here loads scipy or matplotlib.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec

import repro
from repro import data
from repro.config.specification import BUDGETS
from repro.planning import ablations, plan, study
from repro.progress import Progress, silent
from repro.storage import cache_folder, write_atomic

RECORDS = ("runs", "compressed", "weights")  # folders of results/ that the report only reads
OF_STUDY = (study.FILE, "experiments", "docs")
LIBRARIES = ("matplotlib", "numpy", "scipy", "statsmodels")  # another version may draw or round another way


class Made(msgspec.Struct, frozen=True):
    """A report that was made, by hashes of what it was made from and of what came out."""

    inputs: str
    outputs: str


def bring_up_to_date(
    results: Path, data_dir: Path, only: Iterable[str] | None = None, progress: Progress = silent
) -> None:
    """Make tables/, figures/, README.md and index.html, unless nothing has changed since that was done last.

    Args:
        only: experiments whose tables and figures are made, as for `report.render`.

    Raises:
        Failure: the folder cannot be written to.
    """
    asked = None if only is None else sorted(set(only))
    stamp = stamp_file(results, asked)
    inputs = inputs_hash(results, data_dir, asked or [])
    if read(stamp) == Made(inputs, outputs_hash(results)):
        return
    # Imported here because it loads scipy and matplotlib, for a second.
    from repro.reporting import report

    report.render(results, data_dir, asked, progress)
    # A run that ended meanwhile may be in one file and not in another: then the next report is made anew.
    if inputs_hash(results, data_dir, asked or []) == inputs:
        write_atomic(stamp, msgspec.json.encode(Made(inputs, outputs_hash(results))))


def stamp_file(results: Path, asked: list[str] | None) -> Path:
    """The file that says what the last report of these experiments was made from."""
    place = hashlib.sha256(os.fsencode(results.resolve()) + msgspec.json.encode(asked)).hexdigest()
    return cache_folder() / "reports" / f"{place[:16]}.json"


def read(stamp: Path) -> Made | None:
    """The last report; None where there is none that can be read."""
    try:
        return msgspec.json.decode(stamp.read_bytes(), type=Made)
    except (OSError, msgspec.MsgspecError):
        return None


def inputs_hash(results: Path, data_dir: Path, names: list[str]) -> str:
    """A hash of all that decides how the report looks: records, experiments, images, this program and its libraries.

    names: experiments that may be files of one's own.
    """
    root = study.current().root
    places = [results / name for name in RECORDS] + [root / name for name in OF_STUDY]
    places += [Path(repro.__file__).parent, *map(Path, names)]
    runs = [cell.runs[0] for e in ablations.everything(results) for b in BUDGETS for cell in plan.cells(e, b)]
    specs = {run.data for run in runs}
    networks = sorted({run.model.source for run in runs})
    images = sorted((msgspec.json.encode(spec).decode(), data.checksum(spec, data_dir) or "") for spec in specs)
    libraries = [version(name) for name in LIBRARIES]
    return hashed([images, networks, libraries, [sorted(states(place)) for place in places]])


def outputs_hash(results: Path) -> str:
    """A hash of all that the report wrote."""
    return hashed(sorted(states(results, passed_over=RECORDS)))


def states(place: Path, passed_over: Iterable[str] = ()) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of change of a file, or of all files of a folder; none where there is nothing.

    passed_over: folders in `place` that are not looked at.
    """
    if place.is_file():
        yield state(str(place))
        return
    for folder, folders, files in os.walk(place):
        folders[:] = [name for name in folders if name != "__pycache__" and name not in passed_over]
        yield from (state(f"{folder}/{name}") for name in files)


def state(path: str) -> tuple[str, int, int]:
    """Path, size and time of change of a file; of a link, its own."""
    stat = os.lstat(path)
    return path, stat.st_size, stat.st_mtime_ns


def hashed(content: object) -> str:
    """SHA-256 of something as JSON, in hex."""
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()
