"""Weight sharing: the weights of a layer move to the nearest of a few values (k-means; Han et al. 2015a, section 3)."""

from typing import Literal

import numpy as np

from repro.formats.shared import Shared

Init = Literal["linear", "density", "random"]
ROUNDS = 100


def share(weights: np.ndarray, bits: int, init: Init = "linear", importance: np.ndarray | None = None) -> Shared:
    """A layer's weights by a codebook of `2**bits` values, of which one is the zero of pruned weights.

    Where the weights have no more values than that, nothing is lost.

    Args:
        importance: what a squared error of each weight costs; alike where there is none.
    """
    kept = weights != 0
    values = weights[kept].astype(np.float32)
    distinct = np.unique(values)
    if len(distinct) > 2**bits - 1:
        costs = np.ones(len(values)) if importance is None else importance[kept]
        distinct = kmeans(values, start(values, 2**bits - 1, init), costs)
    codes = np.zeros(weights.shape, np.uint8)
    codes[kept] = 1 + nearest(values, distinct)
    return Shared(codes, np.concatenate([np.zeros(1, np.float32), distinct.astype(np.float32)]))


def start(values: np.ndarray, count: int, init: Init, seed: int = 0) -> np.ndarray:
    """Ascending first centroids: evenly over the range, over the values' distribution, or drawn from the values."""
    if init == "linear":
        return np.linspace(values.min(), values.max(), count)
    if init == "density":
        return np.quantile(values, (np.arange(count) + 0.5) / count)
    return np.sort(np.random.default_rng(seed).choice(values, count, replace=False))


def kmeans(values: np.ndarray, centroids: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Lloyd's algorithm on a line; ascending centroids.

    On a line a cluster is an interval of the sorted values, so a round costs two look-ups a centroid. A centroid
    that has lost all its values stays where it is.

    Args:
        costs: of each value, above or equal to 0.
    """
    order = np.argsort(values)
    ordered, cost = values[order].astype(np.float64), costs[order].astype(np.float64)
    mass = np.concatenate([[0.0], np.cumsum(cost)])
    moment = np.concatenate([[0.0], np.cumsum(cost * ordered)])
    centroids = centroids.astype(np.float64)
    for _ in range(ROUNDS):
        bounds = np.searchsorted(ordered, (centroids[1:] + centroids[:-1]) / 2)
        edges = np.concatenate([[0], bounds, [len(ordered)]])
        weight = np.diff(mass[edges])
        moved = np.where(weight > 0, np.diff(moment[edges]) / np.where(weight > 0, weight, 1), centroids)
        moved.sort()
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def nearest(values: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """The index of the nearest of ascending centroids, int64; of two equally near ones the smaller."""
    return np.searchsorted((centroids[1:] + centroids[:-1]) / 2, values)
