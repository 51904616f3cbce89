"""Files of published weights, and the test images that they are measured on. Imports no torch.

ImageNet's are those of `imagenet-val` (see `sets/imagenet_val.py`): all 50,000 where they are here, cut as the
network's library cuts them; of a part the measuring half, squashed, as compressed files are measured.
"""

import socket
from pathlib import Path

from repro import data
from repro.config.specification import Data, Weights
from repro.data import files
from repro.data.catalogue import DATASETS, find
from repro.data.folders import ImageFolder
from repro.data.sets import imagenet_val
from repro.errors import Failure

FOLDER = "weights"  # in the data folder


def absent(weights: Weights, spec: Data, root: Path) -> str:
    """A line on what is missing to measure them, and what brings it; empty where nothing is."""
    path = root / FOLDER / weights.file
    if not path.is_file():
        return f"{path} is not here: `repro data prepare weights` brings it, or put it there from {weights.address}"
    if find(spec.name).tested_on:
        try:
            photographs(spec, root)
        except Failure as failure:
            return f"{failure}; `repro data status` says which photographs belong there"
    return ""


def verified(weights: Weights, root: Path) -> str:
    """The SHA-256 of the file, which is the published one as far as that can be known.

    Raises:
        Failure: it is another file, or cannot be read.
    """
    path = root / FOLDER / weights.file
    found = files.digest(path, "sha256")
    size = path.stat().st_size
    problem = ""
    if not found.startswith(weights.sha256):
        problem = f"SHA-256 {found[: max(8, len(weights.sha256))]}, expected {weights.sha256}"
    elif weights.bytes and size != weights.bytes:
        problem = f"{size:,} bytes, expected {weights.bytes:,}"
    if problem:
        raise Failure(f"{path} is damaged or not the published file ({problem}); delete it and get {weights.address}")
    return found


def fetch(weights: Weights, root: Path) -> None:
    """Download the file, unless it is here, and check it.

    Raises:
        Failure: there is no network, or what came is another file, which is not kept.
    """
    path = root / FOLDER / weights.file
    if not path.is_file():
        from torch.hub import download_url_to_file

        timeout = socket.getdefaulttimeout()
        socket.setdefaulttimeout(30)  # torch sets none: a silent network would hang for ever
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Written aside, and moved when it is whole and has the checksum.
            download_url_to_file(weights.address, str(path), weights.sha256 or None, progress=False)
        except (OSError, RuntimeError, ValueError) as error:
            raise Failure(f"cannot download {weights.address} ({error}); put it there by hand: {path}") from error
        finally:
            socket.setdefaulttimeout(timeout)
    verified(weights, root)


def checksum(spec: Data, root: Path) -> str | None:
    """The identity of the test images; None where the files that decide it are absent."""
    if not find(spec.name).tested_on:
        return data.checksum(spec, root)
    return files.folder_checksum(folder(spec, root), [name for name, _ in photographs(spec, root)])


def folder(spec: Data, root: Path) -> Path:
    """The folder of the photographs that stand for a data set's test images."""
    return root / find(spec.name).tested_on


def photographs(spec: Data, root: Path) -> list[tuple[str, int]]:
    """Names in this folder and classes, in the order of a hash of the names.

    Raises:
        Failure: there are none, or the list of classes is absent.
    """
    source = find(find(spec.name).tested_on)
    assert isinstance(source, ImageFolder)
    found = list(zip(*source.listing(root).test, strict=True))
    if not whole(len(found), spec.name):
        found = [one for one in found if imagenet_val.half_of(one[0]) == "measuring"]
    if not found:
        raise Failure(f"no photographs to measure on in {source.home(root) / 'val'}")
    return found


def whole(count: int, name: str) -> bool:
    """Whether so many are all test images of a data set."""
    return count == DATASETS[name].test
