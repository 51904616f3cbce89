"""CIFAR-10: 60,000 colour photographs, 32x32, ten classes (Krizhevsky 2009)."""

from pathlib import Path
from typing import TYPE_CHECKING

from repro.data.catalogue import DatasetInfo, register
from repro.data.files import Sums
from repro.data.known_files import Archive, KnownFiles

if TYPE_CHECKING:
    from repro.data.catalogue import Arrays

# Relative to the data root: file -> sums of the official distribution, as unpacked by torchvision.
FILES = {
    "cifar-10-batches-py/data_batch_1": Sums(
        "c99cafc152244af753f735de768cd75f",
        "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    ),
    "cifar-10-batches-py/data_batch_2": Sums(
        "d4bba439e000b95fd0a9bffe97cbabec",
        "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    ),
    "cifar-10-batches-py/data_batch_3": Sums(
        "54ebc095f3ab1f0389bbae665268c751",
        "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    ),
    "cifar-10-batches-py/data_batch_4": Sums(
        "634d18415352ddfa80567beed471001a",
        "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    ),
    "cifar-10-batches-py/data_batch_5": Sums(
        "482c414d41f54cd18b22e5b47cb7c3cb",
        "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    ),
    "cifar-10-batches-py/test_batch": Sums(
        "40351d587109b95175f43aff81a1287e",
        "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
    ),
}
# SHA-256 of the archive, as torchvision's prototype of its data sets has it.
ARCHIVE = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


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

        return [Archive([datasets.CIFAR10.url], Sums(datasets.CIFAR10.tgz_md5, ARCHIVE))]

    def read(self, root: Path) -> "tuple[Arrays, Arrays]":
        """In the official order."""
        from repro.data import cifar

        *training, test = [root / name for name in self.files]
        return cifar.read_batches(training), cifar.read_batch(test)
