"""Data sets whose files are known by their checksums: downloaded or built where they are absent, checked once."""

import hashlib
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from repro.data import files
from repro.data.catalogue import ImageSource, Status, counted
from repro.data.files import Sums
from repro.errors import Failure
from repro.progress import Progress, silent
from repro.storage import cache_folder


class Archive(NamedTuple):
    """A file to download and unpack. addresses: tried one after the other."""

    addresses: list[str]
    sums: Sums


class KnownFiles(ImageSource):
    """A data set of files that are the same everywhere.

    Attributes:
        files: relative to `home`: file -> its sums.
        folder: where archives are unpacked, below the data root.
        by_hand: what a user without a network has to put below the data root.
        remedy: what to do about a damaged file.
    """

    files: dict[str, Sums]
    folder: str = ""
    by_hand: str = ""
    remedy: str = ""

    def home(self, root: Path) -> Path:
        """The folder that `files` are in."""
        return root

    def archives(self) -> list[Archive]:
        """The archives to download."""
        raise NotImplementedError

    def checksum(self, root: Path) -> str:
        """Known without the files: that of any others is refused."""
        listed = "".join(f"{name} {sums.md5}\n" for name, sums in sorted(self.files.items()))
        return hashlib.sha256(listed.encode()).hexdigest()

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        home = self.home(root)
        if files.is_verified(home, self.files):
            return
        with alone():
            if files.missing(home, self.files):
                self.obtain(root, progress)
            absent = files.missing(home, self.files)
            if absent:
                raise Failure(f"{home / absent[0]} is missing: put {self.by_hand} into {home}")
            progress(f"checking {self.info.title}")
            remedy = self.remedy or f"delete it and run `repro data prepare {self.info.name}`"
            files.verify(home, self.files, remedy)

    def obtain(self, root: Path, progress: Progress) -> None:
        """Download or build the files."""
        progress(f"downloading {self.info.title} to {root}")
        try:
            download(self.archives(), root / self.folder)
        except Exception as error:  # torchvision raises URLError, RuntimeError, EOFError, tarfile's errors, OSError
            raise Failure(
                f"cannot download {self.info.name} ({error}); without a network put {self.by_hand} into {root}"
            ) from error

    def status(self, root: Path) -> Status:
        home, info = self.home(root), self.info
        present = not files.missing(home, self.files)
        verified = present and files.is_verified(home, self.files)
        place = (home / next(iter(self.files))).parent
        return Status(info.name, present, verified, counted(info.train, info.test), str(place), info.substitute)


def download(archives: Iterable[Archive], place: Path) -> None:
    """Fetch and unpack archives with torchvision; one that is already in `place` is not fetched.

    They are unpacked aside, and each file moved when all are whole: a kill leaves no half of one.
    """
    from torchvision.datasets import utils

    aside = place / "unpacking.partial"
    try:
        shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
        aside.mkdir(parents=True)
        for addresses, sums in archives:
            error: Exception | None = None
            for address in addresses:
                try:
                    with patient():
                        utils.download_url(address, str(place), md5=sums.md5)
                    break
                except Exception as failed:
                    error = failed
            else:
                raise error or RuntimeError("no mirror")
            archive = place / Path(address).name
            files.check(archive, sums.sha256, "delete it")
            utils.extract_archive(str(archive), str(aside))
        for file in [path for path in aside.rglob("*") if path.is_file()]:
            target = place / file.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def patient() -> Iterator[None]:
    """Wait for a network for half a minute; torchvision sets no limit, and a silent one would hang for ever."""
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(30)
    try:
        yield
    finally:
        socket.setdefaulttimeout(timeout)


@contextmanager
def alone() -> Iterator[None]:
    """Two processes never download or build at the same time."""
    from filelock import FileLock

    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        lock = FileLock(cache_folder() / "prepare.lock")
        lock.acquire()
    except OSError as error:
        raise Failure(f"cannot write to the cache {cache_folder()}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
