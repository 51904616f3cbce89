"""Low-rank layers by singular value decomposition (Denton et al. 2014), the paper's first baseline in Table 2.

A layer's weights, taken as a matrix [outputs, inputs x kernel area], become the product of two thinner ones: of a dense
layer two dense layers, of a convolution one with fewer filters and a 1x1 after it.
"""

import numpy as np

from repro.compression.shared import Factored


def factor(weights: np.ndarray, share: float) -> Factored | np.ndarray:
    """The best approximation (least squares) by factors with at most `share` of the numbers; as it is where none fits.

    Args:
        weights: float32 [outputs, ...].
    """
    matrix = weights.reshape(len(weights), -1)
    rank = int(share * matrix.size / sum(matrix.shape))
    if not 1 <= rank < min(matrix.shape):
        return weights
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    root = np.sqrt(values[:rank])
    return Factored(
        (left[:, :rank] * root).astype(np.float32), (root[:, None] * right[:rank]).astype(np.float32), weights.shape
    )
