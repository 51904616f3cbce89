"""Options of networks: read from text as from Python, checked, and reduced to those that differ from the defaults."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from repro.errors import BadInput, in_words, unknown

LARGEST = 10**6  # outputs or channels; the products of two stay within torch's sizes
Positive = Annotated[int, Meta(ge=1, le=LARGEST)]
Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Probability = Annotated[float, Meta(ge=0, lt=1)]
Stem = Literal["imagenet", "cifar"]
# How weights begin: torchvision's SqueezeNet (Kaiming uniform, conv10 normal .01), the released Caffe training (Xavier,
# conv10 normal .01), Keras (Glorot uniform), He normal, nutszebra's orthonormal one. Biases start at 0 in all of them.
Initialisation = Literal["torchvision", "caffe", "glorot", "he", "orthogonal"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options that every network has: outputs and input channels. Each network's own struct adds to them."""

    classes: Positive = 10
    channels: Positive = 3

    @classmethod
    def spelt(cls, option: str, items: list[Any]) -> list[Any]:
        """A list option's items in their canonical spelling (`fire2` -> 2); the order does not matter."""
        return items

    def canonical(self) -> "Options":
        """The canonical ones of all options that give the same network."""
        return self


def read(network: str, kind: type[Options], given: Mapping[str, Any]) -> Options:
    """The options struct from `given`, whose values may be text. Raises BadInput naming network, option and value."""
    types = option_types(kind)
    values = {}
    for option, value in given.items():
        if option not in types:
            raise unknown("option", option, types, network)
        values[option] = _value(network, kind, option, types[option], value)
    return kind(**values)


@cache
def option_types(kind: type[Options]) -> dict[str, Any]:
    """The options of a network with their types; kept, because finding them out takes longer than reading values."""
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def differing(options: Options) -> dict[str, Any]:
    """Options that differ from the defaults, as JSON types in a fixed order: the canonical form of these options."""
    default = type(options)()
    values = {name: getattr(options, name) for name in sorted(options.__struct_fields__)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value != getattr(default, name)
    }


def _value(network: str, kind: type[Options], option: str, wanted: Any, value: Any) -> Any:
    where = f"{network}: option {option}"
    if get_origin(wanted) is tuple:
        items = value.split(",") if isinstance(value, str) else value
        items = list(items) if isinstance(items, list | tuple | set | frozenset) else [items]
        items = [item.strip() if isinstance(item, str) else item for item in items]
        items = kind.spelt(option, [item for item in items if item not in ("", "none")])
        return tuple(sorted({_scalar(where, get_args(wanted)[0], item) for item in items}))
    return _scalar(where, wanted, value)


def _scalar(where: str, wanted: Any, value: Any) -> Any:
    choices = _choices(wanted)
    if type(None) in get_args(wanted) and value in (None, "none", "off", ""):
        return None
    if choices:
        spelt = {str(choice): choice for choice in choices}
        if isinstance(value, bool) or str(value) not in spelt:
            raise unknown("value", str(value), spelt, where)
        return spelt[str(value)]
    if isinstance(value, str) and value.startswith("."):
        value = f"0{value}"
    try:
        # Text becomes a number where one is wanted; a number is never taken for a truth value or the other way round.
        return msgspec.convert(value, wanted, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise BadInput(f"{where}: invalid value {value!r}: {in_words(str(error))}") from None


def _choices(wanted: Any) -> tuple[Any, ...]:
    """The values of a `Literal`, also of one that may be None."""
    if get_origin(wanted) is Literal:
        return get_args(wanted)
    arguments = get_args(wanted) if get_origin(wanted) is Union or type(None) in get_args(wanted) else ()
    return tuple(choice for argument in arguments for choice in _choices(argument))
