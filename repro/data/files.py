"""Check files on disk against their published sums, and list what an image folder contains.

A file is read through once to check it; a marker in the cache, named after path, size and time of change of every
file, remembers the answer, so that later loads cost one `stat` per file.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from repro.errors import Failure
from repro.storage import cache_folder, write_atomic


class Sums(NamedTuple):
    """The checksums of a published file, in hex.

    md5: as its publisher gives it; part of the identity of runs. sha256: what the file is checked by.
    """

    md5: str
    sha256: str


def marker(folder: Path, names: Iterable[str]) -> Path:
    """The marker of exactly these files of a folder in their present state. Raises OSError when one is missing."""
    state: list[object] = [os.path.abspath(folder)]
    for name in sorted(names):
        stat = os.stat(f"{folder}/{name}")
        state.append((name, stat.st_size, stat.st_mtime_ns))
    return cache_folder() / "verified" / hashlib.sha256(json.dumps(state).encode()).hexdigest()


def missing(root: Path, official: Iterable[str]) -> list[str]:
    """The official files that are not there."""
    return [name for name in official if not (root / name).is_file()]


def is_verified(root: Path, official: Iterable[str]) -> bool:
    """Whether the files were found whole before and have not been touched since."""
    try:
        return marker(root, official).exists()
    except OSError:
        return False


def verify(root: Path, official: Mapping[str, Sums], remedy: str) -> None:
    """Checks each file's SHA-256, unless that was done before. Raises Failure naming the first file that differs."""
    if is_verified(root, official):
        return
    for name, expected in official.items():
        check(root / name, expected.sha256, remedy)
    write_atomic(marker(root, official), b"")


def check(file: Path, sha256: str, remedy: str) -> None:
    """Raises Failure where the file is not the one of this SHA-256."""
    found = digest(file, "sha256")
    if found != sha256:
        raise Failure(f"{file} is damaged or not the official file (SHA-256 {found}, expected {sha256}); {remedy}")


def digest(file: Path, algorithm: str) -> str:
    """The hash of a file's content, in hex."""
    try:
        with open(file, "rb") as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror or error}") from error


def entries(home: Path, folder: str) -> list[os.DirEntry[str]]:
    """The content of a folder of the data set in `home`; empty when it is not there.

    Raises:
        Failure: it cannot be read, or one of its links leads out of the data set or nowhere.
    """
    try:
        with os.scandir(home / folder) as listed:
            found = list(listed)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Failure(f"cannot read {home / folder}: {error.strerror or error}") from error
    inside = Path(os.path.realpath(home))
    for entry in found:
        if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(inside):
            raise Failure(f"{entry.path} links to a place outside of {home}: copy it there, or link all of it")
        if entry.is_symlink() and not os.path.exists(entry.path):
            raise Failure(f"{entry.path} links to a file that is not there")
    return found


def folder_checksum(folder: Path, names: list[str]) -> str:
    """The identity of an image folder: a hash over relative path, size and content of its files `names`.

    Computed once; as long as no path, size or time of change differs, the answer comes from the cache.
    """
    known = marker(folder, names)
    try:
        return known.read_text()
    except OSError:
        pass
    content = hashlib.sha256()
    for name in sorted(names):
        file = folder / name
        content.update(f"{name} {file.stat().st_size} {digest(file, 'sha256')}\n".encode())
    write_atomic(known, content.hexdigest())
    return content.hexdigest()
