"""`repro compress`, `repro decompress`, `repro inspect` and `repro evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.cli import options
from repro.cli.terminal import say
from repro.data import DATASETS
from repro.errors import BadInput, Failure, unknown
from repro.planning.plan import weights_file
from repro.records import Store
from repro.reporting.table import Column, Estimate, Table

if TYPE_CHECKING:
    from repro.compression.rounding import Rounded
    from repro.formats.shared import CompressedNetwork, Inputs

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
INSPECT_EXAMPLES = """\b
Examples:
  repro inspect net.sqz
  repro inspect net.sqz --format json
  repro inspect compressed_SqueezeNet.net
"""
EVALUATE_EXAMPLES = """\b
Examples:
  repro evaluate compressed_SqueezeNet.net
  repro evaluate small.sqz --against compressed_SqueezeNet.net --half measuring
  repro evaluate net.safetensors --data cifar10 --normalisation data
"""
FILE = click.Path(path_type=Path, dir_okay=False)
CALIBRATION = 400  # photographs

IN_MEMORY = [name for name, info in DATASETS.items() if not info.published_bytes]
# Which images a network takes, and where they and the runs are.
places = options.stack(
    click.option(
        "--data",
        metavar="DATASET",
        help=f"{', '.join(IN_MEMORY)} or imagenet-val.  [default: what it was trained on, where known]",
    ),
    click.option(
        "--normalisation",
        type=click.Choice(options.NORMALISATIONS),
        help="How images are normalised. data: by the data set's own means and deviations. half: to -1..1. none: only "
        "scaled to 0..1. image: each by its own. imagenet: by ImageNet's. caffe: BGR from 0 to 255 less its means.  "
        "[default: as in training, where known]",
    ),
    options.data_dir,
    options.results_dir,
)


@click.command("compress", epilog=COMPRESS_EXAMPLES)
@click.argument("source", metavar="WEIGHTS|RUN")
@click.option(
    "--density",
    metavar="SHARES",
    help="Prune first, to the share of weights kept: one for all, LAYER=SHARE,..., or table1, alexnet: published ones.",
)
@click.option("--svd", type=click.FloatRange(0, 1), metavar="SHARE", help="Low-rank weights of at most that share.")
@click.option(
    "--bits",
    default=None,
    metavar="N",
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
    help=f"Weigh errors by what images, without labels, tell of them.  [default: {CALIBRATION} to round, else none]",
)
@places
@click.option("-o", "--output", type=FILE, required=True, help="The file to write: .sqz, or .net as it was released.")
@options.output_format
def compress_command(
    source: str,
    density: str | None,
    svd: float | None,
    bits: str | None,
    max_bytes: int | None,
    max_loss: float | None,
    frontier: bool,
    coder: Any,
    init: Any,
    calibrate: int | None,
    data: str | None,
    normalisation: Any,
    data_dir: Path,
    results_dir: Path,
    output: Path,
    output_format: str,
) -> None:
    """Compress a network into a file: prune, share or round weights, code; the size of each stage is shown.

    WEIGHTS is a .safetensors, .net or .sqz file, RUN the first digits of a run's identity. With --max-bytes, --max-loss
    or --frontier every weight is rounded so that the network's answers change least for the bytes.
    """
    if output.suffix not in (".sqz", ".net"):
        raise unknown("kind of file", output.suffix or output.name, [".sqz", ".net"], str(output))
    rounds = max_bytes is not None or max_loss is not None or frontier
    width = read_bits(bits)
    check_together(width, svd, density, max_bytes, max_loss, frontier, coder)
    original = find_network(source, results_dir)
    network, parts = prepared(original, density, svd, coder or "huffman")
    if svd is not None:
        width = 32
    images = None
    if (rounds and not width) or calibrate:
        images = calibration_images(network, inputs_of(network, data, normalisation), data_dir, calibrate)
    if rounds and not width:
        round_to(network, images, parts, output, max_bytes, max_loss, output_format)
        return
    network = shared(network, width or 8, init, images)
    write_within(network, output, coder or "huffman", max_bytes)
    parts.append((f"coded, {output}", network, output.stat().st_size))
    show_stages(parts, output_format)


Part = tuple[str, "CompressedNetwork", int]


def prepared(
    network: "CompressedNetwork", density: str | None, svd: float | None, coder: Any
) -> tuple["CompressedNetwork", list[Part]]:
    """The network pruned or of low rank, and a part for each stage so far."""
    from repro import models
    from repro.compression import stages
    from repro.compression.prune import densities
    from repro.formats import files

    parts: list[Part] = [("weights", network, 4 * network.parameters)]
    if density is not None:
        network = stages.prune(network, densities(density, models.architecture(network.network, network.options)))
        parts.append(("pruned", network, len(files.encode(network, coder))))
    if svd is not None:
        network = stages.factor(network, svd)
    return network, parts


def shared(network: "CompressedNetwork", width: int, init: Any, images: Any) -> "CompressedNetwork":
    """The network with codes of so many bits, errors weighed by what images tell, if any; of 32 bits as it is."""
    from repro.compression import stages
    from repro.running.calibrating import calibrated

    if width == 32:
        return network
    arrays = network.arrays()
    seen = calibrated(network, images, len(images.labels)) if images else {}
    importance = {name: stages.importance(one, arrays[f"{name}.weight"]) for name, one in seen.items()}
    return stages.share(network, width, init, importance or None)


def round_to(
    network: "CompressedNetwork", images: Any, parts: list[Part], output: Path, max_bytes: int | None,
    max_loss: float | None, output_format: str,
) -> None:  # fmt: skip
    """Round to a size, to a loss, or to all points of a frontier; write what comes out."""
    from repro.compression.rounding import Rounder
    from repro.formats import files
    from repro.running.calibrating import calibrated
    from repro.storage import sweep, write_atomic

    if output.suffix != ".sqz":
        raise BadInput(f"{output}: rounded weights share no values, which .net needs; give a .sqz file")
    rounder = Rounder(network, calibrated(network, images), images.prepare(images.images))
    if max_bytes is not None:
        found = {output: rounder.within_bytes(max_bytes, told)}
    elif max_loss is not None:
        found = {output: rounder.within_loss(max_loss, told)}
    else:
        found = {output.with_stem(f"{output.stem}-{one.bytes}"): one for one in rounder.frontier(told)}
    losses = {}
    for path, one in found.items():
        sweep(path)
        write_atomic(path, files.encode(one.network))
        parts.append((f"rounded, {path}", one.network, one.bytes))
        losses[parts[-1][0]] = one.loss
    note = f"Loss: divergence of the answers to {rounder.checked:,} of these images, which took no part in rounding."
    show_stages(parts, output_format, losses, note)


def write_within(network: "CompressedNetwork", output: Path, coder: Any, max_bytes: int | None) -> None:
    """Write a file. Raises Failure where it has more bytes than allowed."""
    from repro.formats import files, released
    from repro.storage import sweep, write_atomic

    content = released.encode(network) if output.suffix == ".net" else files.encode(network, coder)
    if max_bytes is not None and len(content) > max_bytes:
        raise Failure(f"{output} would have {len(content):,} bytes, more than --max-bytes {max_bytes:,}: not written")
    sweep(output)
    write_atomic(output, content)


def show_stages(parts: list[Part], output_format: str, losses: dict[str, float] | None = None, note: str = "") -> None:
    """A row for each stage."""
    rows = [
        {"stage": stage, "density": found.density, "bytes": count, "ratio": 4 * found.parameters / count}
        | ({"loss": losses.get(stage)} if losses else {})
        for stage, found, count in parts
    ]
    columns = [
        Column("stage"),
        Column("density", "weights kept", "right", ".1%"),
        Column("bytes", align="right", format=",d"),
        Column("ratio", align="right", format=".1f"),
    ]
    if losses:
        columns.append(Column("loss", "loss, nats", "right", ".4f"))
    notes = [note] if note else []
    Table(f"{parts[0][1].network}, compressed", columns, rows, notes).print(output_format)


@click.command("decompress", epilog=DECOMPRESS_EXAMPLES)
@click.argument("path", metavar="FILE", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The file to write: .safetensors or .net.")
def decompress_command(path: Path, output: Path) -> None:
    """Write a compressed network's weights as they are computed with: exactly those that were written into it."""
    from repro.formats import files, released, weights
    from repro.storage import sweep, write_atomic

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


@click.command("inspect", epilog=INSPECT_EXAMPLES)
@click.argument("path", metavar="FILE", type=FILE)
@options.output_format
def inspect_command(path: Path, output_format: str) -> None:
    """Where the bytes of a .sqz file, or of the released .net, are: layer by layer, every one accounted for."""
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


@click.command("evaluate", epilog=EVALUATE_EXAMPLES)
@click.argument("source", metavar="WEIGHTS|RUN")
@click.option("--against", metavar="WEIGHTS|RUN", help="Another network on the same images: what is lost against it?")
@click.option(
    "--half",
    type=click.Choice(["all", "calibration", "measuring"]),
    default="all",
    show_default=True,
    help="Of photographs: those that compress calibrates on, or those that it never sees.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first so many images.")
@places
@options.device
@options.output_format
def evaluate_command(
    source: str,
    against: str | None,
    half: Any,
    limit: int | None,
    data: str | None,
    normalisation: Any,
    data_dir: Path,
    results_dir: Path,
    device: str,
    output_format: str,
) -> None:
    """Measure a network on real images: top-1 and top-5 with their 95 % intervals (Wilson)."""
    from repro.formats import files
    from repro.rules.statistics import paired_loss
    from repro.running import classification
    from repro.running.images import images_for
    from repro.training import devices

    chosen, _ = devices.choose(device)
    rows, first = [], None
    for name in [source, *([against] if against else [])]:
        network = find_network(name, results_dir)
        images = images_for(network, inputs_of(network, data, normalisation), data_dir, half, limit)
        logits = classification.scores(files.module(network), images.images, images.prepare, chosen)
        top1, top5 = (classification.right(logits, images.labels, among) for among in (1, 5))
        row = {"network": name, "images": len(images.labels), "top1": estimate(top1), "top5": estimate(top5)}
        if first is not None:
            lost, interval = paired_loss(top1, first[0])
            row |= {
                "lost": Estimate(lost, interval.low, interval.high, len(images.labels), signed=True),
                "agreement": float((first[1].argmax(1) == logits.argmax(1)).float().mean()),
                "divergence": classification.divergence(logits, first[1]),
            }
        first = first or (top1, logits)
        rows.append(row)
    columns = [
        Column("network"),
        Column("images", align="right", format=",d"),
        Column("top1", "top-1, %", "right"),
        Column("top5", "top-5, %", "right"),
    ]
    notes = ["95 % intervals: Wilson's."]
    if against:
        columns += [
            Column("lost", f"{source} loses, points", "right"),
            Column("agreement", "same answer", "right", ".1%"),
            Column("divergence", "divergence, nats", "right", ".4f"),
        ]
        notes.append("Lost: of top-1 on the same images, with Agresti and Min's interval of paired shares.")
    Table(f"{images.title}", columns, rows, notes).print(output_format)


def estimate(right: Any) -> Estimate:
    """A percentage of images with Wilson's interval."""
    from repro.running.classification import share

    found = share(right)
    return Estimate(found.percent, *found.interval, found.total)


def read_bits(bits: str | None) -> int | None:
    """Bits of a code; None = not said. Raises BadInput for what is neither 1 to 8 nor 32."""
    if bits is None:
        return None
    if bits == "32" or (bits.isdigit() and 1 <= int(bits) <= 8):
        return int(bits)
    raise BadInput(f"--bits {bits}: give 1 to 8, or 32 for weights that share no values")


def check_together(
    width: int | None, svd: float | None, density: str | None, max_bytes: int | None, max_loss: float | None,
    frontier: bool, coder: str | None,
) -> None:  # fmt: skip
    """Raises BadInput for options that contradict each other."""
    goals = [name for name, given in (("--max-bytes", max_bytes), ("--max-loss", max_loss), ("--frontier", frontier))
             if given]  # fmt: skip
    if svd is not None and (density or width or goals):
        raise BadInput("--svd: low-rank weights are neither pruned, shared nor rounded; leave the other options out")
    if len(goals) > 1:
        raise BadInput(f"{goals[0]} and {goals[1]}: give one")
    if width and goals and goals != ["--max-bytes"]:
        raise BadInput(f"{goals[0]} rounds every weight by itself; leave --bits out")
    if goals and not width and coder not in (None, "context"):
        raise BadInput(f"--coder {coder}: rounded weights are coded by context; leave it out, or give --bits")


def find_network(source: str, results: Path) -> "CompressedNetwork":
    """The network in a file, or the trained one of a run. Raises BadInput where there is neither."""
    import dataclasses

    from repro.formats import files
    from repro.formats.shared import Inputs

    if Path(source).exists() or "." in source or "/" in source:
        return files.open_network(Path(source))
    found = [record for record in Store(results).all if len(source) >= 4 and record.identity.startswith(source)]
    if len(found) != 1:
        what = "is the beginning of several runs' identities" if found else "is neither a file nor a run's identity"
        raise BadInput(f"{source} {what}; `repro run EXPERIMENT --explain --format json` lists identities")
    run, path = found[0].run, weights_file(found[0].identity)
    if not path.is_file():
        raise BadInput(f"{source}: the run's weights are not here ({path}); only the machine that trained it has them")
    network = files.open_network(path)
    inputs = Inputs(run.data.name, run.data.pixels, run.data.normalisation)
    return dataclasses.replace(network, inputs=inputs)


def inputs_of(network: "CompressedNetwork", data: str | None, normalisation: Any) -> "Inputs":
    """What images the network takes: as it says itself, or as asked."""
    import msgspec

    own = network.inputs
    changes = {"data": data or own.data, "normalisation": normalisation or own.normalisation}
    return msgspec.structs.replace(own, **changes)


def calibration_images(network: "CompressedNetwork", inputs: "Inputs", root: Path, count: int | None) -> Any:
    """The images to calibrate on."""
    from repro.running.images import images_for

    images = images_for(network, inputs, root, "calibration", count or CALIBRATION)
    say(f"calibrating on {len(images.labels):,} images of {images.title}, without labels", err=True)
    return images


def told(one: "Rounded") -> None:
    say(f"{one.bytes:,} bytes, {one.loss:.4f} nats lost, at {one.price:.2e} nats a bit", err=True)
