"""Data sets that a function of a study's file returns as arrays."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from repro import data
from repro.cli import main
from repro.config.specification import Data, Model, Recipe, Run
from repro.data.images import ImageSet
from repro.errors import BadInput, Failure
from repro.planning import experiments
from repro.records import Store

FILE = """
from pathlib import Path

import numpy as np

Path("executed").touch()


def stripes(folder, classes=("up", "down", "both"), channels=3, pixels=8, train=30, test=12):
    assert isinstance(folder, Path)
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (42, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(42) % 3
    return images[:30], labels[:30], images[30:], labels[30:]


def grey(classes=2, channels=1, pixels=4, train=4, test=2):
    return np.zeros((4, 4, 4), np.uint8), [0, 1, 0, 1], np.zeros((2, 4, 4), np.uint8), [0, 1]


def other_size(folder, classes=2, pixels=8, train=4, test=2):
    return grey()


def other_labels(classes=1, channels=1, pixels=4, train=4, test=2):
    return grey()


def no_arrays(classes=2, pixels=8, train=4, test=2):
    return None


def broken(classes=2, pixels=8, train=4, test=2):
    raise OSError("no disk")


def silent(folder):
    return None


def too_many(classes=1_000_000, pixels=8, train=4, test=2):
    return None


def from_disk(folder, classes=2, channels=1, pixels=4, train=4, test=2):
    images = np.load(folder / "images.npy")
    return images[:4], [0, 1, 0, 1], images[4:], [0, 1]
"""
EXPERIMENT = """
title = "Mine"
source = "mine"
question = "Does it run?"
smoke = { data = { synthetic = false }, recipe = { epochs = 1, batch = 8 } }
variant = { data = "datasets.py:stripes" }
variants = [{ name = "mini", model = "mini-squeezenet", data = { pixels = 32 } }]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of data sets, in which the test stands."""
    (tmp_path / "datasets.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(name: str) -> tuple[ImageSet, ImageSet]:
    found = data.load(Data(name=f"datasets.py:{name}"), Path(".data"))
    assert isinstance(found.train, ImageSet)
    assert isinstance(found.test, ImageSet)
    return found.train, found.test


def test_runs_are_planned_without_executing_the_file(here: Path):
    (here / "mine.toml").write_text(EXPERIMENT)
    experiment = experiments.find(str(here / "mine.toml"))
    run = experiments.resolve(experiment, experiment.variants[0], "smoke")
    assert (run.data.name, run.data.pixels, run.data.known_as) == ("datasets.py:stripes", 32, "stripes")
    assert data.DATASETS["datasets.py:stripes"].classes == ("up", "down", "both")
    assert data.checksum(run.data, here)
    assert not (here / "executed").exists()


def test_arrays_are_loaded_whatever_their_order(here: Path):
    train, test = loaded("stripes")
    pixels = np.random.default_rng(0).integers(0, 256, (42, 8, 8, 3), dtype=np.uint8)
    assert torch.equal(train.images, torch.from_numpy(pixels[:30]).permute(0, 3, 1, 2))
    assert test.labels.tolist() == [label % 3 for label in range(30, 42)]
    info = data.load(Data(name="datasets.py:stripes"), Path(".data")).info
    assert info.mean == pytest.approx(pixels[:30].mean((0, 1, 2)) / 255, abs=1e-4)
    assert info.std == pytest.approx(pixels[:30].std((0, 1, 2)) / 255, abs=1e-4)
    train, test = loaded("grey")
    assert (train.images.shape, test.labels.dtype) == ((4, 1, 4, 4), torch.int64)


def test_a_network_is_trained_on_them(here: Path):
    (here / "mine.toml").write_text(EXPERIMENT)
    with pytest.raises(SystemExit) as ended:
        main(["run", "mine.toml", "--budget", "smoke", "--seeds", "1", "--device", "cpu", "--results-dir", "results"])
    assert not ended.value.code
    (record,) = Store(here / "results").all
    assert sum(record.measurements["described"].total) == 12
    assert json.loads(next((here / "results/runs/mini-squeezenet-stripes").glob("*/record.json")).read_text())


def test_a_changed_file_is_another_run_and_its_place_is_not(here: Path):
    def identity(name: str) -> str:
        spec = Data(name=name)
        checksum = data.checksum(spec, here)
        assert checksum
        return Run(model=Model(name="squeezenet"), data=spec, recipe=Recipe()).identity(checksum)

    first = identity("datasets.py:stripes")
    (here / "moved.py").write_text(FILE)
    assert identity("moved.py:stripes") == first
    assert identity("moved.py:grey") != first
    (here / "moved.py").write_text(FILE + "\n")
    assert identity("moved.py:stripes") != first


def test_other_arrays_from_an_unchanged_file_are_refused(here: Path):
    from repro.data import outside

    (here / ".data").mkdir()
    np.save(here / ".data" / "images.npy", np.zeros((6, 4, 4), np.uint8))
    loaded("from_disk")
    outside.called.cache_clear()  # as another process has it
    loaded("from_disk")
    np.save(here / ".data" / "images.npy", np.ones((6, 4, 4), np.uint8))
    outside.called.cache_clear()
    with pytest.raises(Failure, match="from_disk gives other images than before"):
        loaded("from_disk")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other_size", r"training images: uint8 \[4, 1, 4, 4\] where uint8 \[4, 3, 8, 8\] was expected"),
        ("other_labels", "labels should be 4 whole numbers from 0 to 0"),
        ("no_arrays", "should return train_images, train_labels, test_images, test_labels"),
        ("broken", "OSError: no disk"),
    ],
)
def test_what_is_wrong_with_arrays_is_one_line(name: str, message: str):
    with pytest.raises(Failure, match=message) as caught:
        loaded(name)
    assert str(caught.value).startswith(f"datasets.py:{name}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("datasets.py:stripe", "unknown data set 'stripe'; did you mean 'stripes'?"),
        ("dataset.py:stripes", r"there is no file .*dataset\.py; did you mean 'datasets\.py'\?"),
        ("datasets.py:silent", r"its arguments say what the set is: def silent\(folder, classes=10"),
        ("datasets.py:too_many", "its arguments say what the set is"),
        ("nothing:stripes", "unknown data set 'nothing:stripes'"),
    ],
)
def test_mistakes_are_named(name: str, message: str):
    with pytest.raises(BadInput, match=message):
        data.find(name).planned(Path(".data"))
