"""ImageNet (ILSVRC 2012) as its users have it: `imagenet/train` and `imagenet/val`, each with a folder for every class.

The folders are named by WordNet id; in the order of these names they are the classes. Any part of ImageNet will do.
Photographs stay on disk and are decoded as they are needed (`streaming.py`), so only their names are read here.
"""

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

from repro.data.catalogue import DatasetInfo, Status, counted, register
from repro.data.folders import IMAGENET_MEAN, IMAGENET_STD, PHOTOGRAPHS, ImageFolder, Listing, class_folders, part
from repro.errors import Failure
from repro.progress import Progress, silent

SPLITS = ("train", "val")
CLASSES = 1000  # the network's outputs
CITATION = """@article{russakovsky2015imagenet,
  author  = {Russakovsky, Olga and Deng, Jia and Su, Hao and Krause, Jonathan and Satheesh, Sanjeev and Ma, Sean and
             Huang, Zhiheng and Karpathy, Andrej and Khosla, Aditya and Bernstein, Michael and Berg, Alexander C. and
             Fei-Fei, Li},
  title   = {{ImageNet} large scale visual recognition challenge},
  journal = {International Journal of Computer Vision},
  volume  = {115},
  number  = {3},
  pages   = {211--252},
  year    = {2015}
}"""


@register
class ImageNet(ImageFolder):
    info = DatasetInfo(
        name="imagenet",
        title="ImageNet",
        source="ILSVRC 2012, https://image-net.org",
        classes=tuple(map(str, range(CLASSES))),  # their WordNet ids are those of the user's folders
        channels=3,
        size=256,  # what the paper's photographs were resized to; the files are of many sizes
        train=1_281_167,
        test=50_000,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        published_bytes=147_897_477_120 + 6_744_924_160,  # of the two archives
    )
    citation = CITATION
    tested_on = "imagenet-val"

    def describe(self, root: Path) -> DatasetInfo:
        found = self.listing(root)
        train, test = len(found.train.names), len(found.test.names)
        whole = (train, test) == (self.info.train, self.info.test)
        substitute = "" if whole else f"a part: {train:,} photographs of {len(found.classes):,} classes"
        return replace(self.info, classes=found.classes, substitute=substitute)

    def listing(self, root: Path) -> Listing:
        return listing(self.home(root))

    def checksum(self, root: Path) -> str | None:
        """The checksum of the photographs' names: reading 150 GB for it would take longer than an epoch."""
        if not (self.home(root) / "train").is_dir():
            return None
        return hashlib.sha256("\n".join(self.listing(root).names).encode()).hexdigest()

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        progress("looking through the folders of ImageNet")
        self.listing(root)

    def verified(self, root: Path, found: Listing) -> bool:
        return False

    def status(self, root: Path) -> Status:
        found = super().status(root)
        return found if found.present else found._replace(images=counted(self.info.train, self.info.test))

    def note(self, root: Path, found: Listing) -> str:
        return f"{len(found.classes):,} classes; photographs are checked as they are decoded"


@cache
def listing(home: Path) -> Listing:
    """List the photographs. They are looked up once; a run of days does not notice what is added meanwhile.

    Raises:
        Failure: nothing is there, a class has no photographs to train on, or one is measured that is not trained on.
    """
    folders = {split: class_folders(home, split) for split in SPLITS}
    classes = tuple(folders["train"])
    for split in SPLITS:
        if not folders[split]:
            raise Failure(f"no photographs in {home / split}: put a folder there for each class, named by WordNet id")
    if len(classes) > CLASSES:
        raise Failure(f"{home / 'train'} has {len(classes):,} folders, more than ImageNet's {CLASSES:,} classes")
    strangers = sorted(set(folders["val"]) - set(classes))
    if strangers:
        raise Failure(f"{home / 'val' / strangers[0]}: there is no folder {strangers[0]} in {home / 'train'}")
    number = {wnid: label for label, wnid in enumerate(classes)}
    train, test = (part(home, split, number) for split in SPLITS)
    empty = set(range(len(classes))) - set(train.labels)
    if empty:
        raise Failure(f"{home / 'train' / classes[min(empty)]} holds no photographs ({', '.join(PHOTOGRAPHS)})")
    if not test.names:
        raise Failure(f"the folders of {home / 'val'} hold no photographs ({', '.join(PHOTOGRAPHS)})")
    return Listing(classes, train, test)
