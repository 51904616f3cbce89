"""MNIST: 70,000 handwritten digits, 28x28 (LeCun et al. 1998)."""

from pathlib import Path
from typing import TYPE_CHECKING

from repro.data.catalogue import DatasetInfo, register
from repro.data.known_files import Archive, KnownFiles

if TYPE_CHECKING:
    from repro.data.catalogue import Arrays

DIGITS = tuple("0123456789")
# Relative to the data root: file -> MD5 of the official distribution, as unpacked by torchvision.
FILES = {
    "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
CITATION = """@article{lecun1998gradient,
  author  = {LeCun, Yann and Bottou, L{\\'e}on and Bengio, Yoshua and Haffner, Patrick},
  title   = {Gradient-based learning applied to document recognition},
  journal = {Proceedings of the IEEE},
  volume  = {86},
  number  = {11},
  pages   = {2278--2324},
  year    = {1998}
}"""


@register
class MNIST(KnownFiles):
    info = DatasetInfo(
        name="mnist",
        title="MNIST",
        classes=DIGITS,
        channels=1,
        size=28,
        train=60_000,
        test=10_000,
        mean=(0.1307,),
        std=(0.3081,),
        source="LeCun et al. 1998, http://yann.lecun.com/exdb/mnist/",
    )
    citation = CITATION
    files = FILES
    folder = "MNIST/raw"
    by_hand = "the four files *-ubyte or *-ubyte.gz in MNIST/raw"

    def archives(self) -> list[Archive]:
        from torchvision import datasets

        return [
            Archive([mirror + name for mirror in datasets.MNIST.mirrors], md5) for name, md5 in datasets.MNIST.resources
        ]

    def read(self, root: Path) -> "tuple[Arrays, Arrays]":
        from repro.data import idx

        return idx.read_sets([root / name for name in self.files])
