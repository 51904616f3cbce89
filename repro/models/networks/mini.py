"""The mini SqueezeNet of zshancock/SqueezeNet_vs_CIFAR10 (Keras): four fire modules for 32-pixel images.

122,986 parameters. Maps: conv1 15x15, then 7x7 from the one pool to the end; pools round down, as Keras has them.
"""

from ..layers import Architecture, AveragePool, Conv, Dropout, Fire, MaxPool, ReLU
from ..options import Initialisation, Options, Probability
from ..registry import network


class MiniSqueezeNetOptions(Options, frozen=True, kw_only=True):
    """Options of `mini-squeezenet`. final_relu: the published ReLU after conv10, which keeps the logits above zero."""

    final_relu: bool = True
    dropout: Probability = 0.5
    initialisation: Initialisation = "glorot"


@network("mini-squeezenet", pixels=32)
def mini_squeezenet(options: MiniSqueezeNetOptions) -> Architecture:
    """The layers as in the published Keras file."""
    return Architecture(
        features=(
            Conv("conv1", options.channels, 64, 3, 2),
            ReLU("relu1"),
            MaxPool("maxpool1", 3, 2),
            Fire("fire2", 64, 16, 64, 64),
            Fire("fire3", 128, 16, 64, 64),
            Fire("fire4", 128, 32, 128, 128),
            Fire("fire5", 256, 32, 128, 128),
        ),
        classifier=(
            Dropout("drop5", options.dropout),
            Conv("conv10", 256, options.classes),
            *((ReLU("relu10"),) if options.final_relu else ()),
            AveragePool("avgpool10"),
        ),
        initialisation=options.initialisation,
    )
