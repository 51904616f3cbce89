"""Modified MNIST: two or three MNIST digits in an image, labelled with the largest one; built here, from MNIST."""

from pathlib import Path
from typing import TYPE_CHECKING

from repro.data import files
from repro.data.catalogue import DatasetInfo, find, register
from repro.data.files import Sums
from repro.data.known_files import KnownFiles
from repro.data.sets import mnist
from repro.progress import Progress, silent
from repro.storage import cache_folder, write_atomic

if TYPE_CHECKING:
    from repro.data.catalogue import Arrays

# Relative to the cache folder: what `repro.data.modified_mnist` builds, in MNIST's own format. Other bytes are refused.
FILES = {
    "modified-mnist/train-images-idx3-ubyte": Sums(
        "149bb2b0ad43766ec5d3c27f1e05abc7",
        "6dbda9b6df6d4122f30f99b37f21013fbed5454cccc1c88809b674c1226e79f7",
    ),
    "modified-mnist/train-labels-idx1-ubyte": Sums(
        "3086c56ef2582408e0ab043c4598a238",
        "49cf237b426907b1713fc7e88eeffaf7cc7fab2b1e25893ab8ba5d24b6c12079",
    ),
    "modified-mnist/t10k-images-idx3-ubyte": Sums(
        "93cf6c8d56d0cd6bf9517aae3843296a",
        "fa29b9d83f1b31955b40d31039b23272962cce64d140e13a16aebee60b096f8a",
    ),
    "modified-mnist/t10k-labels-idx1-ubyte": Sums(
        "1413ed2415ceba27929d64ea136926cb",
        "d04d36201a802565b990ff91ff994fc72547048b390eaf619a288dcb3ab60515",
    ),
}


@register
class ModifiedMNIST(KnownFiles):
    info = DatasetInfo(
        name="modified-mnist",
        title="Modified MNIST",
        classes=mnist.DIGITS,
        channels=1,
        size=64,
        train=40_000,
        test=10_000,
        mean=(0.0368,),
        std=(0.1654,),
        source="built from MNIST after the task of McGill COMP 551 (2018, 2019)",
        substitute="built from MNIST after the published description; the images of the course are not public",
    )
    citation = mnist.CITATION
    files = FILES
    remedy = "delete it, and it is built again"

    def home(self, root: Path) -> Path:
        return cache_folder()

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        if not files.is_verified(self.home(root), self.files):
            find("mnist").prepare(root, progress)
            super().prepare(root, progress)

    def obtain(self, root: Path, progress: Progress) -> None:
        from repro.data import modified_mnist

        progress("building Modified MNIST (about half a minute)")
        content = modified_mnist.build_files(find("mnist").read(root))
        for name, part in zip(self.files, content, strict=True):
            write_atomic(self.home(root) / name, part)

    def read(self, root: Path) -> "tuple[Arrays, Arrays]":
        from repro.data import idx

        return idx.read_sets([self.home(root) / name for name in self.files])
