"""Functions outside of this program that make networks and data sets: `networks.py:lenet5`, `mypackage:lenet5`.

FILE.py:FUNCTION is a function or class of a file below the study's folder, or the present one. PACKAGE:NAME is an entry
point of an installed distribution, in the group `repro.networks` or `repro.datasets`. Their files are read to plan, and
executed only where a network is built or images are read: nothing of a stranger's study runs to list, judge or report.
"""

import ast
import hashlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from repro.config import place
from repro.errors import BadInput, nearest, unknown

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

Kind = Literal["network", "data set"]
GROUPS: dict[Kind, str] = {"network": "repro.networks", "data set": "repro.datasets"}
MARK = ".py:"
LARGEST = 2**20  # bytes of a file
REQUIRED = object()  # the default of an argument that has none


class Function(NamedTuple):
    """The description of a function in a file.

    options: its arguments with their defaults, `REQUIRED` where there is none.
    source: SHA-256 of the file and, of an installed one, of the distribution's version; part of the identity of runs.
    module: under which name an installed one is imported; empty of a file that stands alone.
    """

    path: Path
    name: str
    options: dict[str, Any]
    source: str
    module: str = ""


def is_outside(name: str) -> bool:
    """Whether a name is FILE.py:FUNCTION or PACKAGE:NAME."""
    return ":" in name


def find(name: str, kind: Kind) -> Function:
    """The function or class behind a name; nothing is executed.

    Raises:
        BadInput: file, package or function are not there, or a default is not a plain value.
    """
    if MARK not in name:
        return installed(name, kind)
    file, _, function = name.rpartition(":")
    path = (place.found() or Path.cwd()) / file
    return read(path, function, content(path, name), kind)


def content(path: Path, name: str) -> bytes:
    """The bytes of a file of bounded size."""
    try:
        if path.stat().st_size > LARGEST or not path.is_file():
            raise BadInput(f"{name}: {path} is no Python file of at most {LARGEST:,} bytes")
        return path.read_bytes()
    except FileNotFoundError:
        near = nearest(path.name, (other.name for other in path.parent.glob("*.py")))
        hint = f"; did you mean {near!r}?" if near else ""
        raise BadInput(f"{name}: there is no file {path}{hint}") from None
    except OSError as error:
        raise BadInput(f"{name}: {path}: {error.strerror or error}") from None


def installed(name: str, kind: Kind) -> Function:
    """The function behind an entry point PACKAGE:NAME."""
    from importlib.metadata import entry_points

    package, _, wanted = name.partition(":")
    there = {(point.dist.name.lower(), point.name): point for point in entry_points(group=GROUPS[kind]) if point.dist}
    if (package.lower(), wanted) not in there:
        choices = [f"{of}:{point}" for of, point in there] or ["FILE.py:FUNCTION"]
        raise unknown(kind, name, choices)
    point = there[package.lower(), wanted]
    assert point.dist
    path = file_of(point, point.dist, name)
    found = read(path, point.attr, content(path, name), kind)
    source = hashlib.sha256(f"{point.dist.version} {found.source}".encode()).hexdigest()
    return found._replace(source=source, module=point.module)


def file_of(point: "EntryPoint", distribution: "Distribution", name: str) -> Path:
    """The file of an entry point's module; of one installed in place its package is imported to find it.

    Raises:
        BadInput: there is none.
    """
    parts = point.module.replace(".", "/")
    for file in (f"{parts}.py", f"{parts}/__init__.py"):
        path = Path(str(distribution.locate_file(file)))
        if path.is_file():
            return path
    try:
        spec = importlib.util.find_spec(point.module)
    except ImportError:
        spec = None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise BadInput(f"{name}: {distribution.name} has no Python file of a module {point.module}")
    return Path(spec.origin)


@cache
def read(path: Path, function: str, content: bytes, kind: Kind) -> Function:
    """A function or class of a file with that content."""
    try:
        tree = ast.parse(content, str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"{path} is not valid Python: {error}") from None
    there = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    if function not in there:
        raise unknown(kind, function, there, str(path))
    found = there[function]
    skipped = 0
    if isinstance(found, ast.ClassDef):
        found = next((n for n in found.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
        skipped = 1  # self
    options = arguments(found.args, skipped, f"{path}: {function}") if found else {}
    return Function(path, function, options, hashlib.sha256(content).hexdigest())


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


def load(function: Function) -> Any:
    """The function or class itself: its file is executed, or its package imported."""
    if function.module:
        return getattr(importlib.import_module(function.module), function.name)
    return getattr(executed(function.path, function.source), function.name)


@cache
def executed(path: Path, source: str) -> Any:
    """The module of a file, executed once for each content."""
    spec = importlib.util.spec_from_file_location(f"repro_study_{source[:16]}", path)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # as dataclasses and pickle look it up there
    spec.loader.exec_module(made)
    return made
