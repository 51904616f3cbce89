"""CIFAR-10 and MNIST: what is read is what torchvision reads, and nothing in a file is trusted."""
# Every image set here is in memory.
# pyright: reportAttributeAccessIssue=false

import gzip
import hashlib
import pickle
import shutil
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets
from torchvision.datasets import utils

from repro import data
from repro.config.specification import Data
from repro.data import cifar, files, idx
from repro.data.sets import mnist
from repro.data.sets.cifar10 import FILES as CIFAR10_FILES
from repro.data.sets.mnist import FILES as MNIST_FILES
from repro.errors import Failure

ROOT = Path("nowhere")


@pytest.fixture
def cifar_root(data_dir: Path) -> Path:
    if files.missing(data_dir, CIFAR10_FILES):
        pytest.skip(f"CIFAR-10 is not in {data_dir}")
    return data_dir


@pytest.fixture
def mnist_root(data_dir: Path) -> Path:
    if files.missing(data_dir, MNIST_FILES):
        pytest.skip(f"MNIST is not in {data_dir}")
    return data_dir


def python2_batch(pixels: np.ndarray, labels: list[int]) -> bytes:
    """A batch file of pixels, uint8 [N, 3072], as Python 2 wrote it: with numpy's arrays under their names of then."""
    head = b"\x80\x02}q\x01(U\x06labelsq\x02]q\x03(" + b"".join(b"K%c" % label for label in labels)
    array = b"eU\x04dataq\x04cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07"
    state = b"(K\x01K%cM\x00\x0c\x86cnumpy\ndtype\nq\x08U\x02u1K\x00K\x01\x87Rq\x09" % len(pixels)
    state += b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + len(pixels.tobytes()).to_bytes(
        4, "little"
    )
    return head + array + state + pixels.tobytes() + b"tbu."


def test_a_batch_is_read_without_numpy_taking_part(tmp_path):
    pixels = np.arange(2 * 3072, dtype=np.uint32).astype(np.uint8).reshape(2, 3072)
    (tmp_path / "batch").write_bytes(python2_batch(pixels, [3, 7]))
    images, labels = cifar.read_batch(tmp_path / "batch")
    assert np.array_equal(images.reshape(2, 3072), pixels)
    assert labels.tolist() == [3, 7]


def test_batches_stand_in_the_order_of_their_files(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (7, 3072)).astype(np.uint8)
    files = [tmp_path / name for name in ("one", "two", "three")]
    for file, rows in zip(files, ([0, 1], [2, 3], [4, 5, 6]), strict=True):
        file.write_bytes(python2_batch(pixels[rows], rows))
    images, labels = cifar.read_batches(files[:2])
    assert np.array_equal(images.reshape(4, 3072), pixels[:4])
    assert labels.tolist() == [0, 1, 2, 3]
    with pytest.raises(Failure, match="three is not a CIFAR-10 batch file: 3 images instead of 2"):
        cifar.read_batches(files)


def test_a_hostile_pickle_is_refused_and_does_nothing(tmp_path):
    target = tmp_path / "written"
    call = f"cposix\nmkdir\nU{chr(len(str(target)))}{target}\x85R".encode("latin1")
    (tmp_path / "batch").write_bytes(b"\x80\x02}(U\x04data" + call + b"U\x06labels]u.")
    with pytest.raises(Failure, match=r"a CIFAR-10 batch file: it refers to posix\.mkdir, which no batch file needs"):
        cifar.read_batch(tmp_path / "batch")
    assert not target.exists()
    pickle.loads((tmp_path / "batch").read_bytes())
    assert target.exists()  # the file was hostile indeed


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x02}.", b"not a pickle", pickle.dumps([1, 2], protocol=2), pickle.dumps({b"data": 3, b"labels": []})],
    ids=["empty", "no entries", "text", "list", "number"],
)
def test_what_is_no_batch_file_is_named(tmp_path, content):
    (tmp_path / "data_batch_1").write_bytes(content)
    with pytest.raises(Failure, match=r"data_batch_1 is not a CIFAR-10 batch file"):
        cifar.read_batch(tmp_path / "data_batch_1")


def nested(item: bytes, depth: int) -> bytes:
    """Operations that leave ten times the item in a list, ten times that list in a list, and so on: 10^depth items."""
    lists = (b"](" + (b"h%c" % (level - 1) if level else item) * 10 + b"eq%c0" % level for level in range(depth))
    return b"".join(lists) + b"h%c" % (depth - 1)


BATCH = b"\x80\x02}(U\x06labels"
MANY = "it is made of more than images and labels"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (BATCH + nested(b"K\x01", 8) + b"u.", MANY),
        (BATCH + b"K\x01" + b"2\x86" * 40 + b"K\x01u.", MANY),  # a key whose hash takes 2^40 steps
        (BATCH + b"K\x01" + b"\x85" * 10**6 + b"K\x01u.", MANY),  # a key of a million tuples, one in the other
        (BATCH + b"]r\xff\xff\xff\x0fu.", MANY),  # kept as number 2^28
        (BATCH + b"](" + b"K\x01" * 10**6 + b"eu.", MANY),
        (BATCH + b"]]aU\x04dataK\x01u.", "'int' object has no attribute 'pixels'"),
        (bytes(2**25 + 1), "is larger than 33,554,432 bytes"),
    ],
    ids=["lists of lists", "a slow key", "a deep key", "a far number", "countless labels", "no pixels", "large"],
)
def test_a_batch_that_would_take_much_time_or_memory_is_refused_at_once(tmp_path, content, complaint):
    (tmp_path / "data_batch_1").write_bytes(content)
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(Failure, match=rf"data_batch_1 .*{complaint}$"):
            cifar.read_batch(tmp_path / "data_batch_1")
        assert time.process_time() - began < 5
        assert tracemalloc.get_traced_memory()[1] < 2**27
    finally:
        tracemalloc.stop()


def test_labels_of_a_batch_are_a_flat_list_of_numbers(tmp_path, monkeypatch):
    pixels = np.zeros((1, 3072), np.uint8)
    monkeypatch.setattr(cifar._Array, "pixels", lambda _: pixels)
    for labels in (b"](](K\x01ee", b"K\x01", b"](U\x011e", b"](\x88e"):
        array = b"cnumpy.core.multiarray\n_reconstruct\n)R"
        (tmp_path / "batch").write_bytes(BATCH + labels + b"U\x04data" + array + b"u.")
        with pytest.raises(Failure, match="its labels are not a list of numbers"):
            cifar.read_batch(tmp_path / "batch")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not an IDX file"),
        (b"\0\0\x08\x03\0\0", "is not an IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "is not an IDX file"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "is damaged: 11 bytes, its header says 13"),
        (b"\0\0\x08\x01\0\0\0\x01abc", "is damaged: 11 bytes, its header says 9"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "is damaged"),
    ],
)
def test_a_broken_idx_file_is_named(tmp_path, content, complaint):
    (tmp_path / "digits").write_bytes(content)
    with pytest.raises(Failure, match=complaint):
        idx.read_idx(tmp_path / "digits")


def test_an_idx_file_is_read_as_it_was_written(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "digits").write_bytes(idx.idx(array))
    assert np.array_equal(idx.read_idx(tmp_path / "digits"), array)


def test_a_missing_file_is_named(tmp_path):
    for read in (cifar.read_batch, idx.read_idx):
        with pytest.raises(Failure, match=r"cannot read .*absent: No such file"):
            read(tmp_path / "absent")


def test_cifar10_is_what_torchvision_reads(cifar_root):
    """Also golden: first pixels and labels, and the means that the catalogue states."""
    dataset = data.load(Data(name="cifar10"), cifar_root)
    for ours, train in ((dataset.train, True), (dataset.test, False)):
        theirs = datasets.CIFAR10(str(cifar_root), train=train)
        assert np.array_equal(ours.images.permute(0, 2, 3, 1).numpy(), theirs.data)
        assert ours.labels.tolist() == theirs.targets
        assert (ours.images.dtype, ours.labels.dtype) == (torch.uint8, torch.int64)
        assert tuple(theirs.classes) == dataset.info.classes
    assert dataset.train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert dataset.train.images[0, :, 0, 0].tolist() == [59, 62, 63]
    mean = np.array([(dataset.train.images[:, channel] / 255).mean() for channel in range(3)])
    assert mean.tolist() == pytest.approx(dataset.info.mean, abs=1e-4)


@pytest.mark.parametrize("train", [True, False])
def test_mnist_is_what_torchvision_reads(mnist_root, train):
    dataset = data.load(Data(name="mnist"), mnist_root)
    ours = dataset.train if train else dataset.test
    theirs = datasets.MNIST(str(mnist_root), train=train)
    assert torch.equal(ours.images[:, 0], theirs.data)
    assert torch.equal(ours.labels, theirs.targets)


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Path:
    """A data root with an MNIST of three training digits, which is the official one for this test."""
    contents = {
        "train-images-idx3-ubyte": np.arange(3 * 784, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28),
        "train-labels-idx1-ubyte": np.array([4, 5, 6], np.uint8),
        "t10k-images-idx3-ubyte": np.zeros((1, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte": np.array([9], np.uint8),
    }
    folder = tmp_path / "root" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, array in contents.items():
        (folder / name).write_bytes(idx.idx(array))
        sums = files.Sums(*(files.digest(folder / name, how) for how in ("md5", "sha256")))
        monkeypatch.setitem(MNIST_FILES, f"MNIST/raw/{name}", sums)
    return tmp_path / "root"


def test_files_are_hashed_once_and_again_when_they_change(tiny, monkeypatch):
    hashed = []
    digest = files.digest
    monkeypatch.setattr(files, "digest", lambda file, how: hashed.append(file.name) or digest(file, how))
    spec = Data(name="mnist")
    assert data.load(spec, tiny).train.labels.tolist() == [4, 5, 6]
    assert len(hashed) == 4
    data.load(spec, tiny)
    assert len(hashed) == 4
    changed = tiny / "MNIST/raw/train-labels-idx1-ubyte"
    changed.write_bytes(changed.read_bytes()[:-1] + b"\7")
    with pytest.raises(Failure, match=r"train-labels-idx1-ubyte is damaged or not the official file .*delete it"):
        data.load(spec, tiny)
    assert len(hashed) > 4


def test_status_tells_absent_present_and_verified_apart(tiny):
    def row():
        return next(row for row in data.status(tiny) if row["name"] == "mnist")

    assert (row()["present"], row()["verified"]) == (True, False)
    data.prepare(["mnist"], tiny)
    assert (row()["present"], row()["verified"]) == (True, True)
    (tiny / "MNIST/raw/train-images-idx3-ubyte").unlink()
    assert (row()["present"], row()["verified"]) == (False, False)


@pytest.mark.parametrize(("name", "wanted"), [("cifar10", "cifar-10-python.tar.gz"), ("mnist", "MNIST/raw")])
def test_without_a_network_the_error_says_which_files_to_put_where(tmp_path, monkeypatch, name, wanted):
    def unreachable(*_, **__):
        raise OSError("network is unreachable")

    monkeypatch.setattr("torchvision.datasets.utils.download_url", unreachable)
    with pytest.raises(Failure) as caught:
        data.load(Data(name=name), tmp_path / "root")
    message = str(caught.value)
    assert "network is unreachable" in message
    assert wanted in message
    assert str(tmp_path / "root") in message
    assert "\n" not in message


def test_a_download_that_brings_too_little_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("repro.data.known_files.download", lambda *_: None)
    with pytest.raises(Failure, match=r"data_batch_1 is missing: put cifar-10-python\.tar\.gz"):
        data.load(Data(name="cifar10"), tmp_path)


@pytest.fixture
def packed(tiny, monkeypatch) -> Path:
    """The tiny MNIST as a user without a network has it: its own archives in MNIST/raw."""
    folder = tiny / "MNIST/raw"
    resources = []
    for name in [Path(name).name for name in MNIST_FILES]:
        packed = gzip.compress((folder / name).read_bytes(), mtime=0)
        (folder / f"{name}.gz").write_bytes(packed)
        (folder / name).unlink()
        resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))
        monkeypatch.setitem(mnist.ARCHIVES, f"{name}.gz", hashlib.sha256(packed).hexdigest())
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    return tiny


def test_an_archive_put_there_by_hand_is_unpacked(packed):
    said = []
    data.prepare(["mnist"], packed, progress=said.append)
    assert data.load(Data(name="mnist"), packed).train.labels.tolist() == [4, 5, 6]
    assert any("MNIST" in line for line in said)


def test_an_archive_of_the_official_md5_alone_is_not_unpacked(packed, monkeypatch):
    """Files of one MD5 can be made; of one SHA-256 they cannot."""
    monkeypatch.setitem(mnist.ARCHIVES, "t10k-labels-idx1-ubyte.gz", 64 * "0")
    with pytest.raises(Failure, match=r"t10k-labels-idx1-ubyte\.gz is damaged or not the official file \(SHA-256"):
        data.prepare(["mnist"], packed)
    assert {path.suffix for path in (packed / "MNIST/raw").iterdir()} == {".gz"}


def test_a_kill_while_an_archive_is_unpacked_leaves_no_half_of_a_file(packed, monkeypatch):
    whole = utils.extract_archive

    def killed(archive: str, *arguments, **settings):
        whole(archive, *arguments, **settings)
        if "t10k-labels" in archive:  # the last one
            (half,) = packed.rglob("t10k-labels-idx1-ubyte")
            half.write_bytes(half.read_bytes()[:5])
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(utils, "extract_archive", killed)
        patch.setattr("shutil.rmtree", lambda *_, **__: None)  # a kill cleans nothing up
        with pytest.raises(KeyboardInterrupt):
            data.prepare(["mnist"], packed)
    assert data.load(Data(name="mnist"), packed).train.labels.tolist() == [4, 5, 6]
    raw = {path.name.removesuffix(".gz") for path in (packed / "MNIST/raw").iterdir()}
    assert raw == {Path(name).name for name in MNIST_FILES}


def test_an_unwritable_cache_is_named(tiny, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(Failure, match="cannot write"):
        data.load(Data(name="mnist"), tiny)


def test_identity_is_known_without_the_files():
    for name in ("cifar10", "mnist", "modified-mnist"):
        identity = data.checksum(Data(name=name), ROOT)
        assert identity == GOLDEN_IDENTITIES[name]
        synthetic = data.checksum(Data(name=name, synthetic=True), ROOT)
        assert synthetic not in (None, identity)


GOLDEN_IDENTITIES = {
    "cifar10": "569d0469dc3885e7adbaaa200f890f8e9f1e08156e361ca1f7fed9f2a0832201",
    "mnist": "f7393f5621c7f4b9605a4e9d1cf0e1649d080a9d5a9ceac1905c38532b95f029",
    "modified-mnist": "a44fc885c976015cc5b7d6bf624bf6af2de28f0bc6ecc34125d341ea86d71ba2",
}


def test_a_truncated_official_file_is_named(cifar_root, tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in CIFAR10_FILES:
        shutil.copy(cifar_root / name, folder)
    test_batch = folder / "test_batch"
    test_batch.write_bytes(test_batch.read_bytes()[:-100])
    with pytest.raises(Failure, match="test_batch is damaged or not the official file"):
        data.load(Data(name="cifar10"), tmp_path)
