"""The SqueezeNet of nutszebra/squeeze_net (Chainer): batch norm and ReLU before each convolution, simple bypass.

747,146 parameters. Maps of conv1 and after each of the three pools (padding 1, rounded up): 122 -> 60 -> 31 -> 16 -> 9
in training, 128 -> 63 -> 32 -> 17 -> 9 in testing. `stem="cifar"` changes conv1's stride from 2 to 1 and its padding
from 2 to 3, nothing else: 32 -> 32 -> 17 -> 9 -> 5.
"""

from .layers import AnyLayer, Architecture, AveragePool, BatchNorm, Conv, Dropout, MaxPool, PreactFire, ReLU
from .options import Options, Probability, Stem
from .squeezenet import FIRES, POOLS, SQUEEZE

# Chainer's default, from memory of its documentation.
EPS = 2e-5


class PreactSqueezeNetOptions(Options, frozen=True, kw_only=True):
    """Options of `preact-squeezenet`."""

    stem: Stem = "imagenet"
    dropout: Probability = 0.5


def preact_squeezenet(options: PreactSqueezeNetOptions) -> Architecture:
    """The layers as published: skips around fires 3, 5, 7 and 9, none followed by a ReLU; none after conv10 either."""
    stride, padding = (2, 2) if options.stem == "imagenet" else (1, 3)
    features: list[AnyLayer] = [
        Conv("conv1", options.channels, 96, 7, stride, padding),
        MaxPool("maxpool1", 3, 2, padding=1, ceil=True),
    ]
    width = 96
    for number, squeeze in zip(FIRES, SQUEEZE, strict=True):
        fire = PreactFire(f"fire{number}", width, squeeze, 4 * squeeze, 4 * squeeze, width == 8 * squeeze, EPS)
        features.append(fire)
        width = fire.outputs
        if number in POOLS["1.0"]:
            features.append(MaxPool(f"maxpool{number}", 3, 2, padding=1, ceil=True))
    return Architecture(
        features=tuple(features),
        classifier=(
            Dropout("drop9", options.dropout),
            BatchNorm("conv10/bn", width, EPS),
            ReLU("relu9"),
            Conv("conv10", width, options.classes),
            AveragePool("avgpool10"),
        ),
        initialisation="orthogonal",
    )
