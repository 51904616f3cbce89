"""Published files of weights: told from others by checksum or size, fetched once, asked for in a line."""

import hashlib
import re
from pathlib import Path

import msgspec
import pytest
import torch.hub

from repro.config.specification import Data, Weights
from repro.data import weights
from repro.errors import Failure

CONTENT = b"numbers"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SPEC = Weights(file="net.pth", address="https://example.org/net.pth", sha256=SHA256[:8])
CIFAR10 = Data(name="cifar10")


def put(root: Path, content: bytes = CONTENT) -> Path:
    path = root / "weights" / SPEC.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_is_known_by_the_digits_that_are_published(tmp_path: Path):
    put(tmp_path)
    assert weights.verified(SPEC, tmp_path) == SHA256
    sized = msgspec.structs.replace(SPEC, sha256="", bytes=len(CONTENT))
    assert weights.verified(sized, tmp_path) == SHA256


@pytest.mark.parametrize(
    ("changes", "problem"), [({}, f"expected {SHA256[:8]}"), ({"sha256": "", "bytes": 7}, "8 bytes, expected 7")]
)
def test_another_file_is_refused_in_a_line(tmp_path: Path, changes: dict, problem: str):
    path = put(tmp_path, CONTENT + b"!")
    with pytest.raises(Failure, match="is damaged or not the published file") as caught:
        weights.verified(msgspec.structs.replace(SPEC, **changes), tmp_path)
    assert all(part in str(caught.value) for part in (str(path), problem, SPEC.address))
    assert "\n" not in str(caught.value)


def test_what_is_absent_is_asked_for_with_address_and_command(tmp_path: Path):
    line = weights.absent(SPEC, CIFAR10, tmp_path)
    assert str(tmp_path / "weights" / SPEC.file) in line
    assert "repro data prepare weights" in line
    assert SPEC.address in line
    put(tmp_path)
    assert weights.absent(SPEC, CIFAR10, tmp_path) == ""
    assert "imagenet-val" in weights.absent(SPEC, Data(name="imagenet"), tmp_path)


def test_a_file_is_fetched_once_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def download(address: str, place: str, prefix: str | None, progress: bool):
        asked.append((address, prefix))
        Path(place).write_bytes(CONTENT)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    weights.fetch(SPEC, tmp_path)
    weights.fetch(SPEC, tmp_path)
    assert asked == [(SPEC.address, SPEC.sha256)]


@pytest.mark.parametrize("error", [OSError("no route"), RuntimeError("invalid hash value")])
def test_what_cannot_be_fetched_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception):
    def download(*_: object, **__: object):
        raise error

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(Failure, match=f"cannot download {re.escape(SPEC.address)}") as caught:
        weights.fetch(SPEC, tmp_path)
    assert "\n" not in str(caught.value)
