"""Identities that records rest on: of every data set, of photographs by their folders, and of all committed records."""

from pathlib import Path

import pytest

from repro import data
from repro.config.specification import Data
from repro.data import DATASETS
from repro.records import Store

CHECKOUT = Path(__file__).resolve().parents[2]

# Without files: of the official sets, and of stand-ins.
GOLDEN = {
    "cifar10": "569d0469dc3885e7adbaaa200f890f8e9f1e08156e361ca1f7fed9f2a0832201",
    "mnist": "f7393f5621c7f4b9605a4e9d1cf0e1649d080a9d5a9ceac1905c38532b95f029",
    "modified-mnist": "a44fc885c976015cc5b7d6bf624bf6af2de28f0bc6ecc34125d341ea86d71ba2",
    "bike-ship": None,
    "imagenet": None,
}
BIKE_SHIP = "be4ecf0a80fe3117d717071ec78b55f3ed4b45312815738234bd90d9ab52c832"
IMAGENET = "c847d7dc57c1eebd04a78ef558b659b6346b8891298c65459723ef2741ed9263"
# The packed photographs that come with the project; their records are committed.
REAL_BIKE_SHIP = "361274e70e78857d022e32dd7b10b5706b61d98b4dd2b61ed5c28e998069a569"


def put(folder: Path) -> None:
    """Files named as photographs; nothing decodes them."""
    for number, name in enumerate(("b/2.jpg", "b/1.JPEG", "a/3.png", "a/notes.txt")):
        for split in ("train", "val"):
            first, second = ("n02834778", "n04194289") if folder.name == "imagenet" else ("bike", "ship")
            path = folder / split / name.replace("a/", f"{first}/").replace("b/", f"{second}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"{split} {number}".encode())


@pytest.mark.parametrize("name", DATASETS)
def test_of_every_set_without_its_files(name: str, tmp_path: Path):
    assert data.checksum(Data(name=name), tmp_path) == GOLDEN[name]
    assert data.checksum(Data(name=name, synthetic=True), tmp_path) == f"{name}-synthetic-1"


@pytest.mark.parametrize(("name", "golden"), [("bike-ship", BIKE_SHIP), ("imagenet", IMAGENET)])
def test_of_folders(name: str, golden: str, tmp_path: Path):
    put(tmp_path / name)
    assert data.checksum(Data(name=name), tmp_path) == golden


def test_of_the_real_photographs(data_dir: Path):
    found = data.checksum(Data(name="bike-ship"), data_dir)
    if found is None:
        pytest.skip(f"bike-ship is not in {data_dir}")
    assert found == REAL_BIKE_SHIP


def test_of_all_committed_records():
    """A record whose identity does not follow from what it says is passed over, and named among the problems."""
    store = Store(CHECKOUT / "results")
    files = list((CHECKOUT / "results" / "runs").glob("*/*/record.json"))
    assert len(store.all) == len(files) > 0
    assert store.problems == []
