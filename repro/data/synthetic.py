"""Embedded stand-ins for the data sets: the same channels, size and classes, made in a second or two.

A class is a texture: stripes of one direction and width, at a random phase, contrast and colour, under noise. The
average image of every class is grey, so a linear model on the pixels finds little; a small convolutional network needs
a few thousand images. Colours vary widely on purpose: it keeps SqueezeNet, which has a ReLU behind its last layer, from
losing single classes for good.

Only whole numbers enter and the random bits come straight from PCG64, so every machine makes the same bytes. Raise
`catalogue.SYNTHETIC` when the images change.
"""

import numpy as np

from repro.data.catalogue import SYNTHETIC_SIZE, DatasetInfo
from repro.data.modified_mnist import Bits

Arrays = tuple[np.ndarray, np.ndarray]

# The class's stripes: half waves per image, downwards and to the right. Wide enough to survive shrinking to 32 pixels.
WAVES = ((0, 4), (12, 0), (8, 8), (3, -3), (0, 20), (4, 0), (0, 12), (8, -8), (3, 3), (20, 0))
# Of all pixels, in 0..1.
MEAN, STD = 0.499, 0.254
# Pixels of an image whose stand-in is as large as itself.
LARGEST = 84


def make(info: DatasetInfo) -> tuple[Arrays, Arrays]:
    """The stand-in of a data set: training and test images, uint8 [N, C, size, size], with labels, int64 [N]."""
    # In the place of large photographs small images, and of many classes the first ten.
    size = info.size if info.size <= LARGEST else 64
    classes = min(len(info.classes), len(WAVES))
    train, test = (textures(count, classes, info.channels, size, seed) for seed, count in enumerate(SYNTHETIC_SIZE))
    return train, test


def textures(count: int, classes: int, channels: int, size: int, seed: int) -> Arrays:
    """`count` images, uint8 [count, channels, size, size], and their classes, which take turns."""
    bits = Bits(seed)
    labels = np.arange(count) % classes
    phase = bits.below(256, count).astype(np.uint8)
    contrast = (48 + bits.below(64, count)).astype(np.int16)
    brightness = (58 + bits.below(141, count, channels)).astype(np.int16)

    y, x = np.mgrid[:size, :size]
    # Position within a wave of 256 steps, for each class; bytes wrap around as waves do.
    position = np.stack([(128 * (down * y + right * x) // size) for down, right in WAVES]).astype(np.uint8)
    images = np.empty((count, channels, size, size), np.uint8)
    for image, label, *drawn in zip(images, labels, phase, contrast, brightness, strict=True):
        shift, height, level = drawn
        wave = np.abs((position[label] + shift).astype(np.int16) - 128) - 64  # a triangle, -64..64
        noise = bits.bytes(channels, size, size).astype(np.int16) - 128
        image[:] = np.clip(level[:, None, None] + (height * wave >> 6) + noise // 3, 0, 255)
    return images, labels
