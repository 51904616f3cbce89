"""Photographs of the ILSVRC validation set: read in a fixed order, squashed, split for good into two halves."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repro.data.sets import imagenet_val
from repro.errors import Failure

WNIDS = [f"n{number:08d}" for number in range(1000)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twelve photographs of three classes, of different sizes; one folder that is no class."""
    folder = tmp_path / "imagenet-val"
    for number in range(12):
        path = folder / "val" / WNIDS[number % 3 * 7] / f"ILSVRC2012_val_{number:08d}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (50 + number, 40), (20 * number, 100, 255 - 20 * number)).save(path)
    (folder / "val" / "extra").mkdir()
    (folder / "val" / "extra" / "x.JPEG").write_bytes(b"not a photograph")
    (folder / "wnids.txt").write_text("".join(f"{wnid} name\n" for wnid in WNIDS))
    return tmp_path


def test_halves_are_fixed_disjoint_and_whole(root: Path) -> None:
    whole, first, second = (imagenet_val.read(root, half) for half in ("all", "calibration", "measuring"))  # pyright: ignore
    assert len(whole) == 12
    assert not set(first.names) & set(second.names)
    assert set(first.names) | set(second.names) == set(whole.names)
    assert imagenet_val.half_of("ILSVRC2012_val_00023559.JPEG") == "calibration"
    assert imagenet_val.half_of("ILSVRC2012_val_00024327.JPEG") == "measuring"


def test_images_and_labels_belong_together(root: Path) -> None:
    found = imagenet_val.read(root)
    assert found.images.shape == (12, 3, 227, 227)
    assert found.images.dtype == np.uint8
    for image, label, name in zip(found.images, found.labels, found.names, strict=True):
        number = int(name.split("_")[-1].split(".")[0])
        assert label == number % 3 * 7
        assert image.mean((1, 2)) == pytest.approx([20 * number, 100, 255 - 20 * number], abs=4)


def test_the_first_so_many_are_the_same_draw(root: Path) -> None:
    whole, few = imagenet_val.read(root), imagenet_val.read(root, limit=5)
    assert few.names == whole.names[:5]
    assert (few.images == whole.images[:5]).all()
    assert few.checksum != whole.checksum == imagenet_val.read(root).checksum
    assert list(whole.names) != sorted(whole.names)


def test_what_is_absent_is_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"wnids\.txt"):
        imagenet_val.read(tmp_path / "nowhere")
    (root / "imagenet-val" / "wnids.txt").write_text("n00000001 only one\n")
    with pytest.raises(Failure, match="1000"):
        imagenet_val.read(root)
    (root / "imagenet-val" / "wnids.txt").write_text("".join(f"m{wnid}\n" for wnid in WNIDS))
    with pytest.raises(Failure, match="no photographs"):
        imagenet_val.read(root)
