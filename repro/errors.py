"""Errors a user can act on: one line that names the thing and the nearest valid choice."""

import unicodedata
from collections.abc import Iterable

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


def printable(text: str) -> str:
    """Text from a file as one line that is safe on a terminal: characters of `OBEYED` as escapes, such as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in OBEYED else character
        for character in text
    )


def unknown(kind: str, name: str, choices: Iterable[str], where: str = "") -> BadInput:
    """The error for a name that is not among `choices`: names it, the place, and the nearest choice or all of them."""
    from difflib import get_close_matches

    choices = list(choices)
    # Compared without case, so that `SqueezeNet` finds `squeezenet`; the answer is spelt as it is valid.
    spelt = {choice.lower(): choice for choice in choices}
    near = get_close_matches(name.lower(), spelt, n=1, cutoff=0.6)
    shown = choices if len(choices) <= SHOWN else [*choices[:SHOWN], f"... ({len(choices):,} in all)"]
    hint = f"did you mean {spelt[near[0]]!r}?" if near else f"choose from {', '.join(shown)}"
    return BadInput(f"{where + ': ' if where else ''}unknown {kind} {name!r}; {hint}")
