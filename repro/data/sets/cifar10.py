"""CIFAR-10: 60,000 colour photographs, 32x32, ten classes (Krizhevsky 2009)."""

from pathlib import Path
from typing import TYPE_CHECKING

from repro.data.catalogue import DatasetInfo, register
from repro.data.known_files import Archive, KnownFiles

if TYPE_CHECKING:
    from repro.data.catalogue import Arrays

# Relative to the data root: file -> MD5 of the official distribution, as unpacked by torchvision.
FILES = {
    "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
    "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
    "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
}


@register
class CIFAR10(KnownFiles):
    info = DatasetInfo(
        name="cifar10",
        title="CIFAR-10",
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        channels=3,
        size=32,
        train=50_000,
        test=10_000,
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2023, 0.1994, 0.2010),  # as in the report's notebooks: the mean of the images' own deviations
        source="Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
    )
    citation = """@techreport{krizhevsky2009learning,
  author      = {Krizhevsky, Alex},
  title       = {Learning multiple layers of features from tiny images},
  institution = {University of Toronto},
  year        = {2009}
}"""
    files = FILES
    by_hand = "cifar-10-python.tar.gz or its folder cifar-10-batches-py"

    def archives(self) -> list[Archive]:
        from torchvision import datasets

        return [Archive([datasets.CIFAR10.url], datasets.CIFAR10.tgz_md5)]

    def read(self, root: Path) -> "tuple[Arrays, Arrays]":
        """In the official order."""
        import numpy as np

        from repro.data import cifar

        *training, test = [cifar.read_batch(root / name) for name in self.files]
        images, labels = (np.concatenate(parts) for parts in zip(*training, strict=True))
        return (images, labels), test
