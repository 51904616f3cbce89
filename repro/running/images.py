"""Choose the images that a compressed network is calibrated on, and those it is measured on: never the same ones."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from repro import models
from repro.data import find
from repro.data.augment import Pipeline
from repro.data.catalogue import Half, moments
from repro.errors import BadInput
from repro.formats.shared import CompressedNetwork, Inputs
from repro.running import classification


class Images(NamedTuple):
    """images: uint8 [N, C, H, W]; labels: int64 [N]; prepare: images to the network's input; title: what they are."""

    images: Tensor
    labels: Tensor
    prepare: Callable[[Tensor], Tensor]
    title: str


def images_for(network: CompressedNetwork, inputs: Inputs, root: Path, half: Half, limit: int | None = None) -> Images:
    """Images as the network takes them.

    Args:
        half: of a data set with training images `calibration` are those and `measuring` the test images; of the
            ILSVRC photographs see `imagenet_val.half_of`. `all` are all test images, or all photographs.
        limit: the first so many.

    Raises:
        BadInput: it is not known which images the network takes, or it has other classes than they.
        Failure: they are not there.
    """
    architecture = models.architecture(network.network, network.options)
    wanted = {"--data": inputs.data, "--normalisation": inputs.normalisation}
    if lacking := [option for option, known in wanted.items() if not known]:
        raise BadInput(f"which images does this {network.network} take? give {' and '.join(lacking)}")
    source = find(inputs.data)
    title, classes = source.info.title, len(source.info.classes)
    # The report's networks keep ten outputs on two classes.
    if not classes <= architecture.classes <= max(10, classes):
        raise BadInput(f"{title} has {classes:,} classes, the network {architecture.classes:,}; give other --data")
    # What the file itself says holds unless other images were asked for.
    card = network.card if inputs == network.inputs else None
    if card and card.classes and card.classes != source.info.classes and len(card.classes) == classes:
        raise BadInput(f"the network's classes ({few(card.classes)}) are not those of {title}; give other --data")
    chosen = source.sample(root, half, limit)
    if inputs.normalisation == "caffe":
        return Images(chosen.images, chosen.labels, classification.caffe, title)
    pixels = inputs.pixels or models.input_shape(network.network, network.options)[1]
    if card:
        mean, std = card.mean or None, card.std or None
    elif inputs.normalisation == "imagenet":
        mean, std = classification.IMAGENET
    else:
        described = source.describe(root)
        mean, std = moments(inputs.normalisation, described.mean, described.std)
    return Images(chosen.images, chosen.labels, Pipeline(pixels, architecture.channels, mean, std), title)


def few(names: Sequence[str]) -> str:
    """The first names, for a message."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
