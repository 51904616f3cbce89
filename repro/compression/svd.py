"""Low-rank layers by singular value decomposition (Denton et al. 2014), the paper's first baseline in Table 2.

A layer's weights, taken as a matrix [outputs, inputs x kernel area], become the product of two thinner ones: of a dense
layer two dense layers, of a convolution one with fewer filters and a 1x1 after it.
"""

import numpy as np

from repro.formats.shared import Factored


def rank_of(weights: np.ndarray, share: float) -> int:
    """The rank at which two factors have at most `share` of the weights' numbers; 0 where none saves any."""
    matrix = weights.reshape(len(weights), -1)
    rank = int(share * matrix.size / sum(matrix.shape))
    return rank if rank < min(matrix.shape) else 0


def factor(weights: np.ndarray, share: float) -> Factored | np.ndarray:
    """The best approximation (least squares) by factors with at most `share` of the numbers; as it is where none fits.

    Args:
        weights: float32 [outputs, ...].
    """
    rank = rank_of(weights, share)
    if not rank:
        return weights
    left, values, right = np.linalg.svd(weights.reshape(len(weights), -1), full_matrices=False)
    root = np.sqrt(values[:rank])
    return Factored(
        (left[:, :rank] * root).astype(np.float32), (root[:, None] * right[:rank]).astype(np.float32), weights.shape
    )


def refactor(weights: np.ndarray, share: float) -> Factored | np.ndarray:
    """Factors of what `factor` gave, multiplied out; exact to rounding, and without another decomposition.

    A matrix of that rank is its projection on the columns of its product with a random one (Halko et al. 2011).
    """
    rank = rank_of(weights, share)
    if not rank:
        return weights
    matrix = weights.reshape(len(weights), -1)
    drawn = np.random.default_rng(0).standard_normal((matrix.shape[1], rank), np.float32)
    columns, _ = np.linalg.qr(matrix @ drawn)
    return Factored(columns, columns.T @ matrix, weights.shape)
