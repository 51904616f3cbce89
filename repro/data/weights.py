"""Files of weights that others published, and the test images that they are measured on. Knows no torch.

ImageNet's are those of `imagenet-val` (see `imagenet_val.py`): all 50,000 where they are here, cut as the network's
library cuts them; of a part the measuring half, squashed, as compressed files are measured.
"""

import socket
from pathlib import Path

from repro import data
from repro.config.specification import Data, Weights
from repro.data import files, imagenet, imagenet_val
from repro.data.catalogue import DATASETS
from repro.errors import Failure

FOLDER = "weights"  # in the data folder


def absent(weights: Weights, spec: Data, root: Path) -> str:
    """What is not here that measuring needs, and what brings it, in a line; empty where nothing lacks."""
    path = root / FOLDER / weights.file
    if not path.is_file():
        return f"{path} is not here: `repro data prepare weights` brings it, or put it there from {weights.address}"
    if spec.name == imagenet.NAME:
        try:
            photographs(root)
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
    """The identity of the test images; None where only absent files could tell."""
    if spec.name != imagenet.NAME:
        return data.checksum(spec, root)
    return files.folder_checksum(root / imagenet_val.NAME, [name for name, _ in photographs(root)])


def photographs(root: Path) -> list[tuple[str, int]]:
    """Names below `imagenet-val` and classes, in the order of a hash of the names.

    Raises:
        Failure: there are none, or the list of classes is absent.
    """
    found = imagenet_val.listed(root)
    if not whole(len(found), imagenet.NAME):
        found = [one for one in found if imagenet_val.half_of(one[2].name) == "measuring"]
    if not found:
        raise Failure(f"no photographs to measure on in {root / imagenet_val.NAME / 'val'}")
    return [(f"val/{path.parent.name}/{path.name}", label) for _, label, path in found]


def whole(count: int, name: str) -> bool:
    """Whether so many are all test images of a data set."""
    return count == DATASETS[name].test
