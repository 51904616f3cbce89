"""The two-class ImageNet subset of the report: bikes and ships, in whatever folder of photographs the user has."""

import os
from pathlib import Path

from repro.errors import Failure

FOLDER = "bike-ship"
SPLITS = ("train", "val")
# The folders that make up each class, by name or by WordNet id. The first id of each is the report's own class.
BIKES = ("bike", "n02834778", "n04509417")
SHIPS = ("ship", "n04194289", "n02981792", "n02687172", "n04612504")
CLASS_OF = {name: label for label, names in enumerate((BIKES, SHIPS)) for name in names}
PHOTOGRAPHS = (".jpeg", ".jpg", ".png")
# Photographs of different sizes are squashed to one, that of the networks' original input.
COMMON_SIZE = 227

LAYOUT = f"{FOLDER}/train and {FOLDER}/val, each with the folders bike and ship, or {BIKES[1]} and {SHIPS[1]}"


def names(root: Path) -> list[str]:
    """All photographs that belong to a class, as `train/bike/x.jpg`, sorted; empty when the folder is not there."""
    found = []
    for split in SPLITS:
        for folder in _subfolders(root / FOLDER / split):
            if folder not in CLASS_OF:
                raise Failure(f"{root / FOLDER / split / folder}: neither bike nor ship; expected {LAYOUT}")
            listed = os.listdir(root / FOLDER / split / folder)
            found += [f"{split}/{folder}/{name}" for name in listed if name.lower().endswith(PHOTOGRAPHS)]
    return sorted(found)


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir())
    except FileNotFoundError:
        return []


def label_of(name: str) -> int:
    """0 = bike, 1 = ship."""
    return CLASS_OF[name.split("/")[1]]


def split_of(name: str) -> str:
    """`train` or `val`."""
    return name.split("/")[0]


def is_original(names: list[str]) -> bool:
    """Whether the folder names say that these are the report's own two classes, bicycle and ship."""
    return {name.split("/")[1] for name in names} == {BIKES[1], SHIPS[1]}
