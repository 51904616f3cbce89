"""Every network of the sources, by name and options: `build("squeezenet", classes=10, bypass="simple")`.

A network is the same on the command line, in experiment files and here. Nothing but `build` imports torch.
Beside those of the sources there are those from outside, FILE.py:FUNCTION and PACKAGE:NAME (see `outside`), of which
only the options are known before they are built.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from repro.errors import BadInput, unknown

from . import networks as networks  # each module there registers its networks
from . import outside
from .layers import Architecture, Shape
from .options import Options, differing, option_types, read
from .outside import is_outside as is_outside
from .registry import NETWORKS, Definition

if TYPE_CHECKING:
    from torch import nn


def option_names(name: str) -> list[str]:
    """The options that a network takes."""
    if is_outside(name):
        return list(outside.factory(name).options)
    return list(option_types(_definition(name).options))


def canonical(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that differ from the defaults, checked, as JSON types in a fixed order; values may be text.

    Raises BadInput for an unknown network, option or value (with the nearest valid one) and for options that
    contradict each other. Options that give the same network (fire3 or fire2 removed) have the same canonical form.
    Of a network of a study's own, all options.
    """
    if is_outside(name):
        return outside.resolved(name, options)
    definition = _definition(name)
    resolved = read(name, definition.options, options)
    _layers(name, resolved)
    return differing(resolved.canonical())


def understood(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are given, as the network understands them: `canonical`, but for one from outside no others."""
    return outside.understood(name, options) if is_outside(name) else canonical(name, options)


def architecture(name: str, options: Mapping[str, Any]) -> Architecture:
    """The resolved layers of a network; hashable, and plain data through `msgspec.to_builtins`."""
    definition = _definition(name)
    return _layers(name, read(name, definition.options, options))


def build(name: str, **options: Any) -> "nn.Module":
    """The torch module: float images [N, channels, H, W] -> logits [N, classes]; weights from torch's generator."""
    if is_outside(name):
        return outside.build(name, options)
    from .network import Network

    return Network(architecture(name, options))


def input_shape(name: str, options: Mapping[str, Any]) -> Shape:
    """The input (channels, height, width) that a network is measured with unless said otherwise: its source's."""
    definition = _definition(name)
    resolved = read(name, definition.options, options)
    pixels = 32 if getattr(resolved, "stem", "imagenet") == "cifar" else getattr(resolved, "pixels", definition.pixels)
    return resolved.channels, pixels, pixels


def parameter_count(name: str, **options: Any) -> int:
    """Learnable parameters, in closed form."""
    return architecture(name, options).parameters


def macs(name: str, input: Shape, **options: Any) -> int:
    """Multiply-accumulates of convolutions and dense layers for one input (channels, height, width), in closed form.

    Raises BadInput where the input is too small or does not fit.
    """
    try:
        return _macs(name, read(name, _definition(name).options, options), input)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def same_network(a: tuple[str, Mapping[str, Any]], b: tuple[str, Mapping[str, Any]]) -> bool:
    """Whether two (name, options) are one network: the same layers and initialisation, whatever they are called."""
    if is_outside(a[0]) or is_outside(b[0]):
        return (a[0], canonical(*a)) == (b[0], canonical(*b))
    return architecture(*a).unnamed() == architecture(*b).unnamed()


@cache
def _layers(name: str, resolved: Options) -> Architecture:
    return NETWORKS[name].layers(resolved)


@cache
def _macs(name: str, resolved: Options, input: Shape) -> int:
    return _layers(name, resolved).macs(input)


def source(name: str) -> str:
    """SHA-256 of the file that a network of a study's own comes from; empty for the others."""
    return outside.factory(name).source if is_outside(name) else ""


def defined(name: str) -> bool:
    """Whether layers and counts are known without building the network.

    Raises:
        BadInput: there is no such network.
    """
    if is_outside(name):
        outside.factory(name)
        return False
    _definition(name)
    return True


def _definition(name: str) -> Definition:
    if is_outside(name):
        raise BadInput(f"{name}: this is done with the networks of `repro summary --help` alone")
    if name not in NETWORKS:
        raise unknown("network", name, [*NETWORKS, "FILE.py:FUNCTION"])
    return NETWORKS[name]
