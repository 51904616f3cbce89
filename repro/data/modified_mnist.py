"""Modified MNIST: 64x64 pixels, two or three MNIST digits of varying size, labelled with the largest one.

After the task of McGill COMP 551 (2018 and 2019): digits scaled to 40, 60, 80, 100 and 120 %, the label is that of the
digit with the largest bounding box, 40,000 training and 10,000 test images. The course's images are not public; these
are built from MNIST, training images from its training images and test images from its test images, by these rules:

- A digit's bounding box is the smallest rectangle around its pixels that are not black.
- The label's digit has the largest box by area and by longer side, without ties: both readings of the task agree.
- Boxes are disjoint, so no digit hides another; the background is black.
- Every MNIST digit is equally often the largest one, in random order, so that the classes are as frequent as in MNIST.

Only whole numbers enter and the random bits come straight from PCG64, so every machine builds the same bytes.
"""

from dataclasses import dataclass

import numpy as np

from repro.data import idx

SIZE = 64
TRAIN, TEST = 40_000, 10_000
# 28 pixels scaled to 40, 60, 80, 100 and 120 %.
TILES = (11, 17, 22, 28, 34)

Arrays = tuple[np.ndarray, np.ndarray]


def build_files(digits: tuple[Arrays, Arrays]) -> list[bytes]:
    """The contents of the four files, in MNIST's order, from its training and test set (images [N, 1, 28, 28])."""
    (images, labels), (test_images, test_labels) = digits
    content = []
    for pixels, classes, count, seed in ((images, labels, TRAIN, 0), (test_images, test_labels, TEST, 1)):
        scenes = build(pixels[:, 0], count, seed)
        content += [idx.idx(scenes.images), idx.idx(classes[scenes.largest()].astype(np.uint8))]
    return content


@dataclass(frozen=True)
class Scenes:
    """Images and what is in them, up to three digits each; a digit that is not there has an empty box.

    images: uint8 [N, 64, 64]. digits: index into MNIST [N, 3]; the largest digit comes first.
    boxes: [N, 3, 4] = top, left, height, width in the image.
    """

    images: np.ndarray
    digits: np.ndarray
    boxes: np.ndarray

    def largest(self) -> np.ndarray:
        """The index into MNIST of each image's largest digit [N]."""
        return self.digits[:, 0]


class Bits:
    """Whole random numbers from the raw output of PCG64, which numpy promises never to change."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.PCG64(seed)

    def below(self, limit: int | np.ndarray, *shape: int) -> np.ndarray:
        """Integers in 0..limit - 1, int64; `limit` below 2^31, one for all or one for each."""
        high = (self.generator.random_raw(shape) >> np.uint64(32)).astype(np.int64)
        return (high * limit) >> 32

    def bytes(self, *shape: int) -> np.ndarray:
        """Random bytes, uint8."""
        count = int(np.prod(shape))
        return self.generator.random_raw(-(-count // 8)).astype("<u8").view(np.uint8)[:count].reshape(shape)

    def permutation(self, count: int) -> np.ndarray:
        """0..count - 1 in random order."""
        return np.argsort(self.generator.random_raw(count), kind="stable")


def build(digits: np.ndarray, count: int, seed: int) -> Scenes:
    """`count` scenes from a pool of digits, uint8 [pool, 28, 28].

    All scenes are drawn at once, and those that break a rule are drawn again, with the same largest digit, until none
    does.
    """
    bits = Bits(seed)
    boxes = np.stack([ink_boxes(scaled(digits, tile)) for tile in TILES])  # [5, pool, 4]
    order = np.concatenate([bits.permutation(len(digits)) for _ in range(-(-count // len(digits)))])[:count]

    chosen = np.zeros((count, 3), np.int64)
    sizes = np.zeros((count, 3), np.int64)
    placed = np.zeros((count, 3, 4), np.int64)
    open_ = np.arange(count)
    while open_.size:
        n = open_.size
        pick = np.column_stack([order[open_], bits.below(len(digits), n, 2)])
        size = bits.below(len(TILES), n, 3)
        box = boxes[size, pick]
        box[bits.below(2, n) == 0, 2] = 0  # two digits rather than three
        room = SIZE + 1 - box[..., 2:]
        corner = np.stack([bits.below(room[..., axis], n, 3) for axis in (0, 1)], axis=-1)
        spot = np.concatenate([corner, box[..., 2:]], axis=-1)
        good = has_one_largest(spot) & disjoint(spot)
        done = open_[good]
        chosen[done], sizes[done], placed[done] = pick[good], size[good], spot[good]
        open_ = open_[~good]
    return Scenes(_draw(digits, boxes, chosen, sizes, placed), chosen, placed)


def _draw(
    digits: np.ndarray, boxes: np.ndarray, chosen: np.ndarray, sizes: np.ndarray, placed: np.ndarray
) -> np.ndarray:
    """The images [N, 64, 64]: each digit's ink copied from its scaled tile to its box."""
    images = np.zeros((len(chosen), SIZE, SIZE), np.uint8)
    for size, tile in enumerate(TILES):
        scenes, slots = np.nonzero((sizes == size) & (placed[..., 2] > 0))
        sources = chosen[scenes, slots]
        for pixels, source, scene, slot in zip(scaled(digits[sources], tile), sources, scenes, slots, strict=True):
            (top, left, height, width), (y, x) = placed[scene, slot], boxes[size, source, :2]
            images[scene, top : top + height, left : left + width] = pixels[y : y + height, x : x + width]
    return images


def has_one_largest(boxes: np.ndarray) -> np.ndarray:
    """Whether the first box of each scene beats all others, in area and in longer side; [N, 3, 4] -> bool [N]."""
    height, width = boxes[..., 2], boxes[..., 3]
    beaten = np.ones(len(boxes), bool)
    for extent in (height * width, np.where(height > 0, np.maximum(height, width), 0)):
        beaten &= extent[:, 0] > extent[:, 1:].max(axis=1)
    return beaten


def disjoint(boxes: np.ndarray) -> np.ndarray:
    """Whether no two boxes of a scene share a pixel; [N, 3, 4] -> bool [N]."""
    apart = np.ones(len(boxes), bool)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        start = np.maximum(boxes[:, first, :2], boxes[:, second, :2])
        stop = np.minimum(boxes[:, first, :2] + boxes[:, first, 2:], boxes[:, second, :2] + boxes[:, second, 2:])
        apart &= (start >= stop).any(axis=1)
    return apart


def scaled(digits: np.ndarray, tile: int) -> np.ndarray:
    """Digits [N, s, s] resized to [N, tile, tile]: each pixel is the average over the area that it covers, rounded.

    In whole numbers: float64 only carries them through the matrix product, which is exact below 2^53.
    """
    side = digits.shape[1]
    edge = np.arange(tile)[:, None] * side, np.arange(side)[None] * tile
    overlap = np.minimum(edge[0] + side, edge[1] + tile) - np.maximum(edge[0], edge[1])
    weights = np.maximum(overlap, 0).astype(np.float64)  # [tile, side], every row sums to `side`
    out = np.empty((len(digits), tile, tile), np.uint8)
    for start in range(0, len(digits), 4096):
        sums = weights @ digits[start : start + 4096].astype(np.float64) @ weights.T
        out[start : start + 4096] = (2 * sums.astype(np.int64) + side * side) // (2 * side * side)
    return out


def ink_boxes(images: np.ndarray) -> np.ndarray:
    """The smallest rectangle around the pixels that are not black; [N, h, w] -> [N, 4] = top, left, height, width."""
    ink: np.ndarray = images > 0
    profiles: list[np.ndarray] = [np.any(ink, axis=2), np.any(ink, axis=1)]
    spans = []
    for lines in profiles:
        first = lines.argmax(axis=1)
        last = lines.shape[1] - lines[:, ::-1].argmax(axis=1)
        spans.append((first, np.where(lines.any(axis=1), last - first, 0)))
    (top, height), (left, width) = spans
    return np.stack([top, left, height, width], axis=-1)
