"""The images that a compressed network is calibrated on, and those that it is measured on: never the same ones."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from repro import data, models
from repro.config.specification import Data
from repro.data import DATASETS, ImageSet, imagenet_val
from repro.data.augment import Pipeline
from repro.data.catalogue import moments
from repro.data.imagenet_val import Half
from repro.errors import BadInput, unknown
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
    if not inputs.data or not inputs.normalisation:
        raise BadInput(f"which images does this {network.network} take? give --data and --normalisation")
    if inputs.data not in (*DATASETS, imagenet_val.NAME):
        raise unknown("data set", inputs.data, [*DATASETS, imagenet_val.NAME])
    info = DATASETS.get(inputs.data)
    title, classes = (info.title, len(info.classes)) if info else (imagenet_val.TITLE, imagenet_val.CLASSES)
    # The report's networks keep ten outputs on two classes.
    if not classes <= architecture.classes <= max(10, classes):
        raise BadInput(f"{title} has {classes:,} classes, the network {architecture.classes:,}; give other --data")
    if info is None:
        photographs = imagenet_val.read(root, half, limit)
        found, labels = torch.from_numpy(photographs.images), torch.from_numpy(photographs.labels)
        own_mean, own_std = classification.IMAGENET
    else:
        dataset = data.load(Data(name=inputs.data), root)
        chosen = (dataset.train if half == "calibration" else dataset.test)[slice(limit)]
        if not isinstance(chosen, ImageSet):
            raise BadInput(f"{title} stays on disk; give --data {imagenet_val.NAME}, which is kept in memory")
        found, labels = chosen.images, chosen.labels
        own_mean, own_std = dataset.info.mean, dataset.info.std
    if inputs.normalisation == "caffe":
        return Images(found, labels, classification.caffe, title)
    pixels = inputs.pixels or models.input_shape(network.network, network.options)[1]
    imagenet = inputs.normalisation == "imagenet"
    mean, std = classification.IMAGENET if imagenet else moments(inputs.normalisation, own_mean, own_std)
    return Images(found, labels, Pipeline(pixels, architecture.channels, mean, std), title)
