"""`repro inspect`: the bytes of a compressed file, by layer and kind."""

from pathlib import Path

import click

from repro.cli import options
from repro.cli.networks import FILE
from repro.errors import BadInput
from repro.reporting.table import Column, Table

INSPECT_EXAMPLES = """\b
Examples:
  repro inspect net.sqz
  repro inspect net.sqz --format json
  repro inspect compressed_SqueezeNet.net
"""


@click.command("inspect", epilog=INSPECT_EXAMPLES)
@click.argument("path", metavar="FILE", type=FILE)
@options.output_format
def inspect_command(path: Path, output_format: str) -> None:
    """Show where the bytes of a .sqz file, or of the released .net, are: layer by layer, every byte accounted for."""
    from repro.formats.inspecting import KINDS, account

    if not path.is_file():
        raise BadInput(f"{path}: there is no such file")
    rows = account(path)
    columns = [
        Column("layer"),
        Column("parameters", align="right", format=",d"),
        Column("density", "kept", "right", ".1%"),
        Column("distinct", "values", "right"),
        Column("bits_per_weight", "bits a kept weight", "right", ".2f"),
        *(Column(kind, f"{kind}, bytes", "right", ",d") for kind in KINDS),
        Column("bytes", align="right", format=",d"),
        Column("ratio", align="right", format=".1f"),
    ]
    if output_format != "text":
        columns[2:2] = [Column("weights"), Column("kept"), Column("bits")]
    Table(f"{path}, {path.stat().st_size:,} bytes", columns, rows).print(output_format)
