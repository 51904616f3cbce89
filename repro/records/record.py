"""The record of one run: its specification, what was measured, and on what machine."""

import math
from collections.abc import Container, Iterable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from repro.config.specification import PROTOCOLS, Count, Protocol, Run, Spec

NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]

# `diverged`: the loss became infinite or NaN. `collapsed`: the network never left chance. Both are results, and count.
Status = Literal["done", "diverged", "collapsed"]


class Epoch(Spec, frozen=True):
    """One line of a run's history. Accuracies are shares in 0..1; the test columns are measured in eval mode.

    train_accuracy: over the epoch's own augmented batches, dropout on, while the weights were changing.
    active_logits: share of the test set's logits above zero; 0 means that the last layer is dead behind its ReLU.
    """

    epoch: Count
    learning_rate: float
    train_loss: float
    train_accuracy: Share
    test_loss: float
    test_accuracy: Share
    active_logits: Share
    seconds: NonNegative


class Measurement(Spec, frozen=True):
    """A trained network measured on the test set under one protocol.

    correct, total: one number for each class of the data set, in its order.
    loss: mean cross-entropy; None where it is not finite.
    top5: images whose class is among the five highest scores; None in early records.
    """

    protocol: Protocol
    correct: list[int]
    total: list[int]
    loss: float | None
    active_logits: Share
    epoch: Count
    top5: Count | None = None

    def __post_init__(self) -> None:
        counts = list(zip(self.correct, self.total, strict=False))
        if len(self.correct) != len(self.total) or not all(0 <= right <= all_ for right, all_ in counts):
            raise ValueError("correct answers and images of each class do not go together")
        if not sum(self.total):
            raise ValueError("no image was measured")
        if self.top5 is not None and self.top5 > sum(self.total):
            raise ValueError("more images among the five highest scores than were measured")

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy in percent, cut to an integer where the protocol says so."""
        return self.rounded(100 * sum(self.correct) / sum(self.total))

    @property
    def balanced_accuracy(self) -> float:
        """Mean over the classes of the share correct, in percent: what counts where classes are of unequal size."""
        shares = [correct / total for correct, total in zip(self.correct, self.total, strict=True) if total]
        return self.rounded(100 * sum(shares) / len(shares))

    @property
    def constant(self) -> bool:
        """Whether every image got the same answer: all of one class are correct, and no other image."""
        found = [(correct, total) for correct, total in zip(self.correct, self.total, strict=True) if correct]
        return len(found) == 1 and found[0][0] == found[0][1]

    def rounded(self, percent: float) -> float:
        """`percent` as the protocol prints it."""
        return float(math.floor(percent)) if self.protocol.truncate else percent


class Environment(msgspec.Struct, frozen=True):
    """The environment of a record, by type (see `repro.records.environment`); a record may hold more.

    photographs: images of the training and the test set, where both depend on the user's folders.
    replaced: damaged photographs in whose place others of their class were used.
    """

    repro: str | None = None
    python: str | None = None
    torch: str | None = None
    torchvision: str | None = None
    platform: str | None = None
    device: str | None = None
    device_name: str | None = None
    threads: Count | None = None
    cores: Count | None = None
    path: str | None = None
    commit: str | None = None
    dirty: bool | None = None
    photographs: tuple[Count, Count] | None = None
    replaced: tuple[str, ...] = ()


class Record(Spec, frozen=True):
    """The record of a finished run, in `results/runs/MODEL-DATA/IDENTITY/record.json`; the history is beside it as CSV.

    file_bytes: of the network compressed as it is, where the run goes on from another.
    seconds: wall time of training and evaluation, over all sessions of the run.
    environment: versions, device, threads, commit and whether the tree was dirty: shown, never part of the identity.
    macs: multiply-accumulates for one image, of a network of a study's own; the others' follow from their layers.
    dead_layer: the first layer whose output is the same for every test image, of a network that gives them all the same
        answer; empty where there is none. Behind such a layer nothing depends on the image, and a ReLU that caused it
        passes no gradient back.
    """

    identity: str
    run: Run
    checksum: str
    numerics: int
    status: Status
    parameters: Count
    measurements: dict[str, Measurement]
    seconds: NonNegative
    images_per_second: NonNegative
    finished: str
    environment: dict[str, Any]
    note: str = ""
    file_bytes: Count | None = None
    dead_layer: str = ""
    macs: Count | None = None

    def __post_init__(self) -> None:
        msgspec.convert(self.environment, Environment)

    def lacks(self, protocols: Iterable[str]) -> list[str]:
        """The protocols whose measurement is missing."""
        return lacking(self.status, self.measurements, protocols)


def lacking(status: Status, measured: Container[str], protocols: Iterable[str]) -> list[str]:
    """The protocols whose measurement a run lacks. A diverged network has none to give; a best epoch is read from the
    history.
    """
    if status == "diverged":
        return []
    return [name for name in protocols if PROTOCOLS[name].epoch == "last" and name not in measured]


class Outline(msgspec.Struct, frozen=True):
    """The part of a record that says whether its run is done."""

    status: Status
    measurements: dict[str, msgspec.Raw]

    def lacks(self, protocols: Iterable[str]) -> list[str]:
        """The protocols whose measurement is missing."""
        return lacking(self.status, self.measurements, protocols)
