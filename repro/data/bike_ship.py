"""The two-class ImageNet subset of the report: bikes and ships, in whatever folder of photographs the user has."""

from pathlib import Path

from repro.data.files import entries
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
    return [name for name in _files(root) if name.lower().endswith(PHOTOGRAPHS)]


def strangers(root: Path) -> list[str]:
    """The files beside the photographs that are none, by their names; they are passed over."""
    return [name for name in _files(root) if not name.lower().endswith(PHOTOGRAPHS)]


def _files(root: Path) -> list[str]:
    """All files of the classes' folders, sorted. Raises Failure naming a folder of another class or a link outside."""
    found = []
    for split in SPLITS:
        for folder in entries(root / FOLDER, split):
            if not folder.is_dir():
                continue
            if folder.name not in CLASS_OF:
                raise Failure(f"{folder.path}: neither bike nor ship; expected {LAYOUT}")
            found += [f"{split}/{folder.name}/{file.name}" for file in entries(root / FOLDER, f"{split}/{folder.name}")]
    return sorted(found)


def label_of(name: str) -> int:
    """0 = bike, 1 = ship."""
    return CLASS_OF[name.split("/")[1]]


def split_of(name: str) -> str:
    """`train` or `val`."""
    return name.split("/")[0]


def is_original(names: list[str]) -> bool:
    """Whether the folder names say that these are the report's own two classes, bicycle and ship."""
    return {name.split("/")[1] for name in names} == {BIKES[1], SHIPS[1]}
