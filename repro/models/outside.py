"""Networks of a study's own: `networks.py:lenet5` is what the function or class `lenet5` of that file makes.

It may be anything that returns an `nn.Module`. The file is read to plan, and executed only where a network is built:
nothing of a stranger's study runs to list, judge or report it. Paths are below the study's folder, or the present one.

Options are the arguments of the function, with the defaults that it gives; `classes` is filled in from the data set
where the function takes it, and `channels` says how many the images are to have (3 where it is not among them).
"""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from repro.config import place
from repro.errors import BadInput, Failure, unknown

if TYPE_CHECKING:
    from torch import nn

MARK = ".py:"
LARGEST = 2**20  # bytes of a file
REQUIRED = object()  # the default of an argument that has none


class Factory(NamedTuple):
    """What a file says of a network. source: SHA-256 of the file, which is part of the identity of runs."""

    path: Path
    function: str
    options: dict[str, Any]
    source: str


def is_outside(name: str) -> bool:
    """Whether a name is FILE.py:FUNCTION."""
    return MARK in name


def factory(name: str) -> Factory:
    """The function or class behind FILE.py:FUNCTION; nothing is executed.

    Raises:
        BadInput: file or function are not there, or a default is not a plain value.
    """
    file, _, function = name.rpartition(":")
    path = (place.found() or Path.cwd()) / file
    try:
        if path.stat().st_size > LARGEST or not path.is_file():
            raise BadInput(f"{name}: {path} is no Python file of at most {LARGEST:,} bytes")
        return read(path, function, path.read_bytes())
    except OSError as error:
        raise BadInput(f"{name}: {path}: {error.strerror or error}") from None


@cache
def read(path: Path, function: str, content: bytes) -> Factory:
    """A function or class of a file with that content."""
    try:
        tree = ast.parse(content, str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"{path} is not valid Python: {error}") from None
    there = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    if function not in there:
        raise unknown("network", function, there, str(path))
    found = there[function]
    skipped = 0
    if isinstance(found, ast.ClassDef):
        found = next((n for n in found.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
        skipped = 1  # self
    options = arguments(found.args, skipped, f"{path}: {function}") if found else {}
    return Factory(path, function, options, hashlib.sha256(content).hexdigest())


def arguments(given: ast.arguments, skipped: int, where: str) -> dict[str, Any]:
    """The arguments of a function with their defaults."""
    plain = [*given.posonlyargs, *given.args]
    missing = len(plain) - len(given.defaults)
    pairs = [*zip(plain, [None] * missing + given.defaults, strict=True)][skipped:]
    pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
    found = {}
    for argument, default in pairs:
        try:
            found[argument.arg] = REQUIRED if default is None else ast.literal_eval(default)
        except (ValueError, TypeError):
            raise BadInput(f"{where}: the default of {argument.arg} is not a number, a text, a list or None") from None
    return found


def resolved(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of a network: as given, which may be text, else as the function has them by default.

    Raises:
        BadInput: an option is unknown, or has neither a value nor a default.
    """
    taken = factory(name).options
    for option in options:
        if option not in taken:
            raise unknown("option", option, taken, name)
    given = {option: value_of(value, taken[option]) for option, value in options.items()}
    found = {**taken, **given}
    for option, value in found.items():
        if value is REQUIRED:
            raise BadInput(f"{name}: option {option} has no default: give it a value")
    return {option: list(value) if isinstance(value, tuple) else value for option, value in sorted(found.items())}


def value_of(given: Any, default: Any) -> Any:
    """A value as it was given; text is read as Python writes numbers and lists, unless the default is a text."""
    if not isinstance(given, str) or isinstance(default, str):
        return given
    try:
        return ast.literal_eval(given)
    except (ValueError, SyntaxError):
        return given


def build(name: str, options: Mapping[str, Any]) -> "nn.Module":
    """Execute the file and make the network.

    Raises:
        Failure: the file or the function raises an error, or makes something else.
    """
    from torch import nn

    made = factory(name)
    try:
        network = getattr(module(made.path, made.source), made.function)(**resolved(name, options))
    except Failure:
        raise
    except Exception as error:
        raise Failure(f"{name}: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise Failure(f"{name} makes no torch.nn.Module but a {type(network).__name__}")
    return network


@cache
def module(path: Path, source: str) -> Any:
    """The module of a file, executed once for each content."""
    spec = importlib.util.spec_from_file_location(f"repro_study_{source[:16]}", path)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # as dataclasses and pickle look it up there
    spec.loader.exec_module(made)
    return made
