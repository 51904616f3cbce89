"""The SqueezeNet of nutszebra/squeeze_net (Chainer): batch norm and ReLU before each convolution, simple bypass.

747,146 parameters. Maps of conv1 and after each of the three pools (padding 1, rounded up): 122 -> 60 -> 31 -> 16 -> 9
in training, 128 -> 63 -> 32 -> 17 -> 9 in testing. `stem="cifar"` changes conv1's stride from 2 to 1 and its padding
from 2 to 3, nothing else: 32 -> 32 -> 17 -> 9 -> 5; the published stem takes 32 pixels too: 32 -> 15 -> 8 -> 5 -> 3.
"""

from typing import Literal

from ..layers import AnyLayer, Architecture, AveragePool, BatchNorm, Conv, Dropout, Fire, MaxPool, PreactFire, ReLU
from ..options import Initialisation, Options, Probability, Stem
from ..registry import network
from .squeezenet import FIRES, POOLS, SQUEEZE

# Chainer's default, from memory of its documentation.
EPS = 2e-5


class PreactSqueezeNetOptions(Options, frozen=True, kw_only=True):
    """Options of `preact-squeezenet`.

    unit: the order in a fire module. `conv-bn-relu` and `conv-relu` are controls of ours: the same widths, pools and
        skips, an activation after conv1 instead of before conv10, and no batch norm at all in the latter.
    """

    stem: Stem = "imagenet"
    unit: Literal["bn-relu-conv", "conv-bn-relu", "conv-relu"] = "bn-relu-conv"
    dropout: Probability = 0.5
    initialisation: Initialisation = "orthogonal"


@network("preact-squeezenet", pixels=128)
def preact_squeezenet(options: PreactSqueezeNetOptions) -> Architecture:
    """The layers: skips around fires 3, 5, 7 and 9, none followed by a ReLU; none after conv10 either."""
    stride, padding = (2, 2) if options.stem == "imagenet" else (1, 3)
    before, norm = options.unit == "bn-relu-conv", options.unit != "conv-relu"
    features: list[AnyLayer] = [Conv("conv1", options.channels, 96, 7, stride, padding)]
    if not before:
        features += [BatchNorm("conv1/bn", 96, EPS)] * norm + [ReLU("relu1")]
    features.append(MaxPool("maxpool1", 3, 2, padding=1, ceil=True))
    width = 96
    for number, squeeze in zip(FIRES, SQUEEZE, strict=True):
        widths = (width, squeeze, 4 * squeeze, 4 * squeeze)
        skip = width == 8 * squeeze
        if before:
            fire = PreactFire(f"fire{number}", *widths, skip, EPS)
        else:
            fire = Fire(f"fire{number}", *widths, "identity" if skip else "none", norm, norm)
        features.append(fire)
        width = fire.outputs
        if number in POOLS["1.0"]:
            features.append(MaxPool(f"maxpool{number}", 3, 2, padding=1, ceil=True))
    return Architecture(
        features=tuple(features),
        classifier=(
            Dropout("drop9", options.dropout),
            *((BatchNorm("conv10/bn", width, EPS), ReLU("relu9")) if before else ()),
            Conv("conv10", width, options.classes),
            AveragePool("avgpool10"),
        ),
        initialisation=options.initialisation,
    )
