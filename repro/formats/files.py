"""Read and write networks in any kind of file: compressed (`.sqz`), as released (`.net`), plain (`.safetensors`)."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from repro.errors import BadInput, unknown
from repro.formats import container, released, version2
from repro.formats.coding import CODERS, Coder
from repro.formats.shared import CompressedNetwork

if TYPE_CHECKING:
    from torch import nn

Format = Coder | Literal["context"]
FORMATS: tuple[Format, ...] = (*CODERS, "context")
SUFFIXES = (".sqz", ".net", ".safetensors")


def encode(network: CompressedNetwork, coder: Format = "context") -> bytes:
    """A `.sqz` file: of the second version by the context coder, of the first by any other.

    Raises:
        BadInput: the tensors are not the network's, or the coder cannot have them.
        Failure: the coder's library is not installed, or the network is larger than what is read again.
    """
    return version2.encode(network) if coder == "context" else container.encode(network, coder)


def decode(data: bytes, where: str) -> CompressedNetwork:
    """The network in the bytes of a `.sqz` file of either version. Raises Failure where they are damaged."""
    return (version2 if data[:4] == version2.MAGIC else container).decode(data, where)


def open_network(path: Path) -> CompressedNetwork:
    """The network in a file, of the kind that its suffix says.

    Raises:
        BadInput: there is no such file, or its suffix is not among those read.
        Failure: it is damaged, or does not say which network it holds.
    """
    if not path.is_file():
        raise BadInput(f"{path}: there is no such file")
    match path.suffix.lower():
        case ".sqz":
            return decode(released.content(path), str(path))
        case ".net":
            return released.read(path)
        case ".safetensors":
            from repro.formats import weights

            network, options, inputs = weights.described(path)
            state = weights.load(path).state_dict()
            tensors = {name: state[name].numpy() for name in container.shapes_of(network, options)}
            return CompressedNetwork(network, options, tensors, inputs, weights.card_in(path))
    hint = "`repro import` reads files of other programs"
    raise BadInput(f"{unknown('kind of file', path.suffix or path.name, SUFFIXES, str(path))}; {hint}")


def module(network: CompressedNetwork) -> "nn.Module":
    """The network as a torch module, in evaluation mode."""
    import torch

    from repro.formats import weights

    found = {name: torch.from_numpy(array.copy()) for name, array in network.arrays().items()}
    return weights.assemble(found, network.network, network.options, Path("the network"))
