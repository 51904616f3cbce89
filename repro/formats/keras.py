"""Reading Keras `.h5` weights: kernels in HWIO order, one group per layer, whole models and weights alone."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import Failure

# Keras's name of a weight, its device suffix `:0` removed -> torch's.
WEIGHTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def read(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """{layer: {`weight`, `bias`, ...: array}} in torch's layout: kernels [C_out, C_in, height, width] or [out, in].

    Raises:
        Failure: h5py is not installed, or the file is not readable, damaged or no Keras weights file of version 1 or 2.
    """
    try:
        import h5py
    except ImportError as error:
        raise Failure("reading Keras .h5 files needs h5py: pip install 'repro[keras]'") from error
    try:
        with h5py.File(path, "r") as file:
            refuse_links(file, path)
            root: Any = file.get("model_weights", file)  # a whole model keeps its weights one level down
            if "layer_names" not in root.attrs:
                raise Failure(f"{path} is not a Keras weights file of version 1 or 2: it lists no layers")
            layers, room = {}, path.stat().st_size
            for name in texts(root.attrs["layer_names"]):
                layers[name] = weights(root[name], name, path, room)
                room -= sum(array.size for array in layers[name].values())
    except FileNotFoundError as error:
        raise Failure(f"cannot read {path}: no such file") from error
    except (AttributeError, KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise Failure(f"{path} is damaged or not an .h5 file") from error
    return {name: arrays for name, arrays in layers.items() if arrays}


def refuse_links(file: Any, path: Path) -> None:
    """Raises Failure where any name in the file stands for something in another file. None of these is opened."""
    h5l: Any = importlib.import_module("h5py.h5l")  # compiled: type checkers do not know it

    def outward(name: bytes, link: Any) -> bytes | None:
        return None if link.type in (h5l.TYPE_HARD, h5l.TYPE_SOFT) else name

    found = file.id.links.visit(outward, info=True)
    if found is not None:
        raise Failure(f"{path}: {texts([found])[0]} is a link to another file, which is not read")


def weights(group: Any, layer: str, path: Path, room: int) -> dict[str, np.ndarray]:
    """The arrays of one layer's group, by torch's names.

    room: numbers that may still come. A file has no more than it has bytes, unless it is packed to fill the memory.
    """
    found = {}
    for name in texts(group.attrs.get("weight_names", ())):
        kind = name.rsplit("/", 1)[-1].split(":")[0]
        if kind not in WEIGHTS:
            raise Failure(f"{path}: {layer} holds {name!r}, which no layer of these networks has")
        # Numbers in other files: HDF5 would read any that the file names.
        if group[name].external or group[name].is_virtual:
            raise Failure(f"{path}: {name} of {layer} lies in another file, which is not read")
        room -= group[name].size
        if room < 0:
            raise Failure(f"{path} states more numbers than it has bytes")
        array = np.asarray(group[name], np.float32)
        if kind == "kernel":
            array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
        found[WEIGHTS[kind]] = array
    return found


def texts(names: Any) -> list[str]:
    """Names as text: h5py hands out bytes or str, depending on who wrote the file."""
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
