"""The networks by name. Each registers itself where it is defined: a module in `repro/models/networks/`."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, get_type_hints

from .layers import Architecture
from .options import Options

Layers = TypeVar("Layers", bound=Callable[[Any], Architecture])


class Definition(NamedTuple):
    """A network's options, the function that gives its layers, and the height and width of its source's images."""

    options: type[Options]
    layers: Callable[[Any], Architecture]
    pixels: int


NETWORKS: dict[str, Definition] = {}


def network(name: str, pixels: int) -> Callable[[Layers], Layers]:
    """Register a function of options as the network of that name.

    The type of its argument says which options there are. pixels: height and width of the images of its source.
    """

    def register(layers: Layers) -> Layers:
        (options,) = (kind for argument, kind in get_type_hints(layers).items() if argument != "return")
        if name in NETWORKS:
            raise ValueError(f"two networks are called {name}")
        NETWORKS[name] = Definition(options, layers, pixels)
        return layers

    return register
