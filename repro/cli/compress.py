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
    from repro.formats.shared import CompressedNetwork, Inputs

COMPRESS_EXAMPLES = """\b
Examples:
  repro compress compressed_SqueezeNet.net --bits 8 -o lossless.sqz
  repro compress compressed_SqueezeNet.net --max-bytes 470000 -o small.sqz
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
CALIBRATION = 128  # photographs

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
    help="Bits per weight: 1 to 8; 32: no sharing; mixed: chosen per layer.  [default: 8, mixed with --max-bytes]",
)
@click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Maximum file size in bytes; bits are spent where they matter most.",
)
@click.option(
    "--coder",
    type=click.Choice(["none", "gaps", "huffman", "ans"]),
    default="huffman",
    show_default=True,
    help="How codes and index are coded; gaps: only the index; ans needs constriction.",
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
    help=f"Weigh errors by what images, without labels, tell of them.  [default: {CALIBRATION} for mixed, else none]",
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
    """Compress a network into a file: prune, share weights, code; the size of each stage is shown.

    WEIGHTS is a .safetensors, .net or .sqz file, RUN the first digits of a run's identity. With --max-bytes (bits:
    mixed) every layer gets the precision at which the network's answers change least for the bytes.
    """
    from repro import models
    from repro.compression import stages
    from repro.compression.prune import densities
    from repro.formats import container, released
    from repro.storage import sweep, write_atomic

    if output.suffix not in (".sqz", ".net"):
        raise unknown("kind of file", output.suffix or output.name, [".sqz", ".net"], str(output))
    width = read_bits(bits, max_bytes)
    network = find_network(source, results_dir)
    parts = [("weights", network, 4 * network.parameters)]
    if density is not None:
        chosen = densities(density, models.architecture(network.network, network.options))
        network = stages.prune(network, chosen)
        parts.append(("pruned", network, len(container.encode(network, coder))))
    if svd is not None:
        if density or bits or max_bytes:
            raise BadInput("--svd: low-rank weights are neither pruned nor shared; leave the other options out")
        network = stages.factor(network, svd)
        width = 32
    if width is None or calibrate:
        network_inputs = inputs_of(network, data, normalisation)
        seen = calibrated(network, network_inputs, data_dir, calibrate or CALIBRATION)
    if width is None:
        assert max_bytes is not None
        network, _ = stages.within(network, seen, max_bytes, coder, told)
    elif width < 32:
        importance = None
        if calibrate:
            importance = {
                name: stages.importance(one, network.arrays()[f"{name}.weight"]) for name, one in seen.items()
            }
        network = stages.share(network, width, init, importance)
    content = released.encode(network) if output.suffix == ".net" else container.encode(network, coder)
    size = len(content)
    if max_bytes is not None and size > max_bytes:
        raise Failure(f"{output} would have {size:,} bytes, more than --max-bytes {max_bytes:,}: not written")
    sweep(output)
    write_atomic(output, content)
    parts.append((f"coded, {output}", network, size))
    rows = [
        {
            "stage": stage,
            "density": found.density,
            "bytes": count,
            "ratio": 4 * found.parameters / count,
        }
        for stage, found, count in parts
    ]
    columns = [
        Column("stage"),
        Column("density", "weights kept", "right", ".1%"),
        Column("bytes", align="right", format=",d"),
        Column("ratio", align="right", format=".1f"),
    ]
    Table(f"{network.network}, compressed", columns, rows).print(output_format)


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


def read_bits(bits: str | None, max_bytes: int | None) -> int | None:
    """Bits of a code; None = mixed. Raises BadInput for what is neither, and for a budget that nothing can keep."""
    if bits is None:
        return None if max_bytes else 8
    if bits == "mixed":
        if not max_bytes:
            raise BadInput("--bits mixed: give --max-bytes, the size to spend")
        return None
    if bits == "32" or (bits.isdigit() and 1 <= int(bits) <= 8):
        return int(bits)
    raise BadInput(f"--bits {bits}: give 1 to 8, mixed, or 32 for weights that share no values")


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


def calibrated(network: "CompressedNetwork", inputs: "Inputs", root: Path, count: int) -> Any:
    """Statistics of the network's layers over calibration images, told as they come."""
    from repro.compression import calibration
    from repro.formats import files
    from repro.running.images import images_for

    images = images_for(network, inputs, root, "calibration", count)
    total = len(images.labels)
    say(f"calibrating on {total:,} images of {images.title}, without labels", err=True)
    return calibration.calibrate(
        files.module(network), lambda index: images.prepare(images.images[index : index + 1]), total
    )


def told(price: float, size: int) -> None:
    say(f"{size:,} bytes at {price:.2e} nats a bit", err=True)
