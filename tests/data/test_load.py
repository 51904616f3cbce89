"""What a specification selects from a data set, on images that are made up; and the folder of photographs."""
# Every image set here is in memory.
# pyright: reportAttributeAccessIssue=false

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from repro import data
from repro.config.specification import Data
from repro.data import DATASETS, _first_of_each_class
from repro.errors import BadInput, Failure

NOWHERE = Path("nowhere")


def load(**spec):
    return data.load(Data(synthetic=True, **{"name": "mnist", **spec}), NOWHERE)


def test_nothing_heavy_is_imported_before_images_are_loaded():
    code = "import sys, pathlib, repro.data as d; from repro.config.specification import Data;"
    code += "d.checksum(Data(name='cifar10'), pathlib.Path('x')); d.status(pathlib.Path('x'));"
    code += "print([m for m in ('torch', 'torchvision', 'numpy', 'PIL') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_an_unknown_set_is_named_with_the_nearest():
    with pytest.raises(BadInput, match=r"unknown data set 'cifar-10'; did you mean 'cifar10'\?"):
        data.checksum(Data(name="cifar-10"), NOWHERE)
    with pytest.raises(BadInput, match="unknown data set 'imagenot'"):
        data.prepare(["imagenot"], NOWHERE)


@pytest.mark.parametrize("name", DATASETS)
def test_stand_ins_have_the_shape_of_what_they_stand_for(name):
    found, info = load(name=name), DATASETS[name]
    # ImageNet's photographs are many and large: the stand-in has the first ten classes, at 64 pixels.
    size, classes = (64, 10) if name == "imagenet" else (info.size, len(info.classes))
    for images in (found.train, found.test):
        assert images.images.shape[1:] == (info.channels, size, size)
        assert images.images.dtype == torch.uint8
        assert images.labels.dtype == torch.int64
        counts = images.labels.bincount(minlength=classes)
        assert len(counts) == classes
        assert counts.max() - counts.min() <= 1
    assert (found.info.train, found.info.test) == (len(found.train), len(found.test)) == data.SYNTHETIC_SIZE
    assert "synthetic" in found.info.substitute
    assert found.checksum == data.checksum(Data(name=name, synthetic=True), NOWHERE)
    images = found.train.images[:500].double() / 255
    assert images.mean((0, 2, 3)).tolist() == pytest.approx(found.info.mean, abs=0.02)
    assert images.std((0, 2, 3)).tolist() == pytest.approx(found.info.std, abs=0.01)


def test_a_holdout_is_the_last_training_images_and_the_test_set_stays_unseen():
    whole, part = load(), load(holdout=200)
    assert len(part.train) == len(whole.train) - 200
    assert torch.equal(torch.cat([part.train.images, part.test.images]), whole.train.images)
    assert torch.equal(torch.cat([part.train.labels, part.test.labels]), whole.train.labels)
    assert part.info.test == 200
    assert part.checksum == whole.checksum


def test_a_few_training_images_are_the_first_of_each_class():
    whole, few = load(holdout=100), load(train_images=40, holdout=100)
    assert few.train.labels.bincount().tolist() == [4] * 10
    assert torch.equal(few.test.images, whole.test.images)
    for label in range(10):
        expected = whole.train.images[whole.train.labels == label][:4]
        assert torch.equal(few.train.images[few.train.labels == label], expected)


@settings(deadline=None, max_examples=50)
@given(labels=st.lists(st.integers(0, 3), min_size=1, max_size=40), data=st.data())
def test_classes_take_turns_as_far_as_they_reach(labels, data):
    count = data.draw(st.integers(1, len(labels)))
    labels = torch.tensor(labels)
    chosen = _first_of_each_class(labels, count)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert len(chosen) == count
    taken, there = labels[chosen].bincount(minlength=4), labels.bincount(minlength=4)
    for label in range(4):
        assert torch.equal(chosen[labels[chosen] == label], torch.nonzero(labels == label).flatten()[: taken[label]])
        if taken[label] < there[label]:  # a class that is not used up has as many as any other, but for the last turn
            assert taken.max() - taken[label] <= 1


@pytest.mark.parametrize(("train_images", "holdout"), [(10_000, 0), (0, 10_000), (1_500, 1_500)])
def test_more_images_than_there_are_is_an_error(train_images, holdout):
    with pytest.raises(BadInput, match=r"MNIST has .* training images, not enough for"):
        load(train_images=train_images, holdout=holdout)


def test_moving_to_a_device_moves_everything():
    moved = load().to("meta")
    devices = {tensor.device.type for part in (moved.train, moved.test) for tensor in (part.images, part.labels)}
    assert devices == {"meta"}


def photograph(path: Path, size: tuple[int, int], colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def photographs(tmp_path) -> Path:
    """Two bikes (red) and three ships (blue) to train on, one of each to test; 40x40 pixels."""
    for name in ("train/bike/a", "train/bike/b", "val/bike/c"):
        photograph(tmp_path / "bike-ship" / f"{name}.JPEG", (40, 40), (250, 0, 0))
    for name in ("train/ship/a", "train/ship/b", "train/ship/c", "val/ship/d"):
        photograph(tmp_path / "bike-ship" / f"{name}.JPEG", (40, 40), (0, 0, 250))
    return tmp_path


BIKE_SHIP = Data(name="bike-ship")


def test_photographs_are_read_with_their_labels(photographs):
    found = data.load(BIKE_SHIP, photographs)
    assert found.train.images.shape == (5, 3, 40, 40)
    assert found.train.labels.tolist() == [0, 0, 1, 1, 1]
    assert found.test.labels.tolist() == [0, 1]
    red, blue = found.train.images[:2, 0].float().mean(), found.train.images[2:, 0].float().mean()
    assert red > 240
    assert blue < 10
    assert (found.info.train, found.info.test, found.info.size) == (5, 2, 40)
    assert "other ImageNet classes" in found.info.substitute


def test_wordnet_folders_are_read_and_the_reports_own_classes_are_no_substitute(photographs):
    folder = photographs / "bike-ship"
    for split in ("train", "val"):
        (folder / split / "bike").rename(folder / split / "n02834778")
        (folder / split / "ship").rename(folder / split / "n04194289")
    found = data.load(BIKE_SHIP, photographs)
    assert found.train.labels.tolist() == [0, 0, 1, 1, 1]
    assert found.info.substitute == ""


def test_photographs_of_different_sizes_are_squashed_to_one(photographs):
    photograph(photographs / "bike-ship/train/ship/wide.jpg", (60, 30), (0, 0, 250))
    assert data.load(BIKE_SHIP, photographs).train.images.shape == (6, 3, 227, 227)


def test_a_folders_identity_is_its_content(photographs, tmp_path):
    first = data.checksum(BIKE_SHIP, photographs)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (photographs / "bike-ship").rename(moved / "bike-ship")
    assert data.checksum(BIKE_SHIP, moved) == first
    (moved / "bike-ship/train/bike/notes.txt").write_text("no photograph")
    assert data.checksum(BIKE_SHIP, moved) == first
    photograph(moved / "bike-ship/train/bike/b.JPEG", (40, 40), (249, 0, 0))
    assert data.checksum(BIKE_SHIP, moved) not in (first, None)
    assert data.checksum(BIKE_SHIP, photographs) is None


def test_a_folders_content_is_read_once(photographs, monkeypatch):
    first = data.checksum(BIKE_SHIP, photographs)
    monkeypatch.setattr("repro.data.files.digest", lambda *_: pytest.fail("read again"))
    assert data.checksum(BIKE_SHIP, photographs) == first
    assert next(row for row in data.status(photographs) if row["name"] == "bike-ship")["verified"]
    os.utime(photographs / "bike-ship/train/bike/a.JPEG", ns=(0, 0))
    assert not next(row for row in data.status(photographs) if row["name"] == "bike-ship")["verified"]
    with pytest.raises(pytest.fail.Exception):
        data.checksum(BIKE_SHIP, photographs)


@pytest.mark.parametrize("keep", [0, 300, 600])
def test_a_broken_photograph_is_named(photographs, keep):
    file = photographs / "bike-ship/train/ship/b.JPEG"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(Failure, match=r"b\.JPEG is damaged or no photograph"):
        data.load(BIKE_SHIP, photographs)


def test_missing_photographs_are_asked_for(photographs, tmp_path):
    with pytest.raises(Failure, match="does not hold photographs of both classes: put them into bike-ship/train"):
        data.load(BIKE_SHIP, tmp_path / "empty")
    for file in (photographs / "bike-ship/val/ship").iterdir():
        file.unlink()
    with pytest.raises(Failure, match="bike-ship/val does not hold photographs of both classes"):
        data.prepare(["bike-ship"], photographs)


def test_a_folder_that_is_no_class_is_named(photographs):
    photograph(photographs / "bike-ship/train/n01440764/fish.JPEG", (40, 40), (0, 0, 0))
    with pytest.raises(Failure, match="n01440764: neither bike nor ship"):
        data.checksum(BIKE_SHIP, photographs)


def test_the_real_photographs(data_dir):
    if not (data_dir / "bike-ship").is_dir():
        pytest.skip(f"bike-ship is not in {data_dir}")
    found = data.load(BIKE_SHIP, data_dir)
    assert found.info.train == len(found.train) == int(found.train.labels.bincount().sum())
    assert found.train.labels.unique().tolist() == found.test.labels.unique().tolist() == [0, 1]
    assert found.train.images.float().std() > 20
