"""Files on disk: where the cache is, which files are whole, and what an image folder contains.

A file is read through once to check it; a marker in the cache, named after path, size and time of change of every
file, remembers the answer, so that later loads cost one `stat` per file.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

import platformdirs

from repro.errors import Failure


def cache_folder() -> Path:
    """$REPRO_CACHE, or the user's cache folder; holds nothing that cannot be made again."""
    return Path(os.environ.get("REPRO_CACHE") or platformdirs.user_cache_path("repro"))


def marker(folder: Path, names: Iterable[str]) -> Path:
    """The marker of exactly these files of a folder in their present state. Raises OSError when one is missing."""
    state: list[object] = [os.path.abspath(folder)]
    for name in sorted(names):
        stat = os.stat(f"{folder}/{name}")
        state.append((name, stat.st_size, stat.st_mtime_ns))
    return cache_folder() / "verified" / hashlib.sha256(json.dumps(state).encode()).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a whole file or none."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Failure(f"cannot write {path}: {error.strerror or error}") from error


def missing(root: Path, official: dict[str, str]) -> list[str]:
    """The official files that are not there."""
    return [name for name in official if not (root / name).is_file()]


def is_verified(root: Path, official: dict[str, str]) -> bool:
    """Whether the files were found whole before and have not been touched since."""
    try:
        return marker(root, official).exists()
    except OSError:
        return False


def verify(root: Path, official: dict[str, str], remedy: str) -> None:
    """Checks each file's MD5, unless that was done before. Raises Failure naming the first file that differs."""
    if is_verified(root, official):
        return
    for name, expected in official.items():
        found = digest(root / name, "md5")
        if found != expected:
            raise Failure(
                f"{root / name} is damaged or not the official file (MD5 {found}, expected {expected}); {remedy}"
            )
    write_atomically(marker(root, official), b"")


def digest(file: Path, algorithm: str) -> str:
    """The hash of a file's content, in hex."""
    try:
        with open(file, "rb") as stream:
            return hashlib.file_digest(stream, algorithm).hexdigest()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror or error}") from error


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
    write_atomically(known, content.hexdigest().encode())
    return content.hexdigest()
