"""The two-class ImageNet subset of the report: bikes and ships, in whatever folder of photographs the user has."""

from dataclasses import replace
from pathlib import Path

from repro.data import files
from repro.data.catalogue import DatasetInfo, register
from repro.data.folders import IMAGENET_MEAN, IMAGENET_STD, ImageFolder, Listing, class_folders, other_files, part
from repro.data.sets import imagenet
from repro.errors import Failure
from repro.progress import Progress, silent

SPLITS = ("train", "val")
# The folders that make up each class, by name or by WordNet id. The first id of each is the report's own class.
BIKES = ("bike", "n02834778", "n04509417")
SHIPS = ("ship", "n04194289", "n02981792", "n02687172", "n04612504")
CLASS_OF = {name: label for label, names in enumerate((BIKES, SHIPS)) for name in names}
LAYOUT = f"bike-ship/train and bike-ship/val, each with the folders bike and ship, or {BIKES[1]} and {SHIPS[1]}"


@register
class BikeShip(ImageFolder):
    info = DatasetInfo(
        name="bike-ship",
        title="ImageNet subset, bikes and ships",
        classes=("bike", "ship"),
        channels=3,
        size=84,
        train=2_000,
        test=400,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        source="ILSVRC 2012, https://image-net.org",
        substitute="other ImageNet classes, at 84x84 pixels: unicycles instead of bicycles; catamarans, aircraft "
        "carriers and yawls instead of ships",
        balanced=True,  # as in the report
    )
    citation = imagenet.CITATION

    def describe(self, root: Path) -> DatasetInfo:
        """The report's own two classes, bicycle and ship, are no substitute."""
        own = {name.split("/")[1] for name in self.listing(root).names} == {BIKES[1], SHIPS[1]}
        return replace(self.info, substitute="") if own else self.info

    def listing(self, root: Path) -> Listing:
        """Raises Failure naming a folder of another class or a link outside."""
        home = self.home(root)
        for split in SPLITS:
            for folder in class_folders(home, split):
                if folder not in CLASS_OF:
                    raise Failure(f"{home / split / folder}: neither bike nor ship; expected {LAYOUT}")
        train, test = (part(home, split, CLASS_OF) for split in SPLITS)
        return Listing(self.info.classes, train, test)

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        found = self.listing(root)
        for split, (_, labels) in zip(SPLITS, (found.train, found.test), strict=True):
            if set(labels) != {0, 1}:
                place = self.home(root) / split
                raise Failure(f"{place} does not hold photographs of both classes: put them into {LAYOUT}")
        files.folder_checksum(self.home(root), found.names)

    def note(self, root: Path, found: Listing) -> str:
        """With the names of files that are passed over."""
        note, home = super().note(root, found), self.home(root)
        folders = [f"{split}/{folder}" for split in SPLITS for folder in class_folders(home, split)]
        if others := sorted(other_files(home, folders)):
            note = f"{note}; passed over as no photographs: {', '.join(others[:3])}".removeprefix("; ")
            note += f" and {len(others) - 3} more" if len(others) > 3 else ""
        return note
