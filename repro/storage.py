"""Write files atomically, so that a kill or a full disk never leaves half of one; read them with a limit."""

import contextlib
import glob
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from repro.errors import Failure


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file to write to that takes the place of `path` at the end of the block, whole, or not at all.

    Raises:
        Failure: the folder cannot be written to (read-only, no space), naming file and reason.
    """
    import tempfile

    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        try:
            yield Path(partial)
            os.fsync(handle)  # of all that was written to the file, by whatever handle
        finally:
            os.close(handle)
        # mkstemp makes files private; results are meant to be read by others.
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException as error:
        if partial is not None:
            with contextlib.suppress(OSError):
                os.unlink(partial)
        if isinstance(error, OSError):
            raise Failure(f"cannot write {path}: {error.strerror or error}") from error
        raise


@contextlib.contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """As `replacing`, with the new file open."""
    with replacing(path) as partial, partial.open("wb") as file:
        yield file


def write_atomic(path: Path, content: bytes | memoryview | str) -> None:
    """Write the whole file or nothing: readers see the old content or the new, never a part.

    Raises:
        Failure: as `writing`.
    """
    with writing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def read_limited(path: Path, most: int) -> bytes:
    """The bytes of a regular file of at most `most` bytes.

    Devices and pipes are refused without being read, which could block or never end.

    Raises:
        FileNotFoundError: there is none.
        Failure: it is larger, not a regular file, or cannot be read, such as a link to itself; the line names it.
    """
    try:
        # A folder can be opened thus, but not as a Python file: it is told apart first.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Failure(f"{path} is not a regular file")
            with os.fdopen(handle, "rb", closefd=False) as file:
                content = file.read(most + 1)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror or error}") from error
    if len(content) > most:
        raise Failure(f"{path} is larger than {most:,} bytes")
    return content


def sweep(path: Path) -> None:
    """Remove what writers of this file left that were killed. Only for who alone writes it now."""
    for partial in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        partial.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where checkpoints, weights and prepared data live: $REPRO_CACHE, or the user's cache folder. Never in git."""
    import platformdirs

    return Path(os.environ.get("REPRO_CACHE") or platformdirs.user_cache_path("repro"))


def write_if_changed(path: Path, content: bytes | str) -> bool:
    """Write a generated file unless it has this content already; return whether it was written.

    Raises:
        Failure: it cannot be written.
    """
    content = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content:
        return False
    write_atomic(path, content)
    return True
