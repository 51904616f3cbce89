"""The paper's three design strategies (section 3.1) as arithmetic on its network, at the 227-pixel input of Table 1."""

import msgspec

from . import architecture, input_shape
from .layers import Fire

SHOWN = ("fire2", "fire9")


class Row(msgspec.Struct, frozen=True):
    """One number without a strategy and with it, and the factor between the two.

    strategy: 1, 2 or 3. where: a fire module, or `network`.
    """

    strategy: int
    quantity: str
    where: str
    without: int
    following: int

    @property
    def factor(self) -> float:
        """The factor by which strategies 1 and 2 make the number smaller, and strategy 3 larger."""
        return self.following / self.without if self.strategy == 3 else self.without / self.following


def strategies() -> list[Row]:
    """The rows, by strategy.

    1: 1x1 filters in place of 3x3 ones: the same filters as 3x3 against 1x1, and what the network would have had.
    2: fewer inputs to the 3x3 filters: the module's own input against the squeeze layer's output; the weights count the
       squeeze layer too.
    3: downsampling late: positions of each activation map in version 1.1, which pools after fires 3 and 5, against
       version 1.0, which pools after fires 4 and 8 (1.1's smaller conv1 takes part in its lower cost too).
    """
    network = architecture("squeezenet", {})
    fires = {layer.name: layer for layer in network.layers if isinstance(layer, Fire)}
    rows = []

    saved = 0
    for name, fire in fires.items():
        weights = fire.squeeze * fire.expand1x1
        saved += 8 * weights
        if name in SHOWN:
            rows.append(Row(1, "weights of the 1x1 expand filters, as 3x3 and as they are", name, 9 * weights, weights))
    total = network.parameters
    rows.append(Row(1, "parameters, all expand filters 3x3 and as they are", "network", total + saved, total))

    saved = 0
    for name, fire in fires.items():
        expand = fire.expand1x1 + 9 * fire.expand3x3
        direct, squeezed = fire.inputs * expand, fire.squeeze * (fire.inputs + expand)
        # Without squeeze layers their biases go too.
        saved += direct - squeezed - fire.squeeze
        if name in SHOWN:
            rows.append(Row(2, "input channels of the 3x3 filters", name, fire.inputs, fire.squeeze))
            rows.append(Row(2, "weights of the module", name, direct, squeezed))
    rows.append(Row(2, "parameters, without and with squeeze layers", "network", total + saved, total))

    shape = input_shape("squeezenet", {})
    early = architecture("squeezenet", {"version": "1.1"})
    maps = [
        {layer.name: output[1] * output[2] for layer, _, output in version.trace(shape) if isinstance(layer, Fire)}
        for version in (early, network)
    ]
    rows += [
        Row(3, "positions of the activation map, early and late pools", name, maps[0][name], maps[1][name])
        for name in fires
    ]
    rows.append(Row(3, "multiply-accumulates, early and late pools", "network", early.macs(shape), network.macs(shape)))
    rows.append(Row(3, "parameters, early and late pools", "network", early.parameters, total))
    return rows
