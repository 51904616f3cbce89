"""Data sets from outside: folders of photographs, and what torchvision knows; nothing of them is executed."""
# Every image set whose pixels are looked at here is in memory.
# pyright: reportAttributeAccessIssue=false

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from repro import data
from repro.cli import main
from repro.config.specification import Data, Model, Recipe, Run
from repro.data import catalogue, idx
from repro.data.sets import folder as folders
from repro.data.sets import torchvision_sets
from repro.data.sets.folder import measured
from repro.errors import BadInput, Failure
from repro.planning import experiments
from repro.records import Store

EXPERIMENT = """
title = "Mine"
source = "mine"
question = "Does it run?"
smoke = {{ data = {{ synthetic = false }}, recipe = {{ epochs = 1, batch = 8 }} }}

[[variants]]
name = "mini"
model = "mini-squeezenet"
data = {{ {} }}
"""
CLASSES = [f"class{number:02}" for number in range(12)]


def call(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert not ended.value.code


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with `.data` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPRO_DATA", raising=False)
    monkeypatch.setattr(catalogue, "_looked_in", [])
    return tmp_path


def photographs(folder: Path, count: int, classes: list[str] = CLASSES) -> None:
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", (16, 16), (20 * label, number, 0)).save(folder / name / f"{number}.png")


@pytest.fixture(params=["train and test", "train and val", "classes"])
def flowers(here: Path, request: pytest.FixtureRequest) -> Path:
    """Twelve classes of photographs, in each layout."""
    home = here / ".data" / "flowers"
    if request.param == "classes":
        photographs(home, 12)
    else:
        photographs(home / "train", 4)
        photographs(home / request.param.split()[-1], 2)
    (home / ".hidden").mkdir()
    return home


def test_a_folder_is_trained_on(flowers: Path, here: Path):
    (here / "mine.toml").write_text(EXPERIMENT.format('folder = "flowers"'))
    call("run", str(here / "mine.toml"), "--budget", "smoke", "--results-dir", "results")
    (record,) = Store(here / "results").all
    assert record.run.data.name == "folder:flowers"
    assert record.run.model.options["classes"] == 12
    described = record.measurements["described"]
    assert len(described.total) == 12
    assert sum(described.total) == len(list(flowers.rglob("*.png"))) - len(trained(flowers))


def trained(flowers: Path) -> list[Path]:
    names = [path.relative_to(flowers) for path in flowers.rglob("*.png")]
    divided = not (flowers / "train").is_dir()
    return [n for n in names if (not measured(str(n)) if divided else n.parts[0] == "train")]


def test_a_folder_is_known_by_its_content_wherever_it_is(flowers: Path, here: Path, capsys: pytest.CaptureFixture[str]):
    (here / "mine.toml").write_text(EXPERIMENT.format('folder = "flowers"'))
    run = ("run", str(here / "mine.toml"), "--budget", "smoke", "--results-dir", "results", "--dry-run")
    first = identity("folder:flowers")
    moved = flowers.rename(here / "elsewhere")
    assert identity(f"folder:{moved}") == first
    call("data", "prepare", f"folder:{moved}")
    assert "ready" in capsys.readouterr().out
    Image.new("RGB", (16, 16), (1, 1, 1)).save(next(iter(sorted(moved.rglob("1.png")))))
    assert identity(f"folder:{moved}") != first
    with pytest.raises(SystemExit):
        main(list(run))
    message = capsys.readouterr().err
    assert "flowers: there is no such folder" in message
    assert message.count("\n") == 1


def identity(name: str) -> str:
    spec = Data(name=name)
    checksum = data.checksum(spec, Path(".data"))
    assert checksum is not None
    return Run(model=Model(name="squeezenet"), data=spec, recipe=Recipe()).identity(checksum)


def test_a_tenth_is_set_apart_by_name(here: Path):
    home = here / ".data" / "many"
    photographs(home, 60, ["a", "b"])
    found = data.find("folder:many").planned(here / ".data")
    assert 5 <= found.test <= 19
    assert found.train + found.test == 120
    loaded = data.load(Data(name="folder:many"), here / ".data")
    assert (len(loaded.train), len(loaded.test), loaded.info.classes) == (found.train, found.test, ("a", "b"))
    before = {path for path in home.rglob("*.png") if measured(str(path.relative_to(home)))}
    photographs(home, 80, ["a", "b"])
    assert before <= {path for path in home.rglob("*.png") if measured(str(path.relative_to(home)))}


def test_many_photographs_stay_on_disk(flowers: Path, here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folders, "MOST_IN_MEMORY", 10)
    (here / "mine.toml").write_text(EXPERIMENT.format('folder = "flowers", cut = "torchvision"'))
    call("run", str(here / "mine.toml"), "--budget", "smoke", "--results-dir", "results")
    (record,) = Store(here / "results").all
    assert record.environment["photographs"][0] == len(trained(flowers))


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("", "folder: give a path"),
        ("nowhere", "nowhere: there is no such folder"),
        ("alone", "none named test or val"),
        ("one", "has 1 folders of photographs"),
        ("few", "too few photographs to set some apart"),
        ("empty", "b holds no photographs to train on"),
        ("stranger", "there is no folder c in"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_in_a_line(here: Path, folder: str, message: str):
    root = here / ".data"
    photographs(root / "alone" / "train", 1, ["a", "b"])
    photographs(root / "one", 3, ["a"])
    photographs(root / "few", 1, ["a", "b"])
    photographs(root / "empty", 30, ["a"])
    (root / "empty" / "b").mkdir()
    photographs(root / "stranger" / "train", 1, ["a", "b"])
    photographs(root / "stranger" / "test", 1, ["a", "c"])
    with pytest.raises(Failure, match=message) as caught:
        data.load(Data(name=f"folder:{folder}"), root)
    assert "\n" not in str(caught.value)


def test_a_file_names_a_folder_or_a_data_set(here: Path):
    (here / "mine.toml").write_text(EXPERIMENT.format('folder = "flowers", name = "mnist"'))
    with pytest.raises(BadInput, match=r"mine\.toml: data has both name and folder"):
        experiments.read(here / "mine.toml")


def short(text: bytes) -> bytes:
    return b"U" + bytes([len(text)]) + text


def listed(items: list[bytes]) -> bytes:
    return b"](" + b"".join(items) + b"e"


def batch(pixels: np.ndarray, labels: list[int]) -> bytes:
    """A file of CIFAR-100 as Python 2 pickled it."""
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    array += b"(K\x01M" + len(pixels).to_bytes(2, "little") + b"M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
    array += b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
    array += pixels.size.to_bytes(4, "little") + pixels.tobytes() + b"tb"
    names = listed([short(b"%d.png" % number) for number in range(len(labels))])
    fine, coarse = ([b"K" + bytes([label // by]) for label in labels] for by in (1, 5))
    parts = {b"filenames": names, b"fine_labels": listed(fine), b"coarse_labels": listed(coarse), b"data": array}
    return b"\x80\x02}(" + b"".join(short(key) + value for key, value in parts.items()) + b"u."


@pytest.fixture
def cifar100(here: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Its archive, with 200 training and 100 test images, where a user without a network puts it; gives the pixels."""
    draw = np.random.default_rng(0)
    pixels = {
        name: draw.integers(0, 256, (count, 3072), dtype=np.uint8) for name, count in (("train", 200), ("test", 100))
    }
    contents = {name: batch(part, [number % 100 for number in range(len(part))]) for name, part in pixels.items()}
    names = listed([short(b"fine%d" % number) for number in range(100)])
    contents["meta"] = b"\x80\x02}(" + short(b"fine_label_names") + names + b"u."
    archive = here / ".data" / "torchvision" / "CIFAR100" / "cifar-100-python.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"cifar-100-python/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    monkeypatch.setattr(datasets.CIFAR100, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(torchvision_sets.SHA256, "CIFAR100", {archive.name: sha256})
    return pixels


CIFAR100 = Data(name="torchvision:CIFAR100")


def test_cifar100_is_prepared_and_trained_on(cifar100, here: Path, capsys: pytest.CaptureFixture[str]):
    call("data", "prepare", "torchvision:CIFAR100")
    assert "torchvision:CIFAR100: ready, 200 + 100 images" in capsys.readouterr().out
    call("data", "status", "--format", "json")
    row = next(row for row in json.loads(capsys.readouterr().out) if row["name"] == "torchvision:CIFAR100")
    assert (row["present"], row["verified"]) == (True, True)
    found = data.load(CIFAR100, here / ".data")
    assert found.info.classes[99] == "fine99"
    assert torch.equal(found.train.images, torch.from_numpy(cifar100["train"]).view(-1, 3, 32, 32))
    assert found.test.labels.tolist() == list(range(100))
    pixels = cifar100["train"].reshape(-1, 3, 1024) / 255
    assert found.info.mean == pytest.approx(pixels.mean((0, 2)), abs=1e-4)
    assert found.info.std == pytest.approx(pixels.std((0, 2)), abs=1e-4)
    (here / "mine.toml").write_text(EXPERIMENT.format('name = "torchvision:CIFAR100"'))
    call("run", str(here / "mine.toml"), "--budget", "smoke", "--results-dir", "results")
    (record,) = Store(here / "results").all
    assert record.run.model.options["classes"] == 100
    assert record.checksum == found.checksum
    assert "torchvision-CIFAR100" in str(next((here / "results" / "runs").iterdir()))


def test_planning_needs_no_torch(cifar100, here: Path):
    data.prepare([CIFAR100.name], here / ".data")
    photographs(here / ".data" / "flowers", 12)
    code = "import sys; from pathlib import Path; from repro.planning import plan, experiments\n"
    code += "from repro.records import Store\n"
    for name in ("torchvision:CIFAR100", "folder:flowers"):
        (here / f"{name[:6]}.toml").write_text(EXPERIMENT.format(f'name = "{name}"'))
        code += f"cells = plan.cells(experiments.find('{name[:6]}.toml'), 'laptop')\n"
        code += "plan.plan(cells, Store(Path('results')), Path('.data'))\n"
    code += "print([name for name in ('torch', 'torchvision', 'numpy', 'PIL') if name in sys.modules])"
    environment = dict(os.environ) | {"PYTHONPATH": str(Path(catalogue.__file__).parents[2])}
    assert subprocess.check_output([sys.executable, "-c", code], text=True, env=environment).strip() == "[]"


def test_nothing_is_downloaded_before_it_is_asked_for(here: Path, monkeypatch: pytest.MonkeyPatch):
    def unreachable(*_: object, **__: object):
        raise OSError("no route")

    for name in ("download_and_extract_archive", "download_url"):
        monkeypatch.setattr(f"torchvision.datasets.utils.{name}", unreachable)
    monkeypatch.setattr("torchvision.datasets.svhn.download_url", unreachable)
    for name in ("CIFAR100", "SVHN", "FashionMNIST"):
        with pytest.raises(Failure, match=rf"{name} is not in .*: run `repro data prepare torchvision:{name}`"):
            data.load(Data(name=f"torchvision:{name}"), here / ".data")
        with pytest.raises(Failure, match=rf"cannot download torchvision:{name} \(no route\); without a network put"):
            data.prepare([f"torchvision:{name}"], here / ".data")


def test_files_that_changed_are_noticed(cifar100, here: Path):
    data.prepare([CIFAR100.name], here / ".data")
    first = data.checksum(CIFAR100, here / ".data")
    file = here / ".data/torchvision/CIFAR100/cifar-100-python/test"
    file.write_bytes(batch(cifar100["test"][::-1].copy(), [0] * 100))
    assert data.checksum(CIFAR100, here / ".data") != first
    with pytest.raises(Failure, match="have changed or are gone: run `repro data prepare torchvision:CIFAR100`"):
        data.load(CIFAR100, here / ".data")
    data.prepare([CIFAR100.name], here / ".data")
    assert data.load(CIFAR100, here / ".data").test.labels.unique().tolist() == [0]
    description = here / ".data/torchvision/CIFAR100.json"
    description.write_text(description.read_text().replace('"channels": 3', '"channels": 7'))
    with pytest.raises(Failure, match=r"CIFAR100\.json is damaged .*run `repro data prepare"):
        data.load(CIFAR100, here / ".data")


def test_no_pickle_is_executed(cifar100, here: Path):
    data.prepare([CIFAR100.name], here / ".data")
    target = here / "made"
    for name in ("train", "meta"):
        hostile = b"\x80\x02}(" + short(b"fine_labels") + b"cposix\nmkdir\n" + short(str(target).encode()) + b"\x85Ru."
        (here / ".data/torchvision/CIFAR100/cifar-100-python" / name).write_bytes(hostile)
        with pytest.raises(Failure, match=r"is not a CIFAR-100 batch file: it refers to posix\.mkdir"):
            data.prepare([CIFAR100.name], here / ".data")
        assert not target.exists()


def test_the_format_of_mnist_and_matlab_files(here: Path, monkeypatch: pytest.MonkeyPatch):
    from scipy.io import savemat

    raw = here / ".data/torchvision/FashionMNIST/FashionMNIST/raw"
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        (raw / f"{split}-images-idx3-ubyte").write_bytes(idx.idx(np.zeros((3, 28, 28), np.uint8)))
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(idx.idx(np.array([9, 10, 11], np.uint8)))
    with pytest.raises(Failure, match=r"torchvision:FashionMNIST \(labels from 9 to 11 are not those of 10 classes\)"):
        data.prepare(["torchvision:FashionMNIST"], here / ".data")
    for split, count in (("train", 30), ("t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 10
        (raw / f"{split}-images-idx3-ubyte").write_bytes(idx.idx(np.repeat(labels, 784).reshape(count, 28, 28)))
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(idx.idx(labels))
    data.prepare(["torchvision:FashionMNIST"], here / ".data")
    found = data.load(Data(name="torchvision:FashionMNIST"), here / ".data")
    assert found.train.images.shape == (30, 1, 28, 28)
    assert found.info.classes[9] == "Ankle boot"

    home = here / ".data/torchvision/SVHN"
    home.mkdir()
    lists = {}
    for split, count in (("train", 30), ("test", 20)):
        labels = np.arange(count) % 10 + 1  # ten stands for nought
        images = np.broadcast_to(labels.astype(np.uint8), (32, 32, 3, count))
        savemat(home / f"{split}_32x32.mat", {"X": images, "y": labels[:, None]})
        md5 = hashlib.md5((home / f"{split}_32x32.mat").read_bytes()).hexdigest()
        lists[split] = ["", f"{split}_32x32.mat", md5]
    monkeypatch.setattr(datasets.SVHN, "split_list", lists)
    data.prepare(["torchvision:SVHN"], here / ".data")
    found = data.load(Data(name="torchvision:SVHN"), here / ".data")
    assert found.train.images.shape == (30, 3, 32, 32)
    assert found.test.labels.tolist() == [*range(1, 10), 0] * 2
    stand_in = data.load(Data(name="torchvision:SVHN", synthetic=True), here / ".data")
    assert stand_in.checksum == "3x32x32-10-synthetic-1"


@pytest.mark.parametrize("name", ["cifar-100", "CIFAR100"])
def test_a_set_of_torchvision_is_named_by_its_whole_name(name: str) -> None:
    """Not cifar10, whose name is nearer."""
    with pytest.raises(BadInput, match=f"unknown data set '{name}'; (did you mean|choose from) '?torchvision:CIFAR100"):
        catalogue.find(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [("CIFAR10", "is here as cifar10"), ("SVNH", "did you mean 'SVHN'"), ("Food101", "put photographs of others into")],
)
def test_other_sets_of_torchvision_are_refused(here: Path, name: str, message: str):
    (here / "mine.toml").write_text(EXPERIMENT.format(f'name = "torchvision:{name}"'))
    experiment = experiments.find(str(here / "mine.toml"))
    with pytest.raises(BadInput, match=message) as caught:
        experiments.resolve(experiment, experiment.variants[0], "smoke")
    assert str(caught.value).startswith(f"{here / 'mine.toml'}: variant mini: ")
