"""The card in a file of weights: the network's classes and input, so that it can be used without this program.

Text that safetensors and ONNX files carry beside the tensors, each value JSON:

    classes          ["airplane", "automobile", ...]   in the order of the logits; absent where not known
    input            [3, 32, 32]                       channels, height, width
    channel_order    "RGB"                             or "BGR", or "grey"
    mean, std        [0.49, 0.48, 0.45], ...           per channel in that order, of images in 0..1; absent where each
                                                       image is normalised by its own

A network takes (image / 255 - mean) / std. What a stranger's file says is checked, and nothing of it is executed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from repro.data import find
from repro.data.catalogue import DatasetInfo, moments
from repro.data.folders import IMAGENET_MEAN, IMAGENET_STD
from repro.errors import Failure, in_words
from repro.formats.shared import Inputs, Normalisation

LARGEST = 2**22  # characters of all texts together

Side = Annotated[int, Meta(ge=1, le=100_000)]
Values = Annotated[tuple[Annotated[float, Meta(ge=-1e6, le=1e6)], ...], Meta(max_length=100_000)]
Name = Annotated[str, Meta(max_length=200)]


class Card(msgspec.Struct, frozen=True):
    """The card of a file; see above. mean and std are empty where each image is normalised by its own."""

    input: tuple[Side, Side, Side]
    channel_order: Literal["RGB", "BGR", "grey"]
    classes: Annotated[tuple[Name, ...], Meta(max_length=100_000)] = ()
    mean: Values = ()
    std: Values = ()

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std) or (self.mean and len(self.mean) not in (1, self.input[0])):
            raise ValueError(f"mean and std should have a number for each of {self.input[0]} channels")
        if any(deviation <= 0 for deviation in self.std):
            raise ValueError("std should be above 0")


def texts(card: Card) -> dict[str, str]:
    """The card as a file's metadata."""
    stated = msgspec.structs.asdict(card).items()
    return {name: msgspec.json.encode(value).decode() for name, value in stated if value != ()}


def read(metadata: Mapping[str, str], path: Path) -> Card | None:
    """The card in a file's metadata; None where there is none.

    Raises:
        Failure: it is not as it should be.
    """
    found = {name: metadata[name] for name in Card.__struct_fields__ if name in metadata}
    if not found:
        return None
    try:
        if sum(map(len, found.values())) > LARGEST:
            raise ValueError(f"more than {LARGEST:,} characters")
        return msgspec.convert({name: msgspec.json.decode(text) for name, text in found.items()}, Card)
    except (ValueError, RecursionError) as error:
        raise Failure(f"{path}: what it says of its images is damaged: {in_words(str(error))}") from error


def of_images(info: DatasetInfo, channels: int, pixels: int, normalisation: Normalisation, classes: int) -> Card:
    """The card of a network trained on a data set.

    channels: of the network's input. classes: how many logits it has; their names are left out where they are more
        than the data set's.
    """
    mean, std = (IMAGENET_MEAN, IMAGENET_STD) if normalisation == "imagenet" else moments_of(normalisation, info)
    backwards = normalisation == "caffe"  # the moments come red first
    return Card(
        input=(channels, pixels, pixels),
        channel_order="BGR" if backwards else "grey" if channels == 1 else "RGB",
        classes=info.classes if classes == len(info.classes) else (),
        mean=tuple(reversed(mean or ())) if backwards else tuple(mean or ()),
        std=tuple(std or ()),
    )


def moments_of(normalisation: str, info: DatasetInfo) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Means and deviations of a normalisation, per channel of the data set's images."""
    return moments(normalisation or "data", info.mean, info.std)


def of_inputs(inputs: Inputs, channels: int, pixels: int, classes: int, root: Path) -> Card | None:
    """The card of a network of which a data set and a normalisation are known, or the latter at least.

    root: the data folder. None where too little is known.
    """
    if not inputs.normalisation or (inputs.normalisation == "data" and not inputs.data):
        return None
    if inputs.data:
        info = find(inputs.data).describe(root)
    else:
        unknown = (0.0,) * channels
        info = DatasetInfo("", "", (), channels, pixels, 0, 0, unknown, unknown, "")
    return of_images(info, channels, inputs.pixels or pixels, inputs.normalisation, classes)
