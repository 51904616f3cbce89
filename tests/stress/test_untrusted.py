"""Files from others: no code of theirs runs, nothing is written outside, memory stays bounded, errors are one line."""

import hashlib
import io
import os
import random
import resource
import struct
import tarfile
import time
import urllib.error
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from repro import data
from repro.config.specification import Data
from repro.data import cifar, idx
from repro.errors import Failure
from repro.formats import coding, container, files, version2
from repro.formats.weights import import_weights
from repro.judging import ledger
from repro.models import build
from repro.planning import experiments
from repro.planning.plan import checkpoint_file
from repro.records import Store
from repro.running import worker

from ..compression import examples
from ..formats import test_version2
from ..formats.test_container import forged
from ..formats.test_weights import NETWORK, OPTIONS, WRITERS
from ..records.examples import HISTORY, RUN, record
from .workers import CPU, Quiet, outcome, steps

# .h5 and .onnx are in test_fuzzed_native.py: the libraries that read them may crash.
FUZZED = [".pth", ".safetensors", ".caffemodel"]
ROOM = 2**28  # bytes by which reading a small file may raise the process's memory


def damaged(content: bytes, generator: random.Random) -> bytes:
    """The content with some bytes changed, mostly in its head and tail, or cut, or with a piece of it twice."""
    changed = bytearray(content)
    match generator.randrange(4):
        case 0:
            return bytes(changed[: generator.randrange(len(changed))])
        case 1:
            start = generator.randrange(len(changed))
            return bytes(changed[:start] + changed[start // 2 :])
        case _:
            for _ in range(generator.randint(1, 8)):
                near = min(len(changed), 600)
                place = generator.choice([generator.randrange(near), -1 - generator.randrange(near)])
                changed[place] = generator.choice([0, 1, 127, 128, 255, generator.randrange(256)])
            return bytes(changed)


def refused_or_read(read: Callable[[], object]) -> bool:
    """Whether reading was refused, in one line; anything but a `Failure` is let through and fails the test."""
    message = ""
    try:
        read()
    except Failure as failure:
        message = str(failure)
    assert "\n" not in message
    return message != ""


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("suffix", FUZZED)
def test_fuzzed_weights(suffix: str, tmp_path: Path, often, count):
    torch.manual_seed(1)
    path = tmp_path / f"weights{suffix}"
    WRITERS[suffix](path, build(NETWORK, **OPTIONS))
    content, generator, times = path.read_bytes(), random.Random(5), often(30, 2000, 10_000)
    assert not refused_or_read(lambda: import_weights(path, NETWORK, OPTIONS))
    before = peak()
    refused = 0
    for _ in range(times):
        path.write_bytes(damaged(content, generator))
        refused += refused_or_read(lambda: import_weights(path, NETWORK, OPTIONS))
    assert refused > times / 4
    assert peak() - before < ROOM
    count(f"damaged {suffix} files read: refused in one line, or the damage was in a number", times)


def test_fuzzed_image_files(tmp_path: Path, often, count):
    generator, times = random.Random(6), often(100, 5000, 10_000)
    path = tmp_path / "file"
    content = idx.idx(np.zeros((5, 28, 28), np.uint8))
    before = peak()
    for _ in range(times):
        path.write_bytes(damaged(content, generator))
        refused_or_read(lambda: idx.read_idx(path))
        refused_or_read(lambda: cifar.read_batch(path))
    assert peak() - before < ROOM
    count("damaged image files read, as MNIST's and as CIFAR-10's", 2 * times)


def test_fuzzed_records_are_passed_over(tmp_path: Path, often, count):
    """Unless what the damage left says the same."""
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = store.files(RUN, record().identity)[0]
    content, generator, times = path.read_bytes(), random.Random(7), often(300, 20_000, 100_000)
    for _ in range(times):
        path.write_bytes(damaged(content, generator))
        store.problems.clear()
        found = store.read(path)
        assert found == record() or (found is None and str(path) in store.problems[0])
    count("damaged records read: passed over and named", times)


def sealed(content: bytes) -> bytes:
    """The `.sqz` file with checksums that fit it, so that what they guard is read too; one too short stays as it is."""
    begin = 8 + int.from_bytes(content[4:8], "little")
    if len(content) < begin + 8:
        return content
    front, body = content[:begin], content[begin + 4 : -4]
    return front + container.number(zlib.crc32(front)) + body + container.number(zlib.crc32(body))


@pytest.mark.parametrize(
    "encode",
    [lambda: container.encode(examples.network(), "huffman"), lambda: version2.encode(test_version2.network())],
    ids=["version-1", "version-2"],
)
def test_fuzzed_compressed_networks(encode: Callable[[], bytes], tmp_path: Path, often, count):
    """Every second file with checksums that fit."""
    path, content = tmp_path / "network.sqz", encode()
    generator, times = random.Random(9), often(50, 2500, 50_000)
    assert sealed(content) == content
    before = peak()
    refused = 0
    for index in range(times):
        changed = damaged(content, generator)
        path.write_bytes(sealed(changed) if index % 2 else changed)
        refused += refused_or_read(lambda: files.open_network(path))
    assert refused > times / 4
    assert peak() - before < ROOM
    count("damaged .sqz files read, half of them with checksums that fit: refused in one line", times)


def test_fuzzed_experiment_files(tmp_path: Path, often, count):
    """Bytes of a good file changed; `test_fuzzed_experiments.py` changes its settings."""
    path = tmp_path / "mine.toml"
    content = (experiments.folder() / "fire-removal.toml").read_bytes()
    generator, times = random.Random(10), often(50, 2000, 100_000)
    for _ in range(times):
        path.write_bytes(damaged(content, generator))
        experiments.read.cache_clear()
        refused_or_read(lambda: [*experiments.parts(experiments.read(path))])
    experiments.read.cache_clear()
    count("damaged experiment files read: refused in one line, or sound", times)


def test_fuzzed_ledgers(tmp_path: Path, often, count):
    path = tmp_path / "ledger.csv"
    content = b"claim,hash\n" + b"".join(b"claim-%d,%016x\n" % (index, index) for index in range(40))
    generator, times = random.Random(11), often(200, 5000, 100_000)
    for _ in range(times):
        path.write_bytes(damaged(content, generator))
        refused_or_read(lambda: ledger.read(path))
    count("damaged ledgers read: refused in one line, or sound", times)


def test_a_damaged_checkpoint_starts_the_run_again(tmp_path: Path, often, count, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("repro.training.checkpoint.SHARE", 1e9)

    def run(name: str, left: bytes | None = None) -> bytes:
        """Carry out a run, from this checkpoint if it is given; the last checkpoint."""
        monkeypatch.setenv("REPRO_CACHE", str(tmp_path / name / "cache"))
        store, kept = Store(tmp_path / name / "results"), []
        (step,) = steps(store, 1, 2, "notebook-mlp")
        checkpoint = checkpoint_file(step.identity or "")
        if left is not None:
            checkpoint.parent.mkdir(parents=True)
            checkpoint.write_bytes(left)
        with monkeypatch.context() as patch:
            patch.setattr(store, "save", lambda *_: kept.append(checkpoint.read_bytes()) or Store.save(store, *_))
            assert worker.carry_out([step], store, tmp_path, CPU, Quiet()) == 0
        return kept[0]

    content = run("whole")
    expected = outcome(tmp_path / "whole" / "results", tmp_path / "whole" / "cache")
    generator, times = random.Random(8), often(6, 300)
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    others = [b"", b"not a checkpoint", packed({"network": {}, "optimizer": {}, "history": []}), packed([1, 2])]
    others.append(bytes(flipped))
    for index, left in enumerate([*others, *(damaged(content, generator) for _ in range(times))]):
        run(str(index), left)
        assert outcome(tmp_path / str(index) / "results", tmp_path / str(index) / "cache") == expected
    count("damaged checkpoints: the run started again and ended bit-identical", times + len(others))


def packed(content: object) -> bytes:
    """A checkpoint that is sound in itself and not one of ours."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue() + hashlib.sha256(file.getvalue()).digest()


@pytest.mark.usefixtures("full")
def test_a_forged_file_of_as_many_weights_as_are_read_is_refused_soon(count):
    """128 million weights, all kept, one bit a gap and one bit a code: found out by their digest, at the very end."""
    weights = 512 * 250_000
    bits = b"\x3c" * (weights // 8)
    gaps = coding.pack(np.array([1] + 15 * [0]), 4)
    parts = [np.array([1, 2], "<f2").tobytes(), b"\1", bits, gaps, bits]
    fields = {"kind": "shared", "values": 2, "kept": weights, "entries": weights, "lengths": tuple(map(len, parts))}
    content = forged({"classes": 250_000}, "huffman", b"".join(parts), **fields)
    before, began = peak(), time.process_time()
    with pytest.raises(Failure, match="is not what was written"):
        container.decode(content, "it")
    assert time.process_time() - began < 5 + len(content) / 10**7
    assert peak() - before < ROOM + 4 * len(content)
    count("forged .sqz file of as many weights as are read, refused within 5 s and 0.1 s for each MB", 1)


# --- files that fill the memory ---------------------------------------------------------------------------------------


def test_weights_packed_to_fill_the_memory_are_refused(tmp_path: Path):
    whole, bomb = tmp_path / "whole.pth", tmp_path / "bomb.pth"
    torch.save({"features.0.weight": torch.zeros(2**22)}, whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert bomb.stat().st_size < whole.stat().st_size / 100
    with pytest.raises(Failure, match=r"bomb\.pth is packed"):
        import_weights(bomb, NETWORK, OPTIONS)


def test_a_tensor_larger_than_its_numbers_is_refused(tmp_path: Path):
    path = tmp_path / "wide.pth"
    torch.save({"features.0.weight": torch.zeros(1).expand(10**6, 10**6)}, path)
    before = peak()
    with pytest.raises(Failure, match="does not fit"):
        import_weights(path, NETWORK, OPTIONS)
    assert peak() - before < ROOM


def test_a_keras_file_that_states_more_than_it_has_is_refused(tmp_path: Path):
    h5py = pytest.importorskip("h5py", reason="the keras extra is not installed")
    path = tmp_path / "wide.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("conv")
        group.attrs["weight_names"] = [b"conv/kernel:0"]
        group.create_dataset("conv/kernel:0", shape=(2**20, 2**14), dtype="f4", chunks=(1024, 1024))
        file.attrs["layer_names"] = [b"conv"]
    before = peak()
    with pytest.raises(Failure, match="states more numbers than it has bytes"):
        import_weights(path, NETWORK, OPTIONS)
    assert peak() - before < ROOM


def test_a_safetensors_header_without_end_is_refused(tmp_path: Path):
    path = tmp_path / "long.safetensors"
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(Failure, match=r"long\.safetensors"):
        import_weights(path, NETWORK, OPTIONS)


def chunk(kind: bytes, content: bytes) -> bytes:
    """A piece of a PNG, its checksum right."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def header(size: int) -> bytes:
    """Of a PNG: so many pixels high and wide, RGB."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))


PIXELS = chunk(b"IDAT", zlib.compress(bytes(20 * (1 + 3 * 20))))  # of 20 x 20
TEXT = chunk(b"zTXt", b"about\0\0" + zlib.compress(bytes(2**21)))
BROKEN = {
    "countless pixels": header(30_000) + chunk(b"IDAT", zlib.compress(bytes(10**6))),
    "a header cut off": chunk(b"IHDR", b"\0\0\0") + PIXELS,
    "a resolution cut off": header(20) + chunk(b"pHYs", b"\0\0\0") + PIXELS,
    "endless text": header(20) + TEXT + PIXELS,
    "endless text behind its pixels": header(20) + PIXELS + TEXT,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_photograph_with_countless_pixels_or_broken_pieces_is_refused(tmp_path: Path, kind: str):
    for split in ("train", "val"):
        for label in ("bike", "ship"):
            place = tmp_path / "bike-ship" / split / label
            place.mkdir(parents=True)
            (place / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + BROKEN[kind] + chunk(b"IEND", b""))
    before = peak()
    with pytest.raises(Failure, match=r"a\.png is damaged or no photograph"):
        data.load(Data(name="bike-ship"), tmp_path)
    assert peak() - before < ROOM


# --- archives ---------------------------------------------------------------------------------------------------------


def test_an_archive_that_is_not_the_official_one_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = tmp_path / "root"
    root.mkdir()
    with tarfile.open(root / "cifar-10-python.tar.gz", "w:gz") as archive:
        for name in ("../outside", "cifar-10-batches-py/data_batch_1"):
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("cifar-10-batches-py/test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)

    def unreachable(*_, **__):
        raise urllib.error.URLError("no network in a test")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(Failure, match="cannot download cifar10"):
        data.load(Data(name="cifar10"), root)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["root"]
    assert os.listdir(root) == ["cifar-10-python.tar.gz"]
