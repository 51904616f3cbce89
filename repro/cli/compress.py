"""`repro compress` and `repro decompress`: a network into a compressed file, and out of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.cli import options
from repro.cli.networks import FILE, find_network, images_options, inputs_of
from repro.cli.terminal import say
from repro.errors import BadInput, Failure, unknown
from repro.reporting.table import Column, Table
from repro.storage import sweep, write_atomic

if TYPE_CHECKING:
    from repro.compression.rounding import Rounded
    from repro.formats.shared import CompressedNetwork, Inputs
    from repro.running.compressing import Settings, Stage

COMPRESS_EXAMPLES = """\b
Examples:
  repro compress compressed_SqueezeNet.net --bits 8 --coder context -o lossless.sqz
  repro compress compressed_SqueezeNet.net --max-bytes 370000 -o small.sqz
  repro compress compressed_SqueezeNet.net --max-loss 0.02 -o small.sqz
  repro compress compressed_SqueezeNet.net --frontier -o small.sqz
  repro compress squeezenet.safetensors --density table1 --bits 6 --coder ans -o net.sqz
  repro compress alexnet.safetensors --density alexnet --bits 32 -o pruned.sqz
  repro compress alexnet.safetensors --svd 0.2 -o low-rank.sqz
  repro compress 1f03c7 --density expand3x3=0.33,conv10=0.2 --bits 5 -o net.sqz
"""
DECOMPRESS_EXAMPLES = """\b
Examples:
  repro decompress net.sqz -o net.safetensors
  repro decompress net.sqz -o net.net
"""
CALIBRATION = 400  # photographs


def read_bits(bits: str | None) -> int | None:
    """Bits of a code; None = not said. Raises BadInput for what is neither 1 to 8 nor 32."""
    if bits is None:
        return None
    if bits == "32" or (bits.isdigit() and 1 <= int(bits) <= 8):
        return int(bits)
    raise BadInput(f"--bits {bits}: give 1 to 8, or 32 for weights that share no values")


@click.command("compress", epilog=COMPRESS_EXAMPLES)
@click.argument("source", metavar="WEIGHTS|RUN")
@click.option(
    "--density",
    metavar="SHARES",
    help="Prune first, to the share of weights kept: one for all layers, LAYER=SHARE,..., or the published ones of "
    "table1 or alexnet.",
)
@click.option(
    "--svd",
    type=click.FloatRange(0, 1),
    metavar="SHARE",
    help="Make layers low-rank, with at most that share of their weights.",
)
@click.option(
    "--bits",
    default=None,
    metavar="N",
    callback=lambda ctx, param, value: read_bits(value),
    help="Bits per weight: 1 to 8, or 32: no sharing.  [default: 8, or chosen for each weight by the next three]",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Maximum file size in bytes; bits are spent where they matter most.",
)
@click.option(
    "--max-loss",
    type=click.FloatRange(min=0, min_open=True),
    metavar="NATS",
    help="Maximum divergence of the answers on images that took no part in rounding; as few bytes as that allows.",
)
@click.option("--frontier", is_flag=True, help="Six files, from nearly lossless on: -o NAME.sqz gives NAME-BYTES.sqz.")
@click.option(
    "--coder",
    type=click.Choice(["none", "gaps", "huffman", "ans", "context"]),
    help="How codes are coded; context: smallest, takes a second; ans needs constriction.  "
    "[default: huffman with --bits, else context]",
)
@click.option(
    "--init",
    type=click.Choice(["linear", "density", "random"]),
    default="linear",
    show_default=True,
    help="Where k-means begins.",
)
@click.option(
    "--calibrate",
    type=click.IntRange(min=1),
    metavar="IMAGES",
    help=f"Weigh errors by their effect on images, without labels.  [default: {CALIBRATION} to round, else none]",
)
@images_options
@click.option("-o", "--output", type=FILE, required=True, help="The file to write: .sqz, or .net as it was released.")
@options.output_format
def compress_command(
    source: str,
    data: str | None,
    normalisation: Any,
    data_dir: Path,
    results_dir: Path,
    output: Path,
    output_format: str,
    **settings: Any,
) -> None:
    """Compress a network into a file: prune, share or round weights, code; the size of each stage is shown.

    WEIGHTS is a .safetensors, .net or .sqz file, RUN the first digits of a run's identity. With --max-bytes, --max-loss
    or --frontier every weight is rounded so that the network's answers change least for the bytes.
    """
    from repro.running import compressing

    how = compressing.Settings(**settings)
    check(how, output)
    network, stages = compressing.prepared(find_network(source, results_dir), how)
    images: Any = None
    notes = []
    if how.rounds or how.calibrate:
        images = calibration_images(network, inputs_of(network, data, normalisation), data_dir, how.calibrate)
    if how.rounds:
        found, checked = compressing.rounded(network, how, images, show_try)
        notes.append(f"Loss: divergence of the answers to {checked:,} of these images, which took no part in rounding.")
        for one in found:
            path = output.with_stem(f"{output.stem}-{one.bytes}") if how.frontier else output
            write(path, encoded(one.network, path, how))
            stages.append(compressing.Stage(f"rounded, {path}", one.network, one.bytes, one.loss))
    else:
        network = compressing.shared(network, how, images)
        content = encoded(network, output, how)
        write(output, content)
        stages.append(compressing.Stage(f"coded, {output}", network, len(content)))
    show_stages(stages, notes, output_format)


def check(how: "Settings", output: Path) -> None:
    """Raise BadInput for options that contradict each other, or the kind of file."""
    goals = how.goals
    if output.suffix not in (".sqz", ".net"):
        raise unknown("kind of file", output.suffix or output.name, [".sqz", ".net"], str(output))
    if how.svd is not None and (how.density or how.bits or goals):
        raise BadInput("--svd: low-rank weights are neither pruned, shared nor rounded; leave the other options out")
    if len(goals) > 1:
        raise BadInput(f"{goals[0]} and {goals[1]}: give one")
    if how.bits and goals and goals != ["--max-bytes"]:
        raise BadInput(f"{goals[0]} rounds every weight by itself; leave --bits out")
    if how.rounds and how.coder not in (None, "context"):
        raise BadInput(f"--coder {how.coder}: rounded weights are coded by context; leave it out, or give --bits")
    if how.rounds and output.suffix != ".sqz":
        raise BadInput(f"{output}: rounded weights share no values, which .net needs; give a .sqz file")


def calibration_images(network: "CompressedNetwork", inputs: "Inputs", root: Path, count: int | None) -> Any:
    """The images to calibrate on."""
    from repro.running.images import images_for

    images = images_for(network, inputs, root, "calibration", count or CALIBRATION)
    say(f"calibrating on {len(images.labels):,} images of {images.title}, without labels", err=True)
    return images


def show_try(one: "Rounded") -> None:
    """Show what rounding at one price gives."""
    say(f"{one.bytes:,} bytes, {one.loss:.4f} nats lost, at {one.price:.2e} nats a bit", err=True)


def encoded(network: "CompressedNetwork", output: Path, how: "Settings") -> bytes:
    """The file's bytes. Raises Failure where they are more than allowed."""
    from repro.formats import files, released

    if output.suffix == ".net":
        content = released.encode(network)
    else:
        content = files.encode(network, how.coder or ("context" if how.rounds else "huffman"))
    if how.max_bytes is not None and len(content) > how.max_bytes:
        raise Failure(
            f"{output} would have {len(content):,} bytes, more than --max-bytes {how.max_bytes:,}: not written"
        )
    return content


def write(path: Path, content: bytes) -> None:
    """Write a file, and remove what killed writers of it left."""
    sweep(path)
    write_atomic(path, content)


def show_stages(stages: "Sequence[Stage]", notes: list[str], output_format: str) -> None:
    """A row for each stage."""
    columns = [
        Column("stage"),
        Column("density", "weights kept", "right", ".1%"),
        Column("bytes", align="right", format=",d"),
        Column("ratio", align="right", format=".1f"),
    ]
    if any(stage.loss is not None for stage in stages):
        columns.append(Column("loss", "loss, nats", "right", ".4f"))
    rows = [
        {
            "stage": stage.name,
            "density": stage.network.density,
            "bytes": stage.bytes,
            "ratio": 4 * stage.network.parameters / stage.bytes,
            "loss": stage.loss,
        }
        for stage in stages
    ]
    Table(f"{stages[0].network.network}, compressed", columns, rows, notes).print(output_format)


@click.command("decompress", epilog=DECOMPRESS_EXAMPLES)
@click.argument("path", metavar="FILE", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The file to write: .safetensors or .net.")
def decompress_command(path: Path, output: Path) -> None:
    """Write a compressed network's weights as they are computed with: exactly those that were written into it."""
    from repro.formats import files, released, weights

    network = files.open_network(path)
    sweep(output)
    match output.suffix:
        case ".net":
            write_atomic(output, released.encode(network))
        case ".safetensors":
            weights.save(files.module(network), output, network.network, network.options, network.inputs, network.card)
        case suffix:
            raise unknown("kind of file", suffix or output.name, [".safetensors", ".net"], str(output))
    say(f"{output}: {network.network}, {network.parameters:,} parameters, {network.nonzero:,} kept")
