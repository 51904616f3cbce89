"""Read TOML files as structs, with errors that name the file, the key and the nearest valid choice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
import tomli

from repro.errors import BadInput, Failure, in_words, unknown
from repro.storage import read_limited

LARGEST = 2**20  # bytes of a file
T = TypeVar("T")


def decode(path: Path, kind: type[T], complete: Callable[[dict[str, Any], str], Any] = lambda content, _: content) -> T:
    """A TOML file as a struct; every error names the file, the key and, for an unknown key, the nearest valid one.

    complete: fills in what the file leaves out, given its content and its name.
    """
    try:
        content = tomli.loads(read_limited(path, LARGEST).decode())
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file") from None
    except tomli.TOMLDecodeError as error:
        raise BadInput(f"{path} is not valid TOML: {in_words(str(error))}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: {error}") from error
    except Failure as error:
        raise BadInput(str(error)) from error
    return convert(complete(with_data_sets(content, str(path)), str(path)), kind, str(path))


def with_data_sets(content: Any, where: str) -> Any:
    """The content of a file with each data set as a table with its name.

    `data = { folder = PATH }` becomes `data = { name = "folder:PATH" }`, and `data = NAME` `data = { name = NAME }`.

    Raises:
        BadInput: such a table has a name too.
    """
    if isinstance(content, list):
        return [with_data_sets(part, where) for part in content]
    if not isinstance(content, dict):
        return content
    # An option of a network may be called data too.
    found = {key: value if key == "options" else with_data_sets(value, where) for key, value in content.items()}
    images = found.get("data")
    if isinstance(images, str):
        found["data"] = {"name": images}
    if isinstance(images, dict) and isinstance(images.get("folder"), str):
        if "name" in images:
            raise BadInput(f"{where}: data has both name and folder; give one of them")
        found["data"] = {"name": f"folder:{images.pop('folder')}", **images}
    return found


def convert(content: Any, kind: type[T], where: str) -> T:
    """Plain values as a struct; errors as in `decode`."""
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        message = str(error)
        reason, _, place = message.partition(" - at ")
        key = place.strip("`").removeprefix("$").removeprefix(".")
        where = f"{where}: {key}" if key else where
        if "unknown field `" in reason:
            fields = getattr(type_at(kind, key), "__struct_fields__", ())
            raise unknown("key", reason.split("`")[1], fields, where) from None
        if "matching regex" in reason:
            raise BadInput(f"{where}: a name has letters, digits, '.', '_' and '-', at most 100, and no '/'") from None
        if reason.startswith("Invalid enum value '"):
            raise unknown("value", reason.split("'")[1], literals(type_at(kind, key)), where) from None
        raise BadInput(f"{where}: {in_words(reason)}") from None


def type_at(kind: Any, key: str) -> Any:
    """The type of what a struct has at a dotted place such as `variants[0].smoke.networks[...]`."""
    for word in key.replace("[...]", "[]").split("."):
        name = word.split("[")[0]
        if not name:
            continue
        kind = {f.name: f.type for f in msgspec.structs.fields(kind)}[name]
        if "[" in word:
            kind = next(part for part in kind.__args__ if part is not Ellipsis and part is not str)
        # What may be left out is looked into where it is there.
        kind = next((part for part in get_args(kind) if hasattr(part, "__struct_fields__")), kind)
    return kind


def literals(kind: Any) -> list[str]:
    """The words that a type allows, also where it is a choice of several types."""
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    return [word for part in get_args(kind) for word in literals(part)]
