"""`repro import` and `repro export`."""

from pathlib import Path

import click

from repro import models
from repro.cli import options
from repro.cli.summary import read_options, read_size
from repro.cli.terminal import say
from repro.errors import BadInput, unknown

IMPORT_EXAMPLES = """\b
Examples:
  repro import squeezenet1_0.pth --model squeezenet -o squeezenet.safetensors
  repro import compressed_SqueezeNet.net -o released.safetensors
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
@click.option("-o", "--output", type=FILE, required=True, help="The safetensors file to write.")
def import_command(path: Path, model: str | None, pairs: tuple[str, ...], output: Path) -> None:
    """Bring weights of torchvision (.pth), Keras (.h5), Caffe (.caffemodel), the released compressed SqueezeNet (.net)
    or safetensors into a network.

    Names are mapped, layouts transposed, shapes checked; nothing in the file is run.
    """
    from repro.formats import released, weights

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
    weights.save(imported.module, output, model, chosen, imported.inputs)
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
    from repro.formats import weights
    from repro.formats.onnx import export_onnx

    if not path.is_file():
        raise BadInput(f"{path}: there is no such file")
    if path.suffix in (".sqz", ".net"):
        raise BadInput(f"{path} is a compressed network; first: repro decompress {path} -o {path.stem}.safetensors")
    model, chosen, inputs = weights.described(path)
    module = weights.load(path)
    match output.suffix:
        case ".safetensors":
            weights.save(module, output, model, chosen, inputs)
            say(str(output))
        case ".onnx":
            shape = read_size(size) if size else models.input_shape(model, chosen)
            found = export_onnx(module, output, shape)
            say(
                f"{output}: largest difference {found.difference:.2g}, "
                f"same class on {found.agreement:.0%} of {found.images} random images"
            )
        case suffix:
            raise unknown("kind of file", suffix or output.name, [".safetensors", ".onnx"], str(output))
