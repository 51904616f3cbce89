"""Networks from outside: what a function or class of a study's file or of an installed package makes (see `functions`).

It may be anything that returns an `nn.Module`. Options are its arguments, with the defaults that it gives; `classes` is
filled in from the data set where the function takes it, and `channels` says how many the images are to have (3 where it
is not among them).
"""

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from repro.config import functions
from repro.config.functions import REQUIRED, Function, is_outside
from repro.errors import BadInput, Failure, unknown

if TYPE_CHECKING:
    from torch import nn

__all__ = ["build", "factory", "is_outside", "resolved"]


def factory(name: str) -> Function:
    """The function or class behind a name; nothing of a study's own is executed."""
    return functions.find(name, "network")


def resolved(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of a network: as given, which may be text, else as the function has them by default.

    Raises:
        BadInput: an option is unknown, or has neither a value nor a default.
    """
    found = {**factory(name).options, **understood(name, options)}
    for option, value in found.items():
        if value is REQUIRED:
            raise BadInput(f"{name}: option {option} has no default: give it a value")
    return {option: list(value) if isinstance(value, tuple) else value for option, value in sorted(found.items())}


def understood(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that are given, which may be text, as values.

    Raises:
        BadInput: one is unknown.
    """
    taken = factory(name).options
    for option in options:
        if option not in taken:
            raise unknown("option", option, taken, name)
    return {option: value_of(value, taken[option]) for option, value in options.items()}


def value_of(given: Any, default: Any) -> Any:
    """A value as it was given; text is read as Python writes numbers and lists, unless the default is a text."""
    if not isinstance(given, str) or isinstance(default, str):
        return given
    try:
        return ast.literal_eval(given)
    except (ValueError, SyntaxError):
        return given


def build(name: str, options: Mapping[str, Any]) -> "nn.Module":
    """Execute the file, or import the package, and make the network.

    Raises:
        Failure: the file or the function raises an error, or makes something else.
    """
    from torch import nn

    made = factory(name)
    try:
        network = functions.load(made)(**resolved(name, options))
    except Failure:
        raise
    except Exception as error:
        raise Failure(f"{name}: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise Failure(f"{name} makes no torch.nn.Module but a {type(network).__name__}")
    return network
