"""Small compressed networks to test with."""

import numpy as np

from repro.formats.container import shapes_of
from repro.formats.shared import CompressedNetwork, Shared, Tensor

NETWORK = "squeezenet"
OPTIONS = {"classes": 10, "compression": 0.125, "stem": "cifar"}


def shared(rng: np.random.Generator, shape: tuple[int, ...], values: int, density: float) -> Shared:
    """Random codes of a random codebook; about `density` of them not zero."""
    codes = rng.integers(1, values, shape, endpoint=True) * (rng.random(shape) < density)
    # As many values as codes, none of them twice and none zero.
    codebook = np.concatenate([[0], (np.sort(rng.permutation(8 * values)[:values]) + 0.5) / values - 4])
    return Shared(codes.astype(np.uint8), codebook.astype(np.float32))


def network(seed: int = 0, density: float = 0.4, values: int = 20) -> CompressedNetwork:
    """A SqueezeNet of random numbers: its first layer shares nothing, and its biases are float16."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Tensor] = {}
    for name, shape in shapes_of(NETWORK, OPTIONS).items():
        if name == "features.0.weight" or len(shape) == 1:
            tensors[name] = rng.normal(size=shape).astype(np.float16 if len(shape) == 1 else np.float32)
        else:
            tensors[name] = shared(rng, shape, values, density)
    return CompressedNetwork(NETWORK, OPTIONS, tensors)


def same(one: CompressedNetwork, other: CompressedNetwork) -> bool:
    """Whether two networks compute with the same numbers, bit for bit, under the same names in the same order."""
    a, b = one.arrays(), other.arrays()
    return list(a) == list(b) and all(a[name].tobytes() == b[name].tobytes() for name in a)
