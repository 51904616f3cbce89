"""Image files damaged in every way: refused, or passed over, by name."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro import data
from repro.config.specification import Data
from repro.data import files, idx
from repro.data.sets.mnist import FILES as MNIST_FILES
from repro.errors import Failure

SPEC = Data(name="mnist")


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with an MNIST of five training digits, which is the official one for this test."""
    generator = np.random.default_rng(0)
    arrays = [generator.integers(0, 256, (5, 28, 28)), np.arange(5), generator.integers(0, 256, (2, 28, 28)), [7, 8]]
    for name, array in zip(MNIST_FILES, arrays, strict=True):
        path = tmp_path / "official" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(idx.idx(np.asarray(array, np.uint8)))
        monkeypatch.setitem(MNIST_FILES, name, files.Sums(files.digest(path, "md5"), files.digest(path, "sha256")))
    # What is absent is not fetched in a test.
    monkeypatch.setattr("repro.data.known_files.download", lambda *_: None)
    return tmp_path / "official"


def swap(path: Path) -> None:
    """Exchange a file for its counterpart of the other set."""
    one, two = ("train", "t10k") if path.name.startswith("train") else ("t10k", "train")
    other = path.with_name(path.name.replace(one, two))
    content = other.read_bytes()
    other.write_bytes(path.read_bytes())
    path.write_bytes(content)


DAMAGE = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "empty": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a loop of links": lambda path: (path.unlink(), path.symlink_to(path)),
    "swapped": swap,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", MNIST_FILES)
def test_a_damaged_official_file_is_refused_by_name(official: Path, name: str, damage: str, count):
    assert len(data.load(SPEC, official).train) == 5
    DAMAGE[damage](official / name)
    with pytest.raises(Failure) as caught:
        data.load(SPEC, official)
    # Where two files are swapped, either is named.
    assert name.split("/")[-1].removeprefix("train").removeprefix("t10k") in str(caught.value)
    assert "\n" not in str(caught.value)
    count(f"official image file {damage}, refused by name", 1)


def test_a_flipped_bit_is_found(official: Path, often, count):
    generator, flips = random.Random(3), often(20, 1000)
    for _ in range(flips):
        path = official / generator.choice(list(MNIST_FILES))
        true = path.read_bytes()
        damaged = bytearray(true)
        damaged[generator.randrange(len(true))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(Failure, match=f"{path.name} is damaged or not the official file"):
            data.load(SPEC, official)
        path.write_bytes(true)
    data.load(SPEC, official)
    count("single bits flipped in official image files, each found", flips)


PHOTOGRAPHS = Data(name="bike-ship")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of both classes, in both sets."""
    for split in ("train", "val"):
        for label in ("bike", "ship"):
            place = tmp_path / "root" / "bike-ship" / split / label
            place.mkdir(parents=True)
            for name in "ab":
                Image.new("RGB", (40, 40), (200, 0, 0)).save(place / f"{name}.jpg")
    return tmp_path / "root"


def test_an_empty_class_is_refused(folder: Path):
    for file in (folder / "bike-ship/train/ship").iterdir():
        file.unlink()
    with pytest.raises(Failure, match="bike-ship/train does not hold photographs of both classes"):
        data.load(PHOTOGRAPHS, folder)


@pytest.mark.parametrize("kind", ["text", "nothing", "folder", "half", "another program's"])
def test_what_is_no_photograph_is_named(folder: Path, kind: str):
    path = folder / "bike-ship/train/ship/c.jpg"
    whole = (folder / "bike-ship/train/ship/a.jpg").read_bytes()
    if kind == "folder":
        path.mkdir()
    else:
        contents = {
            "text": b"hello",
            "nothing": b"",
            "half": whole[: len(whole) // 2],
            "another program's": b"%PDF-1.7",
        }
        path.write_bytes(contents[kind])
    with pytest.raises(Failure, match=r"c\.jpg"):
        data.load(PHOTOGRAPHS, folder)


def test_other_files_are_passed_over_and_named(folder: Path):
    (folder / "bike-ship/train/ship/notes.txt").write_text("hello")
    assert len(data.load(PHOTOGRAPHS, folder).train) == 4
    row = next(row for row in data.status(folder) if row["name"] == "bike-ship")
    assert "train/ship/notes.txt" in row["note"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_to_a_place_outside_is_refused(folder: Path, tmp_path: Path, kind: str):
    outside = tmp_path / "outside"
    shutil.copytree(folder / "bike-ship/train/ship", outside)
    if kind == "file":
        (folder / "bike-ship/train/ship/c.jpg").symlink_to(outside / "a.jpg")
    else:
        (folder / "bike-ship/train/n04194289").symlink_to(outside)
    with pytest.raises(Failure, match="links to a place outside of"):
        data.load(PHOTOGRAPHS, folder)


def test_a_link_within_the_data_set_and_one_to_all_of_it_are_followed(folder: Path, tmp_path: Path):
    (folder / "bike-ship/train/ship/c.jpg").symlink_to(folder / "bike-ship/train/ship/a.jpg")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "bike-ship").symlink_to(folder / "bike-ship")
    assert len(data.load(PHOTOGRAPHS, tmp_path / "elsewhere").train) == 5


def test_a_link_to_nothing_is_named(folder: Path):
    (folder / "bike-ship/train/ship/c.jpg").symlink_to("gone.jpg")
    with pytest.raises(Failure, match=r"c\.jpg links to a file that is not there"):
        data.load(PHOTOGRAPHS, folder)
