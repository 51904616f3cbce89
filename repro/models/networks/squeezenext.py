"""SqueezeNext (Gholami and others 2018, arXiv 1803.10615), which the report takes as its example (section 2).

From the authors' Caffe files (1.0-SqNxt-23, 1.0-SqNxt-23v5): a two-stage squeeze, a 3x3 filter taken apart into 3x1 and
1x3, an expansion, and a shortcut. Every convolution has batch norm and ReLU; biases, which their files leave out, are
here as in all networks of the suite: 724,056 parameters with 1,000 classes, where the paper prints 0.72 million.

Maps of conv1, its pool and the four stages: 227 -> 111 -> 55 -> 55 -> 28 -> 14 -> 7. `stem="cifar"` changes conv1's
padding from 0 to 3, nothing else: 32 -> 16 -> 8 -> 8 -> 4 -> 2 -> 1.
"""

from typing import Annotated, Literal

from msgspec import Meta

from ..layers import AnyLayer, Architecture, AveragePool, BatchNorm, Conv, Linear, MaxPool, ReLU, SqueezeNextBlock
from ..options import Options, Positive, Stem
from ..registry import network

# Blocks in each of the four stages, and the channels that they give.
BLOCKS = {"23": (6, 6, 8, 1), "23v5": (2, 4, 14, 1)}
CHANNELS = (32, 64, 128, 256)


class SqueezeNextOptions(Options, frozen=True, kw_only=True):
    """Options of `squeezenext`.

    version: `23`, or `23v5`, which has its blocks where an accelerator is used best.
    width: factor on all channels, cut to multiples of 4.
    """

    classes: Positive = 1000
    version: Literal["23", "23v5"] = "23"
    stem: Stem = "imagenet"
    width: Annotated[float, Meta(ge=0.125, le=4)] = 1.0


@network("squeezenext", pixels=227)
def squeezenext(options: SqueezeNextOptions) -> Architecture:
    """The layers with these options; He normal weights."""

    def scaled(channels: int) -> int:
        return int(channels * options.width) // 4 * 4

    width, last = scaled(64), scaled(128)
    features: list[AnyLayer] = [
        Conv("conv1", options.channels, width, 7, 2, 0 if options.stem == "imagenet" else 3),
        BatchNorm("conv1/bn", width),
        ReLU("relu1"),
        MaxPool("maxpool1", 3, 2, ceil=True),
    ]
    for stage, (count, channels) in enumerate(zip(BLOCKS[options.version], CHANNELS, strict=True), start=1):
        for block in range(count):
            stride = 2 if stage > 1 and block == 0 else 1
            name = f"stage{stage}/block{block + 1}"
            features.append(SqueezeNextBlock(name, width, scaled(channels), stride, upright=block % 2 == 0))
            width = scaled(channels)
    features += [Conv("conv2", width, last), BatchNorm("conv2/bn", last), ReLU("relu2")]
    return Architecture(
        features=tuple(features),
        avgpool=(AveragePool("avgpool"),),
        classifier=(Linear("fc", last, options.classes),),
        initialisation="he",
    )
