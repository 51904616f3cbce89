"""MNIST: 70,000 handwritten digits, 28x28 (LeCun et al. 1998)."""

from pathlib import Path
from typing import TYPE_CHECKING

from repro.data.catalogue import DatasetInfo, register
from repro.data.files import Sums
from repro.data.known_files import Archive, KnownFiles

if TYPE_CHECKING:
    from repro.data.catalogue import Arrays

DIGITS = tuple("0123456789")
# Relative to the data root: file -> sums of the official distribution, as unpacked by torchvision.
FILES = {
    "MNIST/raw/train-images-idx3-ubyte": Sums(
        "6bbc9ace898e44ae57da46a324031adb",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "MNIST/raw/train-labels-idx1-ubyte": Sums(
        "a25bea736e30d166cdddb491f175f624",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "MNIST/raw/t10k-images-idx3-ubyte": Sums(
        "2646ac647ad5339dbf082846283269ea",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "MNIST/raw/t10k-labels-idx1-ubyte": Sums(
        "27ae3e4e09519cfbb04c329615203637",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
# SHA-256 of the archives, as torchvision's prototype of its data sets has them.
ARCHIVES = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
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

        mirrors = datasets.MNIST.mirrors
        return [
            Archive([mirror + name for mirror in mirrors], Sums(md5, ARCHIVES[name]))
            for name, md5 in datasets.MNIST.resources
        ]

    def read(self, root: Path) -> "tuple[Arrays, Arrays]":
        from repro.data import idx

        return idx.read_sets([root / name for name in self.files])
