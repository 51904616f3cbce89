"""ImageNet's photographs, streamed: what is found, how they are cut, and that nothing but the seed decides."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from repro import data
from repro.config.specification import Data
from repro.data import streaming
from repro.data.sets import imagenet
from repro.data.streaming import PhotographSet
from repro.errors import BadInput, Failure

SPEC = Data(name="imagenet", pixels=32)
ROWS = torch.arange(6).split(2)


def photograph(path: Path, size: tuple[int, int] = (60, 40), colour: int = 0, mode: str = "RGB") -> None:
    """A photograph of noise; its top left quarter is lighter."""
    generator = np.random.default_rng(colour)
    pixels = generator.integers(0, 128, (size[1], size[0], 3), dtype=np.uint8)
    pixels[: size[1] // 2, : size[0] // 2] += 100
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes of three photographs of many sizes and kinds, two of them measured."""
    home = tmp_path / "root" / "imagenet"
    for number, wnid in enumerate(("n01440764", "n01443537")):
        for index in range(3):
            photograph(home / "train" / wnid / f"{wnid}_{index}.JPEG", (60 + 20 * index, 40), 10 * number + index)
        photograph(home / "val" / wnid / f"ILSVRC2012_val_{number:08}.JPEG", (50, 70), 100 + number)
    return home.parent


def sets(root: Path, **spec) -> tuple[PhotographSet, PhotographSet]:
    found = data.load(Data(**{"name": "imagenet", "pixels": 32, **spec}), root)
    assert isinstance(found.train, PhotographSet)
    assert isinstance(found.test, PhotographSet)
    return found.train, found.test


def read(some: PhotographSet, rows=None, places=None, **which) -> torch.Tensor:
    rows = torch.arange(len(some)).split(2) if rows is None else rows
    return torch.cat([images for images, _ in some.batches(rows, places, **which)])


def test_folders_are_classes_in_the_order_of_their_names(root):
    found = data.load(SPEC, root)
    assert found.info.classes == ("n01440764", "n01443537")
    assert found.info.train == 6
    assert found.info.test == 2
    assert "a part: 6 photographs of 2 classes" in found.info.substitute
    assert found.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.checksum == data.checksum(SPEC, root)
    assert data.load(Data(name="imagenet", train_images=2, pixels=32), root).train.labels.tolist() == [0, 1]


def test_the_checksum_is_known_only_where_the_photographs_are(root, tmp_path):
    assert data.checksum(SPEC, tmp_path / "elsewhere") is None
    before = data.checksum(SPEC, root)
    imagenet.listing.cache_clear()
    photograph(root / "imagenet/train/n01440764/another.JPEG")
    assert data.checksum(SPEC, root) != before


@pytest.mark.parametrize("workers", [1, 2])
def test_cuts_depend_on_seed_epoch_and_place_alone(root, monkeypatch, workers):
    train, _ = sets(root, cut="torchvision")
    whole = read(train, seed=1, epoch=2)
    assert whole.shape == (6, 3, 32, 32)
    assert whole.dtype == torch.uint8
    monkeypatch.setattr(streaming, "worker_count", lambda: workers)
    torch.manual_seed(99)
    assert torch.equal(read(train, seed=1, epoch=2), whole)
    assert not torch.equal(read(train, seed=2, epoch=2), whole)
    assert not torch.equal(read(train, seed=1, epoch=3), whole)
    # Half of every batch, as one of two processes has it.
    halves = [
        read(train, [row[part::2] for row in ROWS], [row[part::2] for row in ROWS], seed=1, epoch=2) for part in (0, 1)
    ]
    assert torch.equal(torch.stack(halves, 1).flatten(0, 1), whole)


def test_measuring_takes_the_centre(root):
    _, test = sets(root, pixels=32)
    with Image.open(root / "imagenet" / str(test.names[0])) as image:
        photo = image.convert("RGB")
    expected = {
        "squash": photo.resize((32, 32), Image.Resampling.BILINEAR),
        # 256/227 of 32 are 36 pixels; 256/224 are 37, and 70 x 37/50 = 51 in height.
        "caffe": photo.resize((36, 36), Image.Resampling.BILINEAR).crop((2, 2, 34, 34)),
        "torchvision": photo.resize((37, 51), Image.Resampling.BILINEAR).crop((2, 10, 34, 42)),
    }
    for cut, image in expected.items():
        _, test = sets(root, cut=cut)
        assert torch.equal(read(test)[0], torch.from_numpy(np.array(image)).permute(2, 0, 1)), cut
        assert torch.equal(read(test, epoch=5), read(test)), cut


def test_training_on_caffes_cut_takes_every_place_of_the_squashed_photograph(root):
    """Of 36 x 36 pixels there are 5 x 5 places for 32 x 32."""
    train, _ = sets(root, cut="caffe")
    with Image.open(root / "imagenet" / str(train.names[0])) as image:
        squashed = torch.from_numpy(np.array(image.convert("RGB").resize((36, 36), Image.Resampling.BILINEAR)))
    windows = squashed.permute(2, 0, 1).unfold(1, 32, 1).unfold(2, 32, 1).permute(1, 2, 0, 3, 4).flatten(0, 1)
    seen = set()
    for cut in read(train, torch.zeros(200, dtype=torch.int64).split(100), torch.arange(200).split(100)):
        matches = [place for place, window in enumerate(windows) if torch.equal(window, cut)]
        assert len(matches) == 1
        seen.update(matches)
    assert seen == set(range(25))


def test_grey_and_four_colour_photographs_are_read_as_rgb(root):
    photograph(root / "imagenet/val/n01440764/grey.png", mode="L")
    photograph(root / "imagenet/val/n01440764/print.jpeg", mode="CMYK")
    _, test = sets(root)
    assert read(test).shape == (4, 3, 32, 32)


def test_a_damaged_training_photograph_is_replaced_and_named(root):
    damaged = root / "imagenet/train/n01440764/n01440764_2.JPEG"
    damaged.write_bytes(damaged.read_bytes()[:200])
    train, _ = sets(root)
    images = read(train)
    assert train.replaced == {"train/n01440764/n01440764_2.JPEG"}
    assert torch.equal(images[2], images[0])  # the next one of its class, from the first again
    assert train.to("cpu").replaced == set()  # each run has its own list


def test_a_class_without_a_readable_photograph_is_refused(root):
    for damaged in (root / "imagenet/train/n01443537").iterdir():
        damaged.write_bytes(b"no photograph")
    train, _ = sets(root)
    with pytest.raises(Failure, match=r"none of the photographs in .*n01443537 can be read"):
        read(train)


def test_a_damaged_test_photograph_is_refused_and_named(root):
    damaged = root / "imagenet/val/n01440764/ILSVRC2012_val_00000000.JPEG"
    damaged.write_bytes(b"no photograph")
    _, test = sets(root)
    with pytest.raises(Failure, match=r"ILSVRC2012_val_00000000.JPEG is damaged"):
        read(test)


def test_what_cannot_be_trained_on_is_named(root, tmp_path):
    def refused(message: str) -> None:
        imagenet.listing.cache_clear()
        with pytest.raises(Failure, match=message):
            data.load(SPEC, root)

    home = root / "imagenet"
    (home / "train" / "n09999999").mkdir()
    refused(r"n09999999 holds no photographs")
    (home / "train" / "n09999999" / "readme.txt").write_text("no photograph")
    refused(r"n09999999 holds no photographs")
    shutil.rmtree(home / "train" / "n09999999")
    photograph(home / "val" / "n09999999" / "stranger.JPEG")
    refused(r"there is no folder n09999999")
    shutil.rmtree(home / "val" / "n09999999")
    photograph(tmp_path / "outside.JPEG")
    (home / "train" / "n01440764" / "link.JPEG").symlink_to(tmp_path / "outside.JPEG")
    refused(r"link.JPEG links to a place outside")
    shutil.rmtree(home / "val")
    (home / "train" / "n01440764" / "link.JPEG").unlink()
    refused(r"no photographs in .*val: put a folder there for each class")


def test_other_data_sets_have_no_cut(tmp_path):
    with pytest.raises(BadInput, match=r"data.cut = caffe: CIFAR-10's images are squares already"):
        data.load(Data(name="cifar10", cut="caffe", synthetic=True), tmp_path)


def test_the_stand_in_is_small_and_in_memory(tmp_path):
    found = data.load(Data(name="imagenet", cut="caffe", normalisation="caffe", synthetic=True), tmp_path)
    assert found.train.labels.unique().tolist() == list(range(10))
    assert found.train.size == 64
