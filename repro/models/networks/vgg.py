"""VGG19 as torchvision has it, and the report's squeezed VGG19 with 1x1 kernels (sections 7.1 and 7.2).

The adaptive average pool takes 32-pixel images as they are (32 -> 16 -> 8 -> 4 -> 2 -> 1 after the five pools), so
there is no other stem.
"""

from typing import Annotated, Literal

from msgspec import Meta

from repro.errors import BadInput

from ..layers import AnyLayer, Architecture, AveragePool, Conv, Dropout, Linear, MaxPool, ReLU
from ..options import Options, Positive, Probability
from ..registry import network

# Filters of the convolutions in each of the five groups; a max pool ends each group.
GROUPS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4)
CONVOLUTIONS = sum(map(len, GROUPS))


class VGG19Options(Options, frozen=True, kw_only=True):
    """Options of `vgg19`.

    kernel: 3, or 1 for the squeezed network. The report says "all convolutional layers except the last ones"; only
        all 16 of them give its 18 million fewer parameters (17,794,560).
    keep_last: with kernel 1, that many of the last convolutions keep their 3x3 kernel.
    notebook_padding: with kernel 1, as the report's notebook ran: padding 1 around every 1x1 convolution, so that maps
        grow by 2 at each, and pools of kernel 1 and stride 2, which only drop pixels
        (224 -> 114 -> 59 -> 34 -> 21 -> 15; 32 -> 18 -> 11 -> 10 -> 9 -> 9).
    """

    classes: Positive = 1000
    kernel: Literal[1, 3] = 3
    keep_last: Annotated[int, Meta(ge=0, le=16)] = 0
    notebook_padding: bool = False
    dropout: Probability = 0.5


@network("vgg19", pixels=224)
def vgg19(options: VGG19Options) -> Architecture:
    """16 convolutions and three dense layers; weights as torchvision's. Raises BadInput for contradictory options."""
    squeezed = options.kernel == 1
    if options.keep_last and not squeezed:
        raise BadInput("vgg19: keep_last belongs to the squeezed network: give kernel=1 too")
    if options.notebook_padding and not squeezed:
        raise BadInput("vgg19: notebook_padding belongs to the squeezed network: give kernel=1 too")
    if options.notebook_padding and options.keep_last:
        raise BadInput("vgg19: notebook_padding and keep_last contradict each other: the notebook kept no 3x3 kernel")
    features: list[AnyLayer] = []
    inputs = options.channels
    place = 0
    for group, widths in enumerate(GROUPS, start=1):
        for step, outputs in enumerate(widths, start=1):
            kernel = 1 if squeezed and place < CONVOLUTIONS - options.keep_last else 3
            padding = 1 if options.notebook_padding else kernel // 2
            features += [
                Conv(f"conv{group}_{step}", inputs, outputs, kernel, padding=padding),
                ReLU(f"relu{group}_{step}"),
            ]
            inputs = outputs
            place += 1
        features.append(MaxPool(f"maxpool{group}", 1 if options.notebook_padding else 2, 2))
    return Architecture(
        features=tuple(features),
        avgpool=(AveragePool("avgpool", 7),),
        classifier=(
            Linear("fc6", 512 * 7 * 7, 4096),
            ReLU("relu6"),
            Dropout("drop6", options.dropout),
            Linear("fc7", 4096, 4096),
            ReLU("relu7"),
            Dropout("drop7", options.dropout),
            Linear("fc8", 4096, options.classes),
        ),
        initialisation="vgg",
    )
