"""Progress of work that takes time: a function that is called with a line of text for each step."""

from collections.abc import Callable

Progress = Callable[[str], None]


def silent(_: str) -> None:
    """Show nothing."""
