"""Data sets that torchvision knows, by its names for them: `torchvision:CIFAR100`.

`repro data prepare torchvision:NAME` downloads one into `torchvision/NAME` of the data folder, unless its files or
archives are there, and writes what it is beside it: `torchvision/NAME.json`, from which runs are planned. Nothing else
downloads. No pickle is executed: CIFAR100 is read with the project's own reader. Sets that torchvision unpickles
otherwise, or whose images differ in size, are refused; put the latter's photographs into folders (see `folder.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from repro.data import files
from repro.data.catalogue import DatasetInfo, External, Status, counted, family, of_bytes
from repro.data.files import Sums
from repro.data.known_files import Archive, alone, download, patient
from repro.data.sets import cifar10
from repro.errors import BadInput, Failure, unknown
from repro.progress import Progress, silent
from repro.storage import read_limited, write_atomic

if TYPE_CHECKING:
    from repro.data.catalogue import Arrays

FOLDER = "torchvision"  # in the data folder
LARGEST = 2**20  # bytes of a description


# SHA-256 of what is downloaded, as torchvision's prototype of its data sets has them; of STL10, TensorFlow Datasets.
SHA256 = {
    "CIFAR100": {"cifar-100-python.tar.gz": "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"},
    "FashionMNIST": {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    "KMNIST": {
        "train-images-idx3-ubyte.gz": "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "train-labels-idx1-ubyte.gz": "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "t10k-images-idx3-ubyte.gz": "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "t10k-labels-idx1-ubyte.gz": "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    },
    "SVHN": {
        "train_32x32.mat": "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        "test_32x32.mat": "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
    },
    "STL10": {"stl10_binary.tar.gz": "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866"},
    "USPS": {
        "usps.bz2": "3771e9dd6ba685185f89867b6e249233dd74652389f263963b3b741e994b034f",
        "usps.t.bz2": "a9c0164e797d60142a50604917f0baa604f326e9a689698763793fa5d12ffc4e",
    },
}


class Description(msgspec.Struct, forbid_unknown_fields=True):
    """The description written beside a set. mean, std: per channel, of all pixels of the training images, in 0..1."""

    checksum: str
    classes: tuple[str, ...]
    channels: int
    size: int
    train: int
    test: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.classes or not len(self.mean) == len(self.std) == self.channels > 0:
            raise ValueError("it is not whole")


class TorchvisionSet(External):
    """A data set that is read through torchvision.

    used: the files that are read, below `home`. parts: what torchvision is asked for, for training and for test images.
    """

    def __init__(self, name: str, used: tuple[str, ...], parts: tuple[dict[str, Any], dict[str, Any]], citation: str):
        self.own_name, self.used, self.parts, self.citation = name, used, parts, citation

    @property
    def name(self) -> str:
        """The name as users give it."""
        return f"{FOLDER}:{self.own_name}"

    @property
    def theirs(self) -> Any:
        """torchvision's class."""
        from torchvision import datasets

        return getattr(datasets, self.own_name)

    def home(self, root: Path) -> Path:
        """The folder that torchvision takes for its root."""
        return root / FOLDER / self.own_name

    def described(self, root: Path) -> Path:
        """The file of its `Description`."""
        return root / FOLDER / f"{self.own_name}.json"

    def description(self, root: Path) -> Description:
        """Read what was found when the set was prepared.

        Raises:
            Failure: it was not.
        """
        path = self.described(root)
        try:
            return msgspec.json.decode(read_limited(path, LARGEST), type=Description)
        except FileNotFoundError:
            raise Failure(f"{self.name} is not in {root}: run `repro data prepare {self.name}`") from None
        except (ValueError, msgspec.MsgspecError) as error:
            raise Failure(f"{path} is damaged ({error}): run `repro data prepare {self.name}`") from error

    def planned(self, root: Path) -> DatasetInfo:
        found = self.description(root)
        return DatasetInfo(
            name=self.name,
            title=self.own_name,
            classes=found.classes,
            channels=found.channels,
            size=found.size,
            train=found.train,
            test=found.test,
            mean=found.mean,
            std=found.std,
            source=f"torchvision.datasets.{self.own_name}",
        )

    def checksum(self, root: Path) -> str | None:
        """The checksum of the content of the files."""
        if self.missing(root):
            return None
        return files.folder_checksum(self.home(root), list(self.used))

    def missing(self, root: Path) -> list[str]:
        """The files that are not there."""
        return files.missing(self.home(root), dict.fromkeys(self.used, ""))

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        home = self.home(root)
        with alone():
            if self.missing(root):
                progress(f"downloading {self.own_name} to {home}")
                with self.failing("cannot download", f"without a network put its files or archives into {home}"):
                    self.fetch(home)
            if absent := self.missing(root):
                raise Failure(f"{home / absent[0]} is missing: delete {home} and run `repro data prepare {self.name}`")
            checksum = self.checksum(root)
            try:
                known = self.description(root).checksum
            except Failure:
                known = ""
            if checksum and checksum != known:
                progress(f"reading {self.own_name}")
                with self.failing("cannot use", f"delete {home} and run `repro data prepare {self.name}`"):
                    found = describe(checksum, *self.arrays(root))
                write_atomic(self.described(root), msgspec.json.format(msgspec.json.encode(found)) + b"\n")

    def ensure(self, root: Path) -> None:
        """Raises Failure where it has not been prepared, or its files have changed since."""
        if self.description(root).checksum != self.checksum(root):
            raise Failure(
                f"the files in {self.home(root)} have changed or are gone: run `repro data prepare {self.name}`"
            )

    def status(self, root: Path) -> Status:
        found, home = self.description(root), self.home(root)
        present = not self.missing(root)
        verified = present and files.marker(home, self.used).exists()
        return Status(self.name, present, verified, counted(found.train, found.test), str(home), "")

    def read(self, root: Path) -> "tuple[Arrays, Arrays]":
        _, train, test = self.arrays(root)
        return train, test

    def arrays(self, root: Path) -> "tuple[tuple[str, ...], Arrays, Arrays]":
        """The names of the classes, training and test images."""
        with self.failing("cannot read", f"delete {self.home(root)} and run `repro data prepare {self.name}`"):
            sets = [self.theirs(str(self.home(root)), download=False, **part) for part in self.parts]
            train, test = (stacked(one) for one in sets)
            labels = max(int(train[1].max()), int(test[1].max())) + 1
            return tuple(getattr(sets[0], "classes", map(str, range(labels)))), train, test

    def fetch(self, home: Path) -> None:
        """Download the files."""
        home.mkdir(parents=True, exist_ok=True)
        with patient():
            for part in self.parts:
                self.theirs(str(home), download=True, **part)
        for name in self.used:
            files.check(home / name, SHA256[self.own_name][name], "delete it")

    @contextmanager
    def failing(self, what: str, remedy: str) -> Iterator[None]:
        """A block of torchvision's, which raises URLError, RuntimeError, EOFError, tarfile's errors, OSError."""
        try:
            yield
        except Failure:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Failure(f"{what} {self.name} ({reason}); {remedy}") from error


class CIFAR100(TorchvisionSet):
    """Pickles, of which nothing is executed."""

    def arrays(self, root: Path) -> "tuple[tuple[str, ...], Arrays, Arrays]":
        from repro.data import cifar

        train, test, meta = (self.home(root) / name for name in self.used)
        classes = cifar.read_names(meta, "CIFAR-100", b"fine_label_names")
        read = [
            cifar.read_batch(file, "CIFAR-100", b"fine_labels", len(classes), scale)
            for file, scale in ((train, 5), (test, 1))
        ]
        return classes, read[0], read[1]

    def fetch(self, home: Path) -> None:
        unpack(self, home)


class STL10(TorchvisionSet):
    """One archive of all images."""

    def fetch(self, home: Path) -> None:
        unpack(self, home)


class IDX(TorchvisionSet):
    """Files in the format of MNIST, which is read without torchvision's older format of them, a pickle."""

    def arrays(self, root: Path) -> "tuple[tuple[str, ...], Arrays, Arrays]":
        from repro.data import idx

        train, test = idx.read_sets([self.home(root) / name for name in self.used])
        return tuple(self.theirs.classes), train, test

    def fetch(self, home: Path) -> None:
        archives = [
            Archive([mirror + name for mirror in self.theirs.mirrors], Sums(md5, SHA256[self.own_name][name]))
            for name, md5 in self.theirs.resources
        ]
        download(archives, home / self.own_name / "raw")


def unpack(one: TorchvisionSet, home: Path) -> None:
    """Download and unpack the archive of a set that has one."""
    ((_, sha256),) = SHA256[one.own_name].items()
    download([Archive([one.theirs.url], Sums(one.theirs.tgz_md5, sha256))], home)


def stacked(dataset: Any) -> "Arrays":
    """The images, all of one size, and labels that torchvision gives one by one."""
    import numpy as np

    pairs = [(np.asarray(image, np.uint8), int(label)) for image, label in dataset]
    images = np.stack([image for image, _ in pairs])
    images = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(images), np.array([label for _, label in pairs], np.int64)


def describe(checksum: str, classes: tuple[str, ...], train: "Arrays", test: "Arrays") -> Description:
    """Describe the images.

    Raises:
        ValueError: they are not squares of one size, or a label has no class.
    """
    import numpy as np

    (images, labels), (test_images, test_labels) = train, test
    every = np.concatenate([labels, test_labels])
    if images.shape[1:] != test_images.shape[1:] or images.shape[2] != images.shape[3]:
        raise ValueError(f"images of {images.shape[1:]} and {test_images.shape[1:]} are not squares of one size")
    if not len(labels) or not len(test_labels) or every.min() < 0 or every.max() >= len(classes):
        raise ValueError(f"labels from {every.min()} to {every.max()} are not those of {len(classes)} classes")
    moments = [of_bytes(np.bincount(images[:, channel].ravel(), minlength=256)) for channel in range(images.shape[1])]
    mean, std = zip(*moments, strict=True)
    return Description(checksum, classes, images.shape[1], images.shape[2], len(labels), len(test_labels), mean, std)


def idx_files(name: str) -> tuple[str, ...]:
    """The four files of a set in the format of MNIST."""
    kinds = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(f"{name}/raw/{kind}-ubyte" for kind in kinds)


BY_SPLIT: tuple[dict[str, Any], dict[str, Any]] = ({"split": "train"}, {"split": "test"})
BY_TRAIN: tuple[dict[str, Any], dict[str, Any]] = ({"train": True}, {"train": False})
STL10_FILES = ("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin")
XIAO = """@article{xiao2017fashion,
  author  = {Xiao, Han and Rasul, Kashif and Vollgraf, Roland},
  title   = {{Fashion-MNIST}: a novel image dataset for benchmarking machine learning algorithms},
  journal = {arXiv preprint arXiv:1708.07747},
  year    = {2017}
}"""
CLANUWAT = """@article{clanuwat2018deep,
  author  = {Clanuwat, Tarin and Bober-Irizar, Mikel and Kitamoto, Asanobu and Lamb, Alex and Yamamoto, Kazuaki and
             Ha, David},
  title   = {Deep learning for classical {Japanese} literature},
  journal = {arXiv preprint arXiv:1812.01718},
  year    = {2018}
}"""
NETZER = """@inproceedings{netzer2011reading,
  author    = {Netzer, Yuval and Wang, Tao and Coates, Adam and Bissacco, Alessandro and Wu, Bo and Ng, Andrew Y.},
  title     = {Reading digits in natural images with unsupervised feature learning},
  booktitle = {NIPS Workshop on Deep Learning and Unsupervised Feature Learning},
  year      = {2011}
}"""
COATES = """@inproceedings{coates2011analysis,
  author    = {Coates, Adam and Ng, Andrew and Lee, Honglak},
  title     = {An analysis of single-layer networks in unsupervised feature learning},
  booktitle = {AISTATS},
  year      = {2011}
}"""
HULL = """@article{hull1994database,
  author  = {Hull, Jonathan J.},
  title   = {A database for handwritten text recognition research},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume  = {16},
  number  = {5},
  year    = {1994}
}"""
KRIZHEVSKY = cifar10.CIFAR10.citation

KNOWN: dict[str, Callable[[], TorchvisionSet]] = {
    "CIFAR100": lambda: CIFAR100(
        "CIFAR100", tuple(f"cifar-100-python/{name}" for name in ("train", "test", "meta")), BY_TRAIN, KRIZHEVSKY
    ),
    "FashionMNIST": lambda: IDX("FashionMNIST", idx_files("FashionMNIST"), BY_TRAIN, XIAO),
    "KMNIST": lambda: IDX("KMNIST", idx_files("KMNIST"), BY_TRAIN, CLANUWAT),
    "SVHN": lambda: TorchvisionSet("SVHN", ("train_32x32.mat", "test_32x32.mat"), BY_SPLIT, NETZER),
    "STL10": lambda: STL10("STL10", tuple(f"stl10_binary/{name}" for name in STL10_FILES), BY_SPLIT, COATES),
    "USPS": lambda: TorchvisionSet("USPS", ("usps.bz2", "usps.t.bz2"), BY_TRAIN, HULL),
}
BUILT_IN = {"CIFAR10": "cifar10", "MNIST": "mnist"}


def prepared(root: Path) -> list[str]:
    """The sets of which there is a description."""
    return [name for name in sorted(KNOWN) if (root / FOLDER / f"{name}.json").is_file()]


@family(FOLDER, here=prepared, members=KNOWN)
def torchvision_set(name: str) -> TorchvisionSet:
    """The set of torchvision's name.

    Raises:
        BadInput: it is another, which cannot be read safely or has images of many sizes.
    """
    if name in BUILT_IN:
        raise BadInput(f"torchvision:{name} is here as {BUILT_IN[name]}")
    if name not in KNOWN:
        remedy = "put photographs of others into a folder: folder:PATH"
        raise BadInput(f"{unknown('set of torchvision', name, KNOWN)}; {remedy}")
    return KNOWN[name]()
