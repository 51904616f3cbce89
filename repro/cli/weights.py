"""`repro import` and `repro export`: weights from other programs, and networks as safetensors or ONNX."""

from pathlib import Path
from typing import Any

import click

from repro import models
from repro.cli import options
from repro.cli.summary import read_options, read_size
from repro.cli.terminal import say
from repro.errors import BadInput, unknown
from repro.storage import sweep

IMPORT_EXAMPLES = """\b
Examples:
  repro import squeezenet1_0.pth --model squeezenet -o squeezenet.safetensors
  repro import compressed_SqueezeNet.net -o released.safetensors
  repro import cifar.h5 --model mini-squeezenet --data cifar10 -o mini.safetensors
  repro import squeezenet_v1.1.caffemodel --model squeezenet --option version=1.1 -o v1.1.safetensors
"""
EXPORT_EXAMPLES = """\b
Examples:
  repro export squeezenet.safetensors -o squeezenet.onnx
  repro export squeezenet.safetensors --input 3x227x227 -o squeezenet.onnx
"""
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("import", epilog=IMPORT_EXAMPLES)
@click.argument("path", metavar="FILE", type=FILE)
@click.option(
    "--model",
    shell_complete=options.complete_networks,
    help="The network the weights belong to.  [default: squeezenet for .net files]",
)
@click.option("--option", "pairs", multiple=True, metavar="NAME=VALUE", help="An option of the network.")
@click.option("--data", metavar="DATASET", help="What it was trained on: its classes and means are stored.")
@click.option(
    "--normalisation",
    type=click.Choice(options.NORMALISATIONS),
    help="How its images are normalised; `repro evaluate --help` explains each.  [default: as the library does]",
)
@options.data_dir
@click.option("-o", "--output", type=FILE, required=True, help="The safetensors file to write.")
def import_command(
    path: Path,
    model: str | None,
    pairs: tuple[str, ...],
    data: str | None,
    normalisation: Any,
    data_dir: Path,
    output: Path,
) -> None:
    """Bring weights of torchvision (.pth), Keras (.h5), Caffe (.caffemodel), the released compressed SqueezeNet (.net)
    or safetensors into a network.

    Names are mapped, layouts transposed, shapes checked; nothing in the file is run. What is known of the images is
    stored with the weights (docs/architecture.md), and `repro evaluate` goes by it.
    """
    from repro.formats import card, released, weights
    from repro.formats.shared import Inputs

    chosen = read_options(pairs)
    if model is None and path.suffix == ".net":
        model, chosen = released.NETWORK, {**released.OPTIONS, **chosen}
    if model is None:
        raise BadInput(f"--model: which network do the weights in {path} belong to?")
    if model not in models.NETWORKS:
        raise unknown("network", model, models.NETWORKS)
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file")
    if output.suffix != ".safetensors":
        raise unknown("kind of file", output.suffix or output.name, [".safetensors"], str(output))
    imported = weights.import_weights(path, model, chosen)
    inputs = Inputs(
        data or imported.inputs.data, imported.inputs.pixels, normalisation or imported.inputs.normalisation
    )
    channels, pixels, _ = models.input_shape(model, chosen)
    about = card.of_inputs(inputs, channels, pixels, models.architecture(model, chosen).classes, data_dir)
    sweep(output)
    weights.save(imported.module, output, model, chosen, inputs, about)
    count = sum(parameter.numel() for parameter in imported.module.parameters())
    say(f"{output}: {model}, {count:,} parameters")
    for note in imported.notes:
        say(f"  {note}")


@click.command("export", epilog=EXPORT_EXAMPLES)
@click.argument("path", metavar="WEIGHTS", type=FILE)
@click.option("--input", "size", metavar="CxHxW", help="Size of the input.  [default: the network's own]")
@click.option("-o", "--output", type=FILE, required=True, help="The file to write: .safetensors or .onnx.")
def export_command(path: Path, size: str | None, output: Path) -> None:
    """Write a network that `repro import` or a run left as safetensors or ONNX; ONNX is verified in onnxruntime."""
    import msgspec

    from repro.formats import card, weights
    from repro.formats.onnx import export_onnx

    if not path.is_file():
        raise BadInput(f"{path}: there is no such file")
    if path.suffix in (".sqz", ".net"):
        raise BadInput(f"{path} is a compressed network; first: repro decompress {path} -o {path.stem}.safetensors")
    model, chosen, inputs = weights.described(path)
    module, about = weights.load(path), weights.card_in(path)
    sweep(output)
    match output.suffix:
        case ".safetensors":
            weights.save(module, output, model, chosen, inputs, about)
            say(str(output))
        case ".onnx":
            own = about.input if about else models.input_shape(model, chosen)
            shape = read_size(size) if size else own
            if about:
                about = msgspec.structs.replace(about, input=shape)
            found = export_onnx(module, output, shape, texts=card.texts(about) if about else {})
            say(
                f"{output}: largest difference {found.difference:.2g}, "
                f"same class on {found.agreement:.0%} of {found.images} random images"
            )
        case suffix:
            raise unknown("kind of file", suffix or output.name, [".safetensors", ".onnx"], str(output))
