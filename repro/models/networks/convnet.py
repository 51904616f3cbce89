"""The report's "traditional CNN" (section 6.2): as it is described, and as its code ran.

The published class defines both convolutions, but its forward pass flattens the image straight into the dense layers:
the 55% of the report belongs to `notebook-mlp`, and `traditional-cnn` was never trained.
"""

from ..layers import AnyLayer, Architecture, AveragePool, BatchNorm, Conv, Linear, MaxPool, ReLU
from ..options import Options, Positive
from ..registry import network


class TraditionalCNNOptions(Options, frozen=True, kw_only=True):
    """Options of `traditional-cnn`. batch_norm: after each convolution, as the notebook defines but never uses it."""

    batch_norm: bool = False


class NotebookMLPOptions(Options, frozen=True, kw_only=True):
    """Options of `notebook-mlp`. pixels: height and width of the images it takes; it resizes nothing."""

    pixels: Positive = 28


@network("traditional-cnn", pixels=28)
def traditional_cnn(options: TraditionalCNNOptions) -> Architecture:
    """Two blocks of 5x5 convolution, ReLU and 3x3 max pool, then three dense layers (384, 192, classes).

    Padding and strides are not stated. Torch's defaults (padding 0; a pool's stride is its kernel) leave a 1x1 map of
    256 channels at 28 as at 32 pixels and 796,490 parameters, which fits "models of similar size"; padded convolutions
    with stride-2 pools would have 4 million. Larger images are averaged to that 1x1 map.
    """
    features: list[AnyLayer] = []
    inputs = options.channels
    for number, outputs in ((1, 96), (2, 256)):
        features.append(Conv(f"conv{number}", inputs, outputs, 5))
        if options.batch_norm:
            features.append(BatchNorm(f"conv{number}/bn", outputs))
        features += [ReLU(f"relu{number}"), MaxPool(f"maxpool{number}", 3, 3)]
        inputs = outputs
    return Architecture(
        features=tuple(features),
        avgpool=(AveragePool("avgpool", 1),),
        classifier=_dense(inputs, options.classes),
    )


@network("notebook-mlp", pixels=28)
def notebook_mlp(options: NotebookMLPOptions) -> Architecture:
    """The dense layers on the raw pixels: 2352-384-192-10 at 28 pixels, 979,402 parameters. Takes that size only."""
    return Architecture(
        features=(),
        classifier=_dense(options.channels * options.pixels**2, options.classes),
        pixels=options.pixels,
    )


def _dense(inputs: int, classes: int) -> tuple[AnyLayer, ...]:
    return (
        Linear("fc1", inputs, 384),
        ReLU("relu_fc1"),
        Linear("fc2", 384, 192),
        ReLU("relu_fc2"),
        Linear("fc3", 192, classes),
    )
