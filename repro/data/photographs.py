"""Read photographs into one array."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from repro.errors import Failure


def read(files: list[Path], common_size: int) -> np.ndarray:
    """RGB pixels, uint8 [N, 3, size, size]: at their own size if all are equal squares, else at `common_size`."""
    sizes = set()
    for file in files:
        with opened(file) as image:
            sizes.add(image.size)
    width, height = sizes.pop() if len(sizes) == 1 else (0, 1)
    size = width if width == height else common_size
    pixels = np.empty((len(files), 3, size, size), np.uint8)
    for row, file in zip(pixels, files, strict=True):
        with opened(file) as image:
            square = image.convert("RGB")
            if square.size != (size, size):
                square = square.resize((size, size), Image.Resampling.BILINEAR)
            row[:] = np.asarray(square).transpose(2, 0, 1)
    return pixels


@contextmanager
def opened(file: Path) -> Iterator[Image.Image]:
    """A photograph, to be decoded within the block. Raises Failure, there too, for what Pillow cannot read."""
    try:
        with Image.open(file) as image:
            yield image
    # Of a broken PNG or TIFF Pillow's own arithmetic may come to grief.
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        raise Failure(f"{file} is damaged or no photograph: {error}") from error
