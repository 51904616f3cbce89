"""Damaged files for libraries that may crash: HDF5 reads Keras's files, onnxruntime the ONNX files written here.

What was found once is kept in the folder `found`: files of a few hundred bytes, made from `small` by `damaged`.
"""

import faulthandler
import gzip
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import torch

from repro.errors import Failure
from repro.formats import keras
from repro.models import build

from ..formats.test_weights import NETWORK, OPTIONS, WRITERS
from .test_untrusted import damaged, refused_or_read

FOUND = sorted((Path(__file__).parent / "found").glob("*.h5.gz"))


def small(path: Path) -> None:
    """A Keras file of one layer, in the format's newest version, the shortest."""
    h5py = pytest.importorskip("h5py", reason="the keras extra is not installed")
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["layer_names"] = [b"conv"]
        group = file.create_group("conv")
        group.attrs["weight_names"] = [b"kernel:0"]
        group.create_dataset("kernel:0", data=np.ones((1, 1, 2, 3), np.float32))


def large(path: Path) -> None:
    """A Keras file of a whole network, in the format's oldest version, as Keras writes it."""
    torch.manual_seed(1)
    WRITERS[".h5"](path, build(NETWORK, **OPTIONS))


def in_child(work: Callable[[], int]) -> CompletedProcess[bytes]:
    """What `work` prints in a fork of this process, and its exit status, which `work` returns, or the signal."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            faulthandler.disable()  # a crash is an outcome here
            sys.stdout = os.fdopen(writing, "w")
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            status = work()
            sys.stdout.flush()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    return CompletedProcess([], os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told, b"")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forks; these do little
@pytest.mark.parametrize("corpus", [small, large])
def test_fuzzed_keras_files(
    corpus: Callable[[Path], None], tmp_path: Path, often, count, monkeypatch: pytest.MonkeyPatch
):
    """Read in forks of this process instead of new ones, 10,000 of which would take hours."""
    path, ends = tmp_path / "weights.h5", Counter()
    corpus(path)
    content, generator, times = path.read_bytes(), random.Random(12), often(30, 500, 5000)

    def forked(*arguments) -> CompletedProcess[bytes]:
        done = in_child(lambda: keras.convert(*arguments))
        ends[done.returncode] += 1
        return done

    monkeypatch.setattr(keras, "apart", forked)
    monkeypatch.setattr(keras, "SECONDS", 1)  # a sound file takes a hundredth of it
    assert not refused_or_read(lambda: keras.read(path))
    refused = 0
    for _ in range(times):
        path.write_bytes(damaged(content, generator))
        refused += refused_or_read(lambda: keras.read(path))
    assert refused > times / 4
    assert set(ends) <= {0, keras.REFUSED} or min(ends) < 0, ends  # no error of ours
    count("damaged .h5 files read: refused in one line, or the damage was in a number", times)
    count("- of these HDF5 crashed, or its time was up, in a process of its own", sum(ends[s] for s in ends if s < 0))


@pytest.mark.parametrize("found", FOUND, ids=lambda path: path.name)
def test_a_keras_file_that_was_found_by_this_is_refused(found: Path, tmp_path: Path):
    """Read by this process itself, HDF5 crashes or has no end."""
    pytest.importorskip("h5py", reason="the keras extra is not installed")
    path = tmp_path / "found.h5"
    path.write_bytes(gzip.decompress(found.read_bytes()))
    with pytest.raises(Failure, match=r"found\.h5 is damaged"):
        keras.read(path)


def test_fuzzed_onnx_files(tmp_path: Path, often, count):
    """Verified against the network that they were written from, which is all that reads them."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package, reason="the onnx extra is not installed")
    from repro.formats.onnx import export_onnx, verify_onnx

    path, size = tmp_path / "network.onnx", (3, 32, 32)
    network = build("mini-squeezenet", final_relu=False)
    export_onnx(network, path, size)
    content, generator, times = path.read_bytes(), random.Random(13), often(30, 500, 10_000)
    refused = 0
    for _ in range(times):
        path.write_bytes(damaged(content, generator))
        refused += refused_or_read(lambda: verify_onnx(network, path, size))
    assert refused > times / 4
    count("damaged .onnx files verified: refused in one line, or the damage was in a number", times)
