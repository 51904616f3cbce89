"""`repro summary`: the layers, parameters and multiply-accumulates of a network."""

import textwrap

import click

from repro import models
from repro.cli import options
from repro.errors import BadInput, unknown
from repro.reporting.table import Column, Table

EXAMPLES = """\b
Examples:
  repro summary squeezenet
  repro summary squeezenet --classes 10 --option bypass=simple --format json
  repro summary squeezenet --option remove=2,5 --input 3x32x32
  repro summary networks.py:lenet5 --classes 10 --input 1x28x28
"""


NETWORKS = "\n".join(
    textwrap.fill(f"{name}: {', '.join(models.option_names(name))}", 78, initial_indent="  ", subsequent_indent=" " * 6)
    for name in models.NETWORKS
)


@click.command("summary", epilog=f"{EXAMPLES}\n\b\nNetworks and their options:\n{NETWORKS}")
@click.argument("model", metavar="NETWORK", shell_complete=options.complete_networks)
@click.option("--classes", type=click.IntRange(min=1), metavar="N", help="Outputs.  [default: the network's own]")
@click.option("--option", "pairs", multiple=True, metavar="NAME=VALUE", help="An option of the network; see below.")
@click.option("--input", "size", metavar="CxHxW", help="Size of the input.  [default: the network's own]")
@options.output_format
def summary_command(
    model: str, classes: int | None, pairs: tuple[str, ...], size: str | None, output_format: str
) -> None:
    """Show a network's layers: output, parameters, multiply-accumulates (MACs) and their shares, with totals.

    NETWORK is one of those below, FILE.py:FUNCTION of a study's own, or PACKAGE:NAME of an installed package.
    """
    from repro.models.summary import measured, summarise

    chosen = options.joined({"classes": classes} if classes else {}, read_options(pairs))
    shape = read_size(size) if size else None
    if models.is_outside(model):
        if shape is None:
            raise BadInput(f"--input: on which images? give channels x height x width for {model}, such as 3x32x32")
        content = measured(model, chosen, shape)
    elif model in models.NETWORKS:
        content = summarise(model, chosen, shape)
    else:
        raise unknown("network", model, [*models.NETWORKS, "FILE.py:FUNCTION"])
    if output_format == "json":
        import json

        click.echo(json.dumps(content, indent=1))
        return
    columns = [
        Column("name", "layer"),
        Column("output", align="right"),
        Column("parameters", align="right", format=",d"),
        Column("macs", "MACs", align="right", format=",d"),
        Column("share", "share of parameters", align="right", format=".1%"),
    ]
    rows = [{**row, "output": "x".join(map(str, row["output"]))} for row in content["layers"]]
    total = {
        "name": "total",
        "output": None,
        "parameters": content["parameters"],
        "macs": content["macs"],
        "share": 1.0,
    }
    inputs = "x".join(map(str, content["input"]))
    mib = content["bytes"] / 2**20
    notes = [f"{content['bytes']:,} bytes as float32, {mib:.2f} MiB; input {inputs}"]
    Table(f"{model}", columns, [*rows, total], notes).print(output_format)


def read_options(pairs: tuple[str, ...]) -> dict[str, str]:
    """`("bypass=simple", ...)` as names and values; the network reads the values."""
    chosen: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"--option {pair}: give NAME=VALUE, such as bypass=simple")
        chosen = options.joined(chosen, {name.strip().replace("-", "_"): value.strip()})
    return chosen


def read_size(text: str) -> tuple[int, int, int]:
    """`3x227x227` as channels, height and width."""
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isdigit() and int(part) for part in parts):
        raise BadInput(f"--input {text}: give channels x height x width, such as 3x227x227")
    channels, height, width = map(int, parts)
    return channels, height, width
