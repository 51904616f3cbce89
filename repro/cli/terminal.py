"""Print messages so that text from files cannot control the terminal."""

import click

from repro.errors import printable


def say(line: str, err: bool = False) -> None:
    """Print one line; what it has from files and folders is made safe for a terminal (see `printable`)."""
    click.echo(printable(line), err=err)
