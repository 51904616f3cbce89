"""AlexNet as torchvision has it (one tower), the yardstick of the paper and the report.

`stem="cifar"` changes conv1's stride from 4 to 2 and its padding from 2 to 5, nothing else. Maps of conv1 and after
each pool: 224 -> 55 -> 27 -> 13 -> 6; with the cifar stem 32 -> 16 -> 7 -> 3 -> 1, which the adaptive average pool
repeats to 6x6.
"""

from ..layers import Architecture, AveragePool, Conv, Dropout, Linear, MaxPool, ReLU
from ..options import Options, Positive, Probability, Stem
from ..registry import network


class AlexNetOptions(Options, frozen=True, kw_only=True):
    """Options of `alexnet`."""

    classes: Positive = 1000
    stem: Stem = "imagenet"
    dropout: Probability = 0.5


@network("alexnet", pixels=224)
def alexnet(options: AlexNetOptions) -> Architecture:
    """Five convolutions and three dense layers; torch's default initialisation."""
    stride, padding = (4, 2) if options.stem == "imagenet" else (2, 5)
    return Architecture(
        features=(
            Conv("conv1", options.channels, 64, 11, stride, padding),
            ReLU("relu1"),
            MaxPool("maxpool1", 3, 2),
            Conv("conv2", 64, 192, 5, padding=2),
            ReLU("relu2"),
            MaxPool("maxpool2", 3, 2),
            Conv("conv3", 192, 384, 3, padding=1),
            ReLU("relu3"),
            Conv("conv4", 384, 256, 3, padding=1),
            ReLU("relu4"),
            Conv("conv5", 256, 256, 3, padding=1),
            ReLU("relu5"),
            MaxPool("maxpool5", 3, 2),
        ),
        avgpool=(AveragePool("avgpool", 6),),
        classifier=(
            Dropout("drop5", options.dropout),
            Linear("fc6", 256 * 6 * 6, 4096),
            ReLU("relu6"),
            Dropout("drop6", options.dropout),
            Linear("fc7", 4096, 4096),
            ReLU("relu7"),
            Linear("fc8", 4096, options.classes),
        ),
    )
