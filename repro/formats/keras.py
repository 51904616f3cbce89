"""Read Keras `.h5` weights: kernels in HWIO order, one group per layer, whole models and weights alone.

HDF5's library crashes on some damaged files, and takes minutes and gigabytes for others. So a process of its own, of
bounded memory and time, reads the file and leaves its arrays as safetensors.
"""

import importlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from repro.errors import Failure, to_install
from repro.processes import bound

# Keras's name of a weight, its device suffix `:0` removed -> torch's.
WEIGHTS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


REFUSED = 3  # exit status of the process that reads, the reason on its standard output
ROOM = 2**28  # bytes of memory that it may take, beside four times the file's size
SECONDS = 5  # of processor time that it may take, and one more for each `BYTES_A_SECOND`
BYTES_A_SECOND = 20_000_000


def read(path: Path) -> dict[str, dict[str, np.ndarray]]:
    """{layer: {`weight`, `bias`, ...: array}} in torch's layout: kernels [C_out, C_in, height, width] or [out, in].

    Raises:
        Failure: h5py is not installed, or the file is not readable, damaged or no Keras weights file of version 1 or 2.
    """
    from safetensors.numpy import load_file

    if find_spec("h5py") is None:
        raise Failure(f"reading Keras .h5 files needs h5py: {to_install('keras')}")
    try:
        state = path.stat()
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}") from error
    if not stat.S_ISREG(state.st_mode):
        raise Failure(f"{path} is not a regular file")
    seconds = SECONDS + state.st_size // BYTES_A_SECOND
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "weights.safetensors")
        done = apart(path, target, 4 * state.st_size + ROOM, seconds)
        if done.returncode == REFUSED:
            raise Failure(os.fsdecode(done.stdout))
        if done.returncode == -signal.SIGXCPU:
            raise Failure(f"{path} is damaged: it cannot be read in {seconds} s")
        if done.returncode < 0:
            raise Failure(f"{path} is damaged or not an .h5 file")
        if done.returncode:
            reason = os.fsdecode(done.stderr).strip().splitlines() or [f"exit status {done.returncode}"]
            raise Failure(f"cannot read {path}: {reason[-1]}")
        layers: dict[str, dict[str, np.ndarray]] = {}
        for name, array in load_file(target).items():
            layer, _, kind = name.rpartition(".")
            layers.setdefault(layer, {})[kind] = array
        return layers


def apart(path: Path, target: Path, memory: int, seconds: int) -> "subprocess.CompletedProcess[bytes]":
    """Convert the file in a process of its own."""
    command = [sys.executable, "-m", "repro.formats.keras", str(path), str(target), str(memory), str(seconds)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(command, env=environment, capture_output=True)


def convert(path: Path, target: Path, memory: int, seconds: int) -> int:
    """Write the file's arrays to `target` as `LAYER.KIND`, in at most so much memory and time; the exit status."""
    import h5py
    from safetensors.numpy import save_file

    bound(memory, seconds)
    try:
        try:
            with h5py.File(path, "r") as file:
                found = layers_of(file, path)
        except Failure:
            raise
        except Exception as error:  # h5py raises many kinds for a damaged file
            raise Failure(f"{path} is damaged or not an .h5 file") from error
    except Failure as failure:
        sys.stdout.buffer.write(os.fsencode(str(failure)))
        return REFUSED
    save_file({f"{layer}.{kind}": array for layer, arrays in found.items() for kind, array in arrays.items()}, target)
    return 0


def layers_of(file: Any, path: Path) -> dict[str, dict[str, np.ndarray]]:
    """The layers of an open file, as `read` returns them. Raises Failure where it holds something else."""
    refuse_links(file, path)
    root: Any = file.get("model_weights", file)  # a whole model keeps its weights one level down
    if "layer_names" not in root.attrs:
        raise Failure(f"{path} is not a Keras weights file of version 1 or 2: it lists no layers")
    layers, room = {}, path.stat().st_size
    for name in texts(root.attrs["layer_names"]):
        layers[name] = weights(root[name], name, path, room)
        room -= sum(array.size for array in layers[name].values())
    return layers


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
        found[WEIGHTS[kind]] = np.ascontiguousarray(array)  # as safetensors needs it
    return found


def texts(names: Any) -> list[str]:
    """Names as text: h5py hands out bytes or str, depending on who wrote the file."""
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


if __name__ == "__main__":
    sys.exit(convert(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
