"""Magnitude pruning: the smallest weights of each layer become zero and stay so (Han et al. 2015b)."""

from collections.abc import Mapping

import numpy as np

from repro.errors import BadInput, unknown
from repro.models.layers import Architecture, Conv, Linear

# What the paper's Table 1 keeps of each layer of SqueezeNet; a layer that is not named keeps all.
TABLE1 = {
    **{f"fire{number}/expand3x3": 0.33 for number in range(2, 8)},
    "fire8/expand3x3": 0.30,
    "fire9/expand3x3": 0.30,
    "fire6/expand1x1": 0.5,
    "fire7/squeeze1x1": 0.5,
    "fire8/expand1x1": 0.5,
    "fire9/squeeze1x1": 0.5,
    "conv10": 0.2,
}
# AlexNet after pruning (Han et al. 2015b, Table 4).
ALEXNET = {
    "conv1": 0.84, "conv2": 0.38, "conv3": 0.35, "conv4": 0.37, "conv5": 0.37, "fc6": 0.09, "fc7": 0.09, "fc8": 0.25,
}  # fmt: skip
NAMED = {"table1": TABLE1, "alexnet": ALEXNET}


def mask(weights: np.ndarray, density: float) -> np.ndarray:
    """A mask of the weights that stay: the largest by magnitude, bool in their shape; of equal ones the first."""
    keep = round(density * weights.size)
    order = np.argsort(-np.abs(weights), axis=None, kind="stable")
    found = np.zeros(weights.size, bool)
    found[order[:keep]] = True
    return found.reshape(weights.shape) & (weights != 0)


def densities(text: str, definition: Architecture) -> dict[str, float]:
    """The share that each layer keeps, by state-dict prefix, as `--density` says it.

    Args:
        text: a number for all layers; `LAYER=NUMBER,...` by published names, of which the last part is enough
            (`expand3x3=0.33,conv10=0.2`; layers not named keep all); `table1` or `alexnet` for the published ones.

    Raises:
        BadInput: a number is not between 0 and 1, or no layer has such a name.
    """
    parts = {
        name: prefix for prefix, (name, part) in definition.named_parts().items() if isinstance(part, Conv | Linear)
    }
    wanted: Mapping[str, float]
    if text in NAMED:
        wanted = NAMED[text]
    elif "=" in text:
        wanted = {name: share(value) for name, _, value in (pair.partition("=") for pair in text.split(","))}
    else:
        return dict.fromkeys(parts.values(), share(text))
    found = {}
    for name, density in wanted.items():
        own = [prefix for layer, prefix in parts.items() if name in (layer, layer.rpartition("/")[2])]
        if not own:
            raise unknown("layer", name, parts, "--density")
        found |= dict.fromkeys(own, density)
    return found


def share(text: str) -> float:
    """A number between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise BadInput(f"--density {text}: give a number between 0 and 1, LAYER=NUMBER,..., or {', '.join(NAMED)}")
    return value
