"""Import weights of other programs, checked layer by layer, and keep weights as safetensors.

Read are torchvision's `.pth`, Keras's `.h5`, Caffe's `.caffemodel`, the released `.net` and `.safetensors`. Nothing of
a file is ever run: of a pickle, torch's restricted reader takes plain tensors and refuses all else.
"""

import hashlib
import json
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

import repro
from repro import models
from repro.data.sets import imagenet_val
from repro.errors import BadInput, Failure, unknown
from repro.formats import caffe, card, keras, released
from repro.formats.card import Card
from repro.formats.shared import UNKNOWN, Inputs, Normalisation, dense
from repro.models import architecture, build, canonical
from repro.models.layers import Architecture, Linear, MaxPool
from repro.storage import replacing

CAFFE_NOTE = "Caffe takes BGR images from 0 to 255, less the means 104, 117 and 123"
NAMED = 4  # so many layers are named in an error; the rest are counted


class Imported(NamedTuple):
    """A network with weights from a file, in evaluation mode, and what its user must know of them.

    inputs: the images that the library which wrote the file gives its ImageNet networks.
    """

    module: nn.Module
    notes: tuple[str, ...]
    inputs: Inputs = UNKNOWN


def import_weights(path: Path, network: str, options: Mapping[str, Any]) -> Imported:
    """Build the network and give it the file's weights; every tensor must be there and fit.

    Raises:
        BadInput: the file's suffix is not among those read, or network or options are unknown.
        Failure: the file is not readable, or its layers are not the network's: the first ones that differ are named.
    """
    definition = architecture(network, options)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise unknown("kind of weights file", suffix or path.name, READERS, str(path))
    found, notes = READERS[suffix](path, definition)
    inputs = UNKNOWN
    if suffix in KERAS:
        inputs = Inputs(normalisation="none")
    elif definition.classes == imagenet_val.CLASSES and suffix in NORMALISATIONS:
        inputs = Inputs(imagenet_val.NAME, 0, NORMALISATIONS[suffix])
    return Imported(assemble(found, network, options, path), notes, inputs)


def save(
    module: nn.Module,
    path: Path,
    network: str,
    options: Mapping[str, Any],
    inputs: Inputs = UNKNOWN,
    about: Card | None = None,
) -> None:
    """Write weights and what they belong to as one safetensors file, atomically.

    Args:
        inputs: the images that the network takes, where that is known.
        about: the same for who reads the file without this program.

    Raises:
        BadInput: network or options are unknown.
        Failure: the module is not that network, or the file cannot be written.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    check(state, empty(network, options), layers_of(network, options), str(path))
    metadata = {
        "network": network,
        "options": json.dumps(canonical(network, options), sort_keys=True),
        "repro": repro.__version__,
        "sha256": fingerprint(state),
    }
    if inputs != UNKNOWN:
        metadata["inputs"] = msgspec.json.encode(inputs).decode()
    if about is not None:
        metadata |= card.texts(about)
    with replacing(path) as partial:
        try:
            # Tensor by tensor: put together in memory, AlexNet's file takes another 218 MB.
            safetensors.torch.save_file(state, partial, metadata)
        except SafetensorError as error:  # no space, say
            raise OSError(str(error)) from error


def load(path: Path, sealed: bool = False) -> nn.Module:
    """The network that `save` wrote, in evaluation mode, rebuilt from the file alone.

    Args:
        sealed: a file without a hash of its tensors is refused too; older versions of the project wrote such files.

    Raises:
        Failure: the file is not readable, damaged, or does not say which network it holds.
    """
    network, options, _ = described(path)
    if not sealed and not models.defined(network):
        raise Failure(f"{path} is of {network}, whose file would be executed: this is done for runs of the study alone")
    found, _ = read_safetensors(path, layers_of(network, options))
    with safe_open(path, "pt") as file:
        seal = (file.metadata() or {}).get("sha256")
    if seal is None and sealed:
        raise Failure(f"{path} has no hash of its tensors")
    if seal is not None and seal != fingerprint(found):
        raise Failure(f"{path} is damaged: its tensors have changed since it was written")
    return assemble(found, network, options, path)


def fingerprint(state: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and numbers of tensors on the CPU, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        numbers: Any = tensor.contiguous().reshape(-1).view(torch.uint8).numpy()
        digest.update(numbers)
    return digest.hexdigest()


def assemble(found: Mapping[str, Tensor], network: str, options: Mapping[str, Any], path: Path) -> nn.Module:
    """The network with the tensors found in a file. Raises Failure where they do not fit."""
    module = empty(network, options)
    check(found, module, layers_of(network, options), str(path))
    state = {
        name: found[name].to(wanted.dtype, copy=True) if name in found else torch.zeros_like(wanted, device="cpu")
        for name, wanted in module.state_dict().items()
    }
    module.load_state_dict(state, assign=True)
    return module.eval()


def empty(network: str, options: Mapping[str, Any]) -> nn.Module:
    """The network without numbers in it: costs no memory and draws nothing from torch's generator."""
    with torch.device("meta"):
        return build(network, **options)


def layers_of(network: str, options: Mapping[str, Any]) -> Architecture | None:
    """The published layers of a network; None of one of a study's own."""
    return architecture(network, options) if models.defined(network) else None


def check(found: Mapping[str, Tensor], module: nn.Module, definition: Architecture | None, where: str) -> None:
    """Raises Failure naming the layers that are missing, not in the network, or of another shape."""
    wanted = module.state_dict()
    layers = {path: layer for layer, path in definition.paths().items()} if definition else {}

    def published(name: str) -> str:
        """A tensor by its layer's published name: `fire2/squeeze1x1 weight`."""
        prefix, _, kind = name.rpartition(".")
        return f"{layers.get(prefix, prefix)} {kind}"

    complaints = []
    for name, tensor in wanted.items():
        # The counter of a batch norm, which only torch writes and no evaluation uses, may be missing.
        if name not in found and not name.endswith("num_batches_tracked"):
            complaints.append(f"{published(name)} is missing")
        elif name in found and found[name].shape != tensor.shape:
            shapes = f"{list(found[name].shape)} in the file and {list(tensor.shape)} in the network"
            complaints.append(f"{published(name)} is {shapes}")
    complaints += [f"{published(name)} is not in the network" for name in found if name not in wanted]
    if complaints:
        more = f"; and {len(complaints) - NAMED} more" if len(complaints) > NAMED else ""
        raise Failure(f"{where} does not fit: {'; '.join(complaints[:NAMED])}{more}")


def described(path: Path) -> tuple[str, dict[str, Any], Inputs]:
    """Network, options and inputs that a file of `save` holds. Raises Failure where it names none that there is."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise unreadable(path, "a safetensors file", error) from error
    try:
        options = json.loads(metadata["options"])
        if not isinstance(options, dict):
            raise ValueError
        inputs = msgspec.json.decode(metadata.get("inputs", "{}"), type=Inputs)
        canonical(metadata["network"], options)
        return metadata["network"], options, inputs
    except BadInput as error:
        raise Failure(f"{path} holds a network that is not known here: {error}") from error
    except (KeyError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Failure(f"{path} does not say which network it holds: import it with the network's name") from error


def card_in(path: Path) -> Card | None:
    """The card in a safetensors file. Raises Failure where that is damaged."""
    try:
        with safe_open(path, "pt") as file:
            return card.read(file.metadata() or {}, path)
    except (OSError, SafetensorError) as error:
        raise unreadable(path, "a safetensors file", error) from error


# --- one reader per kind of file: path and architecture -> state dict and notes ---------------------------------------


def read_torch(path: Path, definition: Architecture) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """A `.pth` or `.pt` of plain tensors, bare or under `state_dict`; `module.` of DataParallel is cut off."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
                    raise Failure(f"{path} is packed, which torch's own files never are: refused")
        with warnings.catch_warnings():
            # torch warns of pickles that other programs wrote; here they are read or refused, in one line.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Failure:
        raise
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"asks to run {asked[1]}" if asked else "is damaged or no file of tensors"
        raise Failure(f"{path} {what}: refused, only plain tensors are read") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise unreadable(path, "a file of tensors", error) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(map(is_plain, content.values())):
        raise Failure(f"{path} is not a state dict: it holds more than named tensors")
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}, ()


def read_safetensors(path: Path, definition: Architecture | None) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """A `.safetensors` file with state-dict names."""
    try:
        return safetensors.torch.load_file(path), ()
    except (OSError, SafetensorError) as error:
        raise unreadable(path, "a safetensors file", error) from error


def read_keras(path: Path, definition: Architecture) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """A Keras `.h5`: layers named as in the first seed (`conv`, `fire2/squeeze1x1`) or the third (`fire2_squeeze`)."""
    if any(isinstance(layer, Linear) for layer in definition.layers):
        # A dense layer after a map expects its numbers in another order, and no source has such a file.
        raise BadInput(f"{path}: Keras files are read for networks without dense layers only")
    found, paths = {}, definition.paths()
    for layer, arrays in keras.read(path).items():
        for kind, array in arrays.items():
            found[state_name(common_name(layer), kind, paths)] = as_tensor(array)
    return found, ("Keras takes RGB images from 0 to 1", *pool_note(definition, "Keras", ceil=False))


def read_caffe(path: Path, definition: Architecture) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """A `.caffemodel`: layers named as in the paper (`fire2/squeeze1x1`, `fc6`)."""
    found, grouped, paths = {}, [], definition.paths()
    for layer in caffe.read(path):
        for kind, array in zip(("weight", "bias"), layer.arrays, strict=False):
            found[state_name(layer.name, kind, paths)] = as_tensor(array)
        if layer.groups > 1:
            grouped.append(f"{layer.name} in {layer.groups}")
    if grouped:
        named = ", ".join(grouped[:NAMED]) + (", ..." if len(grouped) > NAMED else "")
        raise Failure(f"{path} has convolutions in groups ({named}), which no network here has")
    return found, (CAFFE_NOTE, *pool_note(definition, "Caffe", ceil=True))


def read_released(path: Path, definition: Architecture) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """The released Deep Compression SqueezeNet, or another network of convolutions in its format (`.net`)."""
    found = released.decode(released.content(path), definition, str(path))
    return {name: as_tensor(dense(tensor)) for name, tensor in found.items()}, (CAFFE_NOTE,)


READERS: dict[str, Callable[[Path, Architecture], tuple[dict[str, Tensor], tuple[str, ...]]]] = {
    ".pth": read_torch,
    ".pt": read_torch,
    ".safetensors": read_safetensors,
    ".h5": read_keras,
    ".hdf5": read_keras,
    ".caffemodel": read_caffe,
    ".net": read_released,
}
KERAS = (".h5", ".hdf5")
# What ImageNet networks from such a file take.
NORMALISATIONS: dict[str, Normalisation] = {
    ".pth": "imagenet",
    ".pt": "imagenet",
    ".caffemodel": "caffe",
    ".net": "caffe",
}


def common_name(layer: str) -> str:
    """The paper's name for a Keras layer: `conv` -> `conv1`, `fire2_expand_1x1` -> `fire2/expand1x1`."""
    if layer == "conv":
        return "conv1"
    fire = re.fullmatch(r"(fire\d+)[/_](squeeze|expand)_?(1x1|3x3)?", layer)
    return f"{fire[1]}/{fire[2]}{fire[3] or '1x1'}" if fire else layer


def state_name(layer: str, kind: str, paths: Mapping[str, str]) -> str:
    """The state dict's name of a layer's tensor; a layer that the network has not got keeps its own name."""
    return f"{paths.get(layer, layer)}.{kind}"


def pool_note(definition: Architecture, library: str, ceil: bool) -> tuple[str, ...]:
    """A word on pools that round their size otherwise than the library which trained the weights."""
    if all(layer.ceil == ceil for layer in definition.layers if isinstance(layer, MaxPool)):
        return ()
    return (f"{library} rounds the size of pooled maps {'up' if ceil else 'down'}, this network does not",)


def as_tensor(array: np.ndarray) -> Tensor:
    """A tensor that owns its numbers, in row-major order."""
    return torch.from_numpy(np.array(array, np.float32, order="C"))


def is_plain(value: Any) -> bool:
    """Whether this is a tensor of real numbers, stored one by one; one on torch's `meta` device has none."""
    if not isinstance(value, Tensor) or value.device.type != "cpu" or value.layout is not torch.strided:
        return False
    return not (value.is_quantized or value.is_complex())


def unreadable(path: Path, kind: str, error: Exception) -> Failure:
    """The error for a file that cannot be opened or is not what its suffix says."""
    if isinstance(error, OSError) and not path.is_file():
        return Failure(f"cannot read {path}: no such file")
    if isinstance(error, OSError) and error.strerror:
        return Failure(f"cannot read {path}: {error.strerror}")
    return Failure(f"{path} is damaged or not {kind}")
