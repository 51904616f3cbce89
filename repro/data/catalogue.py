"""The data sets by name: what each is and can do. Imports neither torch nor numpy.

To add one, put a module into `repro/data/sets/` with a class derived from `ImageSource` and decorated with `register`:
nothing else names it. Data sets from outside are members of a family, named FAMILY:NAME (`folder:flowers`); what they
are is read off their files, also while runs are planned (see `look_in`). Or they are what a function returns: see
`repro.data.outside`.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from repro.config.functions import is_outside
from repro.config.specification import Data
from repro.errors import BadInput, unknown
from repro.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np

    from repro.data.images import ImageSet
    from repro.data.streaming import PhotographSet

    Arrays = tuple[np.ndarray, np.ndarray]

Half = Literal["all", "calibration", "measuring"]


@dataclass(frozen=True)
class DatasetInfo:
    """The description of a data set.

    size: height and width of its images in pixels, before any resizing.
    train, test: how many images; without training images a set serves to measure networks and to calibrate them.
    mean, std: per channel, of the training images in 0..1.
    published_bytes: of the photographs, training and test together, where they are too many to be kept in memory and
        decoded as they are needed; else 0.
    substitute: where the images stand in for others, which and why; shown next to every result measured on them.
    balanced: whether the command line draws its classes equally often, as its source does.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    channels: int
    size: int
    train: int
    test: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    source: str
    published_bytes: int = 0
    substitute: str = ""
    balanced: bool = False


class Status(NamedTuple):
    """The state of a data set on this machine.

    verified: it was found whole before, and has not been touched since. images: how many, to train and to test on.
    """

    name: str
    present: bool
    verified: bool
    images: str
    path: str
    note: str


class ImageSource:
    """A data set on disk or made on demand.

    A data set needs `info`, `checksum` and `read`; the others have defaults that suit one without files.

    Attributes:
        info: what it is; `describe` says what is in a folder.
        citation: its BibTeX entry.
        fetched: `prepare` needs no files that the user has to find.
        tested_on: another set with the photographs that published weights are measured on in the place of its own.
    """

    info: DatasetInfo
    citation: str = ""
    fetched: bool = True
    tested_on: str = ""

    def planned(self, root: Path) -> DatasetInfo:
        """The description by which runs are planned: as published, or of a set from outside as found below `root`."""
        return self.info

    def describe(self, root: Path) -> DatasetInfo:
        """Describe the images below `root`, where they differ from what runs are planned by."""
        return self.planned(root)

    def checksum(self, root: Path) -> str | None:
        """The identity of the real images; None where the files that decide it are absent."""
        raise NotImplementedError

    def prepare(self, root: Path, progress: Progress = silent) -> None:
        """Download, build or check what `read` needs; return at once where that was done before.

        Raises:
            Failure: a file is missing or damaged; the line names it and says what to do.
        """

    def ensure(self, root: Path) -> None:
        """Prepare the images before they are read, unless only the user may ask for that.

        Raises:
            Failure: as `prepare`.
        """
        self.prepare(root)

    def stand_in(self, root: Path) -> str:
        """The identity of its stand-in, which is made from `planned`."""
        return f"{self.info.name}-{SYNTHETIC}"

    def status(self, root: Path) -> Status:
        """The state of the data set; reads no image."""
        info = self.info
        return Status(info.name, True, True, counted(info.train, info.test), "", info.substitute)

    def read(self, root: Path) -> "tuple[Arrays, Arrays]":
        """Training and test images, uint8 [N, C, H, W], with labels, int64 [N]; `prepare` has been called."""
        raise NotImplementedError

    def load(self, spec: Data, root: Path) -> "tuple[ImageSet | PhotographSet, ImageSet | PhotographSet]":
        """Training and test set, whole; in memory unless the set stays on disk."""
        from repro.data.images import in_memory

        train, test = self.read(root)
        return in_memory(train), in_memory(test)

    def sample(self, root: Path, half: Half, limit: int | None = None) -> "ImageSet":
        """Images to calibrate a network on (`calibration`: training images) or to measure it (else: test images).

        limit: the first so many.
        """
        from repro.data.images import ImageSet

        self.ensure(root)
        train, test = self.load(Data(name=self.planned(root).name), root)
        chosen = (train if half == "calibration" else test)[slice(limit)]
        if not isinstance(chosen, ImageSet):
            other = f"; give --data {self.tested_on}, which is kept in memory" if self.tested_on else ""
            raise BadInput(f"{self.planned(root).title} stays on disk{other}")
        return chosen


def of_bytes(counts: "np.ndarray") -> tuple[float, float]:
    """Mean and deviation, in 0..1, of bytes of which there are so many of each value; four digits."""
    import numpy as np

    values = np.arange(256) / 255
    mean = float(counts @ values / counts.sum())
    return round(mean, 4), round(float(counts @ (values - mean) ** 2 / counts.sum()) ** 0.5, 4)


def counted(train: int, test: int) -> str:
    """Numbers of images in words."""
    return f"{train:,} + {test:,}"


SOURCES: dict[str, ImageSource] = {}
Source = TypeVar("Source", bound=ImageSource)


def register(kind: type[Source]) -> type[Source]:
    """Make a data set known by the name in its `info`."""
    source = kind()
    SOURCES[source.info.name] = source
    return kind


class External(ImageSource):
    """A data set from outside: what it is depends on the files below the data folder."""

    @property
    def info(self) -> DatasetInfo:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The description of what is in the folder given to `look_in`.

        Raises:
            Failure: it is not there, or not prepared.
        """
        return self.planned(data_folder())

    def planned(self, root: Path) -> DatasetInfo:
        raise NotImplementedError

    def stand_in(self, root: Path) -> str:
        """Equal for all sets with images of one kind, whose stand-ins are the same."""
        info = self.planned(root)
        return f"{info.channels}x{info.size}x{info.size}-{len(info.classes)}-{SYNTHETIC}"


class Family(NamedTuple):
    """make: a member by its name within the family. here: the members below a data root. members: all, if known."""

    make: Callable[[str], External]
    here: Callable[[Path], list[str]]
    members: Collection[str]


FAMILIES: dict[str, Family] = {}
Make = TypeVar("Make", bound=Callable[[str], External])


def family(
    name: str, here: Callable[[Path], list[str]] = lambda _: [], members: Collection[str] = ()
) -> Callable[[Make], Make]:
    """Make sets from outside known as `name:...`."""

    def decorate(make: Make) -> Make:
        FAMILIES[name] = Family(make, here, members)
        return make

    return decorate


_looked_in: list[Path] = []


def look_in(root: Path) -> Path:
    """Let sets from outside be looked for below this data root while runs are planned."""
    _looked_in[:] = [root]
    return root


def data_folder() -> Path:
    """The data root: as given to `look_in`, else $REPRO_DATA, else `.data`."""
    return _looked_in[0] if _looked_in else Path(os.environ.get("REPRO_DATA") or ".data")


def find(name: str) -> ImageSource:
    """The data set of that name.

    Raises:
        BadInput: there is none.
    """
    kind, colon, member = name.partition(":")
    if colon and kind in FAMILIES:
        return FAMILIES[kind].make(member)
    if is_outside(name):
        from repro.data.outside import ArraySet

        return ArraySet(name)
    if name not in SOURCES:
        raise no_such(name, [*SOURCES, *(f"{kind}:NAME" for kind in FAMILIES)])
    return SOURCES[name]


def no_such(name: str, choices: Iterable[str], where: str = "") -> BadInput:
    """The error for a data set that is not among `choices`: `cifar-100` may be torchvision's, and is not cifar10."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    meant = [f"{kind}:{each}" for kind, family in FAMILIES.items() for each in family.members if each.lower() == plain]
    return unknown("data set", name, meant or [*choices, "FILE.py:FUNCTION"], where)


class _Trainable(Mapping[str, DatasetInfo]):
    """The data sets that networks can be trained on: name -> what it is. Sets from outside are not listed."""

    def __getitem__(self, name: str) -> DatasetInfo:
        if name not in self:
            raise KeyError(name)
        return find(name).info

    def __contains__(self, name: Any) -> bool:
        return is_outside(str(name)) or (name in SOURCES and SOURCES[name].info.train > 0)

    def __iter__(self) -> Iterator[str]:
        return (name for name in sorted(SOURCES) if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


DATASETS: Mapping[str, DatasetInfo] = _Trainable()


# Raised by hand when `synthetic.py` makes other images.
SYNTHETIC = "synthetic-1"
# Training and test images of every synthetic set.
SYNTHETIC_SIZE = (2_000, 500)

# Caffe's ImageNet networks take blue, green and red from 0 to 255, less these means.
CAFFE_MEANS = (104.0, 117.0, 123.0)

Moments = tuple[tuple[float, ...] | None, tuple[float, ...] | None]


def moments(normalisation: str, mean: tuple[float, ...], std: tuple[float, ...]) -> Moments:
    """Means and deviations by which images are normalised, per channel in 0..1; None = by each image's own.

    Args:
        normalisation: as `repro.config.specification.Data` has it.
        mean, std: the data set's own.
    """
    channels = len(mean)
    choices: dict[str, Moments] = {
        "data": (mean, std),
        "half": ((0.5,) * channels, (0.5,) * channels),
        "none": ((0.0,) * channels, (1.0,) * channels),
        "image": (None, None),
        # In the order of the images' channels, red first; see `augment.Pipeline` for the order of the input's.
        "caffe": (tuple(value / 255 for value in reversed(CAFFE_MEANS)), (1 / 255,) * channels),
    }
    return choices[normalisation]
