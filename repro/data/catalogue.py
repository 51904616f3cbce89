"""The data sets: what each one is, and the official files it is made of. Knows neither torch nor numpy."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class DatasetInfo:
    """What a data set is.

    size: height and width of its images in pixels, before any resizing.
    train, test: how many images.
    mean, std: per channel, of the training images in 0..1.
    published_bytes: of the photographs, training and test together, where they are too many to be kept in memory and
        decoded as they are needed; else 0.
    substitute: where the images stand in for others, which and why; shown next to every result measured on them.
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


DIGITS = tuple("0123456789")

DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        DatasetInfo(
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
        ),
        DatasetInfo(
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
        ),
        DatasetInfo(
            name="modified-mnist",
            title="Modified MNIST",
            classes=DIGITS,
            channels=1,
            size=64,
            train=40_000,
            test=10_000,
            mean=(0.0368,),
            std=(0.1654,),
            source="built from MNIST after the task of McGill COMP 551 (2018, 2019)",
            substitute="built from MNIST after the published description; the images of the course are not public",
        ),
        DatasetInfo(
            name="bike-ship",
            title="ImageNet subset, bikes and ships",
            classes=("bike", "ship"),
            channels=3,
            size=84,
            train=2_000,
            test=400,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),  # ImageNet's, so that they do not depend on which photographs are in the folder
            source="ILSVRC 2012, https://image-net.org",
            substitute="other ImageNet classes, at 84x84 pixels: unicycles instead of bicycles; catamarans, aircraft "
            "carriers and yawls instead of ships",
        ),
        DatasetInfo(
            name="imagenet",
            title="ImageNet",
            classes=tuple(map(str, range(1000))),  # their WordNet ids are those of the user's folders
            channels=3,
            size=256,  # what the paper's photographs were resized to; the files are of many sizes
            train=1_281_167,
            test=50_000,
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            source="ILSVRC 2012, https://image-net.org",
            published_bytes=147_897_477_120 + 6_744_924_160,  # of the two archives
        ),
    )
}

# Raised by hand when `synthetic.py` makes other images.
SYNTHETIC = "synthetic-1"
# Training and test images of every synthetic set.
SYNTHETIC_SIZE = (2_000, 500)

# Relative to the data root: file -> MD5 of the official distribution, as unpacked by torchvision.
CIFAR10_FILES = {
    "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
    "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
    "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
}
MNIST_FILES = {
    "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
# Relative to the cache folder: what `modified_mnist.py` builds, in MNIST's own format. Other bytes are refused.
MODIFIED_MNIST_FILES = {
    "modified-mnist/train-images-idx3-ubyte": "149bb2b0ad43766ec5d3c27f1e05abc7",
    "modified-mnist/train-labels-idx1-ubyte": "3086c56ef2582408e0ab043c4598a238",
    "modified-mnist/t10k-images-idx3-ubyte": "93cf6c8d56d0cd6bf9517aae3843296a",
    "modified-mnist/t10k-labels-idx1-ubyte": "1413ed2415ceba27929d64ea136926cb",
}


def files_checksum(files: dict[str, str]) -> str:
    """The identity of a set of files from their known MD5s: the same whether or not the files are here."""
    return hashlib.sha256("".join(f"{name} {md5}\n" for name, md5 in sorted(files.items())).encode()).hexdigest()
