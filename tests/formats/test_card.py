"""What files of weights say of their images: written, read back, checked, and gone by."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors import safe_open

from repro.cli import main
from repro.data import DATASETS
from repro.errors import Failure
from repro.formats import card, files, weights
from repro.formats.card import Card
from repro.formats.shared import Inputs
from repro.models import build
from repro.running.images import images_for

GREY = Card((1, 28, 28), "grey", tuple("0123456789"), (0.13,), (0.31,))


def written(folder: Path, about: Card | None, inputs: Inputs) -> Path:
    torch.manual_seed(0)
    path = folder / "net.safetensors"
    weights.save(build("mini-squeezenet"), path, "mini-squeezenet", {}, inputs, about)
    return path


def test_it_comes_back():
    assert card.read(card.texts(GREY), Path("x")) == GREY
    assert card.texts(GREY)["channel_order"] == '"grey"'
    own = Card((3, 32, 32), "RGB")
    assert card.read(card.texts(own), Path("x")) == own
    assert card.read({"format": "pt"}, Path("x")) is None


def test_of_caffe_s_images_blue_comes_first():
    found = card.of_images(DATASETS["cifar10"], 3, 227, "caffe", 10)
    assert found.channel_order == "BGR"
    assert [255 * mean for mean in found.mean] == pytest.approx([104, 117, 123])
    assert found.std == pytest.approx([1 / 255] * 3)
    assert found.classes[0] == "airplane"
    assert card.of_images(DATASETS["cifar10"], 3, 32, "image", 1000) == Card((3, 32, 32), "RGB")


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": "[3, 32]"},
        {"input": "[3, 32, 0]"},
        {"input": "[3, 32, 1e9]"},
        {"channel_order": '"GBR"'},
        {"mean": "[0.1, 0.2]", "std": "[1, 1]"},
        {"mean": "[0.1]", "std": "[0]"},
        {"mean": "[1e300]", "std": "[1]"},
        {"mean": "[NaN]", "std": "[1]"},
        {"classes": "[1]"},
        {"classes": json.dumps(["x" * 1000])},
        {"classes": "[" * 100_000},
        {"classes": f'["{"x" * 2**22}"]'},
        {"classes": "__import__('os')"},
    ],
)
def test_what_a_stranger_wrote_is_checked(wrong: dict[str, str], tmp_path: Path):
    metadata = {**card.texts(GREY), **wrong}
    with pytest.raises(Failure, match="what it says of its images is damaged") as caught:
        card.read(metadata, tmp_path / "net.safetensors")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_evaluate_goes_by_the_file(tmp_path: Path):
    """Not by what the data set's means are now."""
    about = Card((3, 32, 32), "RGB", DATASETS["cifar10"].classes, (0.1, 0.2, 0.3), (0.5, 0.5, 0.5))
    network = files.open_network(written(tmp_path, about, Inputs("cifar10", 32, "data")))
    assert network.card == about
    from repro.data.images import ImageSet
    from repro.data.sets.cifar10 import CIFAR10

    grey = ImageSet(torch.full((2, 3, 32, 32), 51, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CIFAR10, "sample", lambda *_: grey)
        prepared = images_for(network, network.inputs, tmp_path, "all").prepare(grey.images)
        assert prepared[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.0, -0.2], abs=1e-6)
        asked = Inputs("cifar10", 32, "none")
        assert images_for(network, asked, tmp_path, "all").prepare(grey.images)[0, 0, 0, 0] == pytest.approx(0.2)


def test_other_classes_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = written(tmp_path, GREY, Inputs("cifar10", 32, "data"))
    with pytest.raises(SystemExit):
        main(["evaluate", str(path), "--data-dir", str(tmp_path)])
    assert "the network's classes (0, 1, 2, ...) are not those of CIFAR-10" in capsys.readouterr().err


def test_import_stores_and_export_passes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source, stored, onnx_file = (tmp_path / name for name in ("a.safetensors", "b.safetensors", "c.onnx"))
    safetensors.torch.save_file(build("mini-squeezenet").state_dict(), source)
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "import",
                str(source),
                "--model",
                "mini-squeezenet",
                "--data",
                "cifar10",
                "--normalisation",
                "half",
                "-o",
                str(stored),
            ]
        )
    assert not ended.value.code
    with safe_open(stored, "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["classes"]) == list(DATASETS["cifar10"].classes)
    assert json.loads(metadata["mean"]) == [0.5, 0.5, 0.5]
    assert files.open_network(stored).inputs == Inputs("cifar10", 0, "half")
    onnx = pytest.importorskip("onnx", reason="the onnx extra is not installed")
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    with pytest.raises(SystemExit) as ended:
        main(["export", str(stored), "--input", "3x64x64", "-o", str(onnx_file)])
    assert not ended.value.code
    found = {entry.key: entry.value for entry in onnx.load(onnx_file).metadata_props}
    assert json.loads(found["input"]) == [3, 64, 64]
    assert found["classes"] == metadata["classes"]
    assert found["channel_order"] == '"RGB"'


def test_a_run_leaves_it_with_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "train",
                "mini-squeezenet",
                "--budget",
                "smoke",
                "--seeds",
                "1",
                "--device",
                "cpu",
                "--set",
                "data.train_images=64",
                "--set",
                "recipe.epochs=1",
            ]
        )
    assert not ended.value.code
    (path,) = (tmp_path / "cache" / "weights").glob("*.safetensors")
    found = weights.card_in(path)
    assert found
    assert (found.input, found.classes) == ((3, 32, 32), DATASETS["cifar10"].classes)
    assert files.open_network(path).inputs == Inputs("cifar10", 32, "data")
