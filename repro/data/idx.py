"""Read IDX, the format of MNIST's files."""

import struct
from pathlib import Path

import numpy as np

from repro.errors import Failure

Arrays = tuple[np.ndarray, np.ndarray]


def read_sets(files: list[Path]) -> tuple[Arrays, Arrays]:
    """Training and test images, uint8 [N, 1, h, w], with labels, int64 [N], from four files in this order."""
    images, labels, test_images, test_labels = map(read_idx, files)
    return (images[:, None], labels.astype(np.int64)), (test_images[:, None], test_labels.astype(np.int64))


def read_idx(file: Path) -> np.ndarray:
    """The array of bytes in an IDX file: two zero bytes, type (8 = uint8), rank, the sizes (big-endian), the data."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror or error}") from error
    rank = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    if rank == 0 or len(content) < 4 + 4 * rank:
        raise Failure(f"{file} is not an IDX file of bytes")
    shape = struct.unpack(f">{rank}I", content[4 : 4 + 4 * rank])
    expected = 4 + 4 * rank + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise Failure(f"{file} is damaged: {len(content):,} bytes, its header says {expected:,}")
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape).copy()


def idx(array: np.ndarray) -> bytes:
    """The content of an IDX file with this array of bytes."""
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
