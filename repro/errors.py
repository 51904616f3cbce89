"""Errors a user can act on: one line that names the thing and the nearest valid choice."""

import unicodedata
from collections.abc import Iterable

DISTRIBUTION = "squeezenet-repro"  # on the package index, where `repro` is another project
SHOWN = 30  # choices that a message lists
# Unicode's categories of what a terminal does not show but may obey: control and format characters (of which some turn
# the direction of writing round), separators of lines, and bytes of a file's name that are no text.
OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


class Failure(Exception):
    """Something went wrong while working; the command line prints the message and exits with 1."""

    exit_code = 1


class BadInput(Failure):
    """The user asked for something that does not exist; the command line exits with 2."""

    exit_code = 2


def to_install(extra: str) -> str:
    """How an optional part of this program is installed."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def printable(text: str) -> str:
    """Text from a file as one line that is safe on a terminal: characters of `OBEYED` as escapes, such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in OBEYED else character
        for character in text
    )


# What msgspec calls types, in words.
TYPES = {
    "`int`": "a whole number", "`float`": "a number", "`str`": "text", "`bool`": "true or false", "`array`": "a list",
    "`object`": "a table", "`null`": "nothing",
}  # fmt: skip


def in_words(reason: str) -> str:
    """A validation error of msgspec without its names of types: "expected a whole number, got text"."""
    for name, words in TYPES.items():
        reason = reason.replace(name, words)
    return f"{reason[:1].lower()}{reason[1:]}"


def nearest(name: str, choices: Iterable[str]) -> str:
    """The choice that a mistyped name is nearest to, spelt as it is valid; empty where none is near."""
    from difflib import get_close_matches

    # Compared without case, so that `SqueezeNet` finds `squeezenet`.
    spelt = {choice.lower(): choice for choice in choices}
    near = get_close_matches(name.lower(), spelt, n=1, cutoff=0.6)
    return spelt[near[0]] if near else ""


def unknown(kind: str, name: str, choices: Iterable[str], where: str = "") -> BadInput:
    """The error for a name that is not among `choices`: names it, the place, and the nearest choice or all of them."""
    choices = list(choices)
    near = nearest(name, choices)
    shown = choices if len(choices) <= SHOWN else [*choices[:SHOWN], f"... ({len(choices):,} in all)"]
    hint = f"did you mean {near!r}?" if near else f"choose from {', '.join(shown)}"
    return BadInput(f"{where + ': ' if where else ''}unknown {kind} {name!r}; {hint}")
