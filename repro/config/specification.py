"""Specification of a run: model x data x recipe x seed, and how its result is measured. Imports no torch.

Every field of `Run` is part of its identity: change one and it is another run. Device, versions and commit are not
(they are recorded), so a refactoring does not throw away hours of training. Nor is a field at its default: a field may
be added, its default meaning what was done before, and earlier records stay. A default that changes raises `NUMERICS`.
"""

import hashlib
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

# Raised by hand when a change of code changes results; every earlier record is then stale.
NUMERICS = 1

Budget = Literal["smoke", "laptop", "paper"]
BUDGETS: tuple[Budget, ...] = ("smoke", "laptop", "paper")

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Fraction = Annotated[float, Meta(ge=0.0, lt=1.0)]
# Part of the names of files, so it holds nothing that leads to another folder.
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]


class Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A strict, immutable part of a specification: an unknown key or a wrong type is an error."""


class Model(Spec, frozen=True):
    """A network: a name of `repro.models.NETWORKS` and the options that differ from its defaults.

    Or one from outside, FILE.py:FUNCTION or PACKAGE:NAME, with all options; source: SHA-256 of the file.
    """

    name: str
    options: dict[str, Any] = {}
    source: str = ""

    @property
    def known_as(self) -> str:
        """The name in identities and in names of files. A file's place is no part of it: its content is hashed."""
        return self.name.rpartition(":")[2]


class Data(Spec, frozen=True):
    """A data set as the network sees it.

    name: of a data set here, or of one from outside: `folder:PATH`, `torchvision:CIFAR100`, FILE.py:FUNCTION or
        PACKAGE:NAME (see `functions`).
    pixels: height and width of the network's input; images of another size are resized (bilinear) on the device.
    synthetic: the embedded stand-in of the same shape instead of the real images.
    train_images: how many of the training images are used, the first ones of each class; 0 = all.
    holdout: that many training images (the last ones) are set apart and measured instead of the test set: for tuning.
    balanced: every class is drawn equally often, by repeating images of the smaller ones.
    normalisation: `data` = the data set's own channel means and deviations, `half` = mean .5 and deviation .5, `none` =
        only scaled to 0..1, `image` = each image by its own mean and variance over all pixels and channels, `caffe` =
        blue, green, red from 0 to 255 less 104, 117, 123.
    cut: how ImageNet's photographs of any shape become squares. `squash` = resized, whatever their shape; `caffe` =
        squashed to 256/227 of `pixels`, of which training takes a random square and measuring the central one;
        `torchvision` = training takes a random part (8 to 100 % of the area, sides 3:4 to 4:3) and resizes it,
        measuring the central square of the photograph resized so that its shorter side has 256/224 of `pixels`.
    """

    name: str
    pixels: Positive = 32
    synthetic: bool = False
    train_images: Count = 0
    holdout: Count = 0
    balanced: bool = False
    normalisation: Literal["data", "half", "none", "image", "caffe"] = "data"
    cut: Literal["squash", "caffe", "torchvision"] = "squash"

    @property
    def known_as(self) -> str:
        """The name in identities and in names of files. A place is no part of it: what lies there is hashed."""
        family, _, rest = self.name.partition(":")
        if family in ("folder", "") or not rest:
            return family
        return f"{family}-{rest}" if family == "torchvision" else rest.rpartition(":")[2]


class Recipe(Spec, frozen=True):
    """The recipe that a network is trained by.

    epsilon: what Adam adds to the root of the squared gradients' mean (Keras: 1e-7).
    schedule: `constant`; `step` (times `gamma` at each of `milestones`, in epochs); `linear` (to zero);
    `one-cycle` (linear up over the first `warmup` share of all steps, then linear to zero).
    epochs: 0 = nothing is trained; for stages alone, which then measure what they do to the weights.
    steps: batches in an epoch; 0 = as many as one pass over the training images fills.
    order: `passes` = every image once before any comes again; `independent` = each batch a draw of its own, without
        repetition inside the batch alone.
    flip, crop_padding: horizontal flips with probability 1/2; random crops after zero padding by that many pixels.
    resize, crop: images are brought to a random size between the two numbers of `resize`, each size as likely, by
        nearest neighbour, bilinear or bicubic interpolation (1/4, 1/4, 1/2); `crop` pixels at a random place are kept.
    shear, shear_unit: the shear angle is uniform in +-shear.
    zoom: height and width are each stretched by a factor of their own, uniform in 1 +- zoom.
    """

    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: Annotated[float, Meta(gt=0)] = 0.01
    momentum: Fraction = 0.9
    epsilon: Annotated[float, Meta(gt=0)] = 1e-8
    weight_decay: Annotated[float, Meta(ge=0)] = 0.0
    schedule: Literal["constant", "step", "linear", "one-cycle"] = "constant"
    milestones: tuple[Positive, ...] = ()
    gamma: Annotated[float, Meta(gt=0)] = 0.1
    warmup: Fraction = 0.25
    label_smoothing: Fraction = 0.0
    batch: Positive = 128
    epochs: Count = 10
    steps: Count = 0
    order: Literal["passes", "independent"] = "passes"
    flip: bool = False
    crop_padding: Count = 0
    resize: tuple[Positive, ...] = ()
    crop: Count = 0
    shear: Annotated[float, Meta(ge=0)] = 0.0
    shear_unit: Literal["degrees", "radians"] = "degrees"
    zoom: Fraction = 0.0
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        if bool(self.resize) != bool(self.crop):
            raise ValueError("resize and crop go together")
        if self.resize and not (len(self.resize) == 2 and self.crop <= self.resize[0] <= self.resize[1]):
            raise ValueError(f"resize: give the smallest and the largest size, both at least the crop of {self.crop}")
        if self.crop and self.crop_padding:
            raise ValueError("crop and crop_padding contradict each other: each says where an image is cut")


class Compression(Spec, frozen=True):
    """The settings by which the released SqueezeNet is compressed once more, without training.

    bits: of the codes of each layer, by k-means; 0 = the released codebooks as they are.
    price: instead, every layer is rounded at this price in nats a bit (see `repro.compression.rounding`).
    max_bytes: instead, at the price at which the file has at most so many bytes.
    coder: `released` = the format of the released file; `nncodec` = that of another project (`repro.formats.nnc`);
        else as `repro.formats.files` has them.
    qp: nncodec's quantisation parameter.
    init: where k-means begins.
    images: that rounding at a price is calibrated on; labels are not used.
    """

    bits: Annotated[int, Meta(ge=0, le=8)] = 0
    price: Annotated[float, Meta(ge=0)] = 0.0
    max_bytes: Count = 0
    coder: Literal["released", "nncodec", "none", "gaps", "huffman", "ans", "context"] = "huffman"
    qp: Annotated[int, Meta(ge=-100, le=0)] = 0
    init: Literal["linear", "density", "random"] = "linear"
    images: Count = 0

    def __post_init__(self) -> None:
        if sum(map(bool, (self.bits, self.price, self.max_bytes))) > 1:
            raise ValueError("bits, price and max_bytes exclude each other: give one")
        if bool(self.images) != bool(self.price or self.max_bytes):
            raise ValueError("price and max_bytes need images to calibrate on, and nothing else does")
        if self.images and self.coder != "context":
            raise ValueError("price and max_bytes need the coder context, which alone has integer codes")
        if bool(self.qp) != (self.coder == "nncodec"):
            raise ValueError("the coder nncodec needs a qp below 0, and no other coder has one")


class Weights(Spec, frozen=True):
    """A file of weights that somebody published, which lies in `weights/` of the data folder.

    sha256: the file's, or its first hex digits, as far as they are published; bytes: its size; 0 = not published.
    address: where it is downloaded from.
    """

    file: FileName
    address: Annotated[str, Meta(pattern=r"^https://\S+\Z")]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{0,64}\Z")] = ""
    bytes: Count = 0


class Protocol(Spec, frozen=True):
    """The protocol that a trained network is measured by.

    mode: `eval` = dropout off, running batch statistics; `train` = dropout on, statistics of the test batch itself.
    batch: images per test batch; matters only where batch norm takes statistics from it (mode `train`).
    epoch: `last` = the final weights; `best` = the highest test accuracy of all, which selects on the test set;
        `last-ten` = the mean over the last ten epochs.
    truncate: the accuracy in percent is cut to an integer, as printed with `%d`.
    augmented: test images are changed at random as the recipe changes training images.
    """

    mode: Literal["eval", "train"] = "eval"
    batch: Positive = 500
    epoch: Literal["last", "best", "last-ten"] = "last"
    truncate: bool = False
    augmented: bool = False


# `notebook`: what the report's published notebooks did (dropout left on, one test image at a time, `%d`).
# `augmented`: what zshancock/SqueezeNet_vs_CIFAR10 did (the generator of training images changed test images too).
PROTOCOLS: dict[str, Protocol] = {
    "described": Protocol(),
    "notebook": Protocol(mode="train", batch=1, truncate=True),
    "train-mode-128": Protocol(mode="train", batch=128),
    "best-epoch": Protocol(epoch="best"),
    "last-ten": Protocol(epoch="last-ten"),
    "augmented": Protocol(augmented=True),
}


class Hold(Spec, frozen=True):
    """The constraint on the weights that a run goes on from, held while it trains.

    density: pruned to these shares, as `repro.compression.prune.densities` reads them; pruned weights stay zero.
    bits: shared among `2**bits` values of each layer, which are trained in their stead; pruned weights stay zero.
    init: where k-means begins.
    free: pruned weights restart at zero and are trained again (dense-sparse-dense).
    svd: low-rank weights, as products of factors with these shares of the weights' numbers, read as those of `density`;
        not held by training.
    """

    density: str = ""
    bits: Annotated[int, Meta(ge=0, le=8)] = 0
    init: Literal["linear", "density", "random"] = "linear"
    free: bool = False
    svd: str = ""


class Run(Spec, frozen=True):
    """One training: model x data x recipe x seed.

    prior: the run that this one goes on from, with its weights; else they are drawn anew.
    hold: what is done to these weights first, and held.
    """

    model: Model
    data: Data
    recipe: Recipe
    seed: Count = 0
    prior: "Run | None" = None
    hold: Hold = Hold()

    def identity(self, checksum: str) -> str:
        """The run's name: a hash of everything here, of the data's checksum and of `NUMERICS` (40 hex digits)."""
        content = {"run": stated(self), "data": checksum, "numerics": NUMERICS}
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()[:40]

    def without_seed(self) -> bytes:
        """The cell this run repeats: equal for runs that differ in the seed alone."""
        return msgspec.json.encode(self.with_seed(0), order="deterministic")

    def with_seed(self, seed: int) -> "Run":
        """The same run, and those before it, with another seed."""
        prior = self.prior and self.prior.with_seed(seed)
        return msgspec.structs.replace(self, seed=seed, prior=prior)


def stated(spec: Spec) -> dict[str, Any]:
    """The fields of a specification that are not at their defaults, as plain values."""
    found: dict[str, Any] = {}
    for (name, default), value in zip(defaults(type(spec)), msgspec.structs.astuple(spec), strict=True):
        if value == default:
            continue
        if isinstance(spec, Data | Model) and name == "name":
            value = spec.known_as
        if isinstance(value, Spec):
            value = stated(value)
        elif not isinstance(value, str | int | float):
            value = msgspec.to_builtins(value)
        found[name] = value
    return found


@cache
def defaults(kind: type[Spec]) -> tuple[tuple[str, Any], ...]:
    """The fields of a part of a specification, in their order, with what they are by default."""
    return tuple((field.name, field.default) for field in msgspec.structs.fields(kind))


def axis_seed(seed: int, axis: str, epoch: int = 0) -> int:
    """The seed of one named source of variation, so that variants share order and augmentation (paired runs).

    Axes in use: `initialisation`, `order`, `augmentation`, `dropout`, `evaluation`, and `cut/N` for the cut of the N-th
    photograph of an epoch. 63 bits.
    """
    digest = hashlib.sha256(f"{seed}/{axis}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
