"""The verbs of compression, from a file to a smaller one and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from repro.cli import main
from repro.formats import container, released, weights
from repro.formats.files import open_network
from repro.formats.shared import CompressedNetwork, Inputs, Shared
from repro.models import build

OPTIONS = {"compression": 0.125, "conv10_padding": 1}
CAFFE = Inputs("imagenet-val", 0, "caffe")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A narrow SqueezeNet for 1,000 classes."""
    torch.manual_seed(0)
    module = build("squeezenet", **OPTIONS)
    path = tmp_path_factory.mktemp("source") / "net.safetensors"
    weights.save(module, path, "squeezenet", OPTIONS, CAFFE)
    return path


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for number in range(8):
        path = root / "imagenet-val" / "val" / f"n{number:08d}" / f"photograph-{number}.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 255, (60, 60, 3), np.uint8)).save(path)
    (root / "imagenet-val" / "wnids.txt").write_text("".join(f"n{number:08d} x\n" for number in range(1000)))
    return root


def test_prune_share_code_and_back(call: Any, source: Path, tmp_path: Path) -> None:
    file, back = tmp_path / "net.sqz", tmp_path / "back.safetensors"
    code, out, _ = call("compress", source, "--density", "table1", "--bits", 5, "-o", file, "--format", "json")
    assert code == 0
    stages = json.loads(out)
    assert [row["bytes"] for row in stages] == sorted((row["bytes"] for row in stages), reverse=True)
    assert stages[-1]["bytes"] == file.stat().st_size
    network = open_network(file)
    assert network.inputs == CAFFE
    assert all(len(t.codebook) <= 32 for t in network.tensors.values() if isinstance(t, Shared))
    assert call("decompress", file, "-o", back)[0] == 0
    again = open_network(back)
    assert all((a == b).all() for a, b in zip(network.arrays().values(), again.arrays().values(), strict=True))
    assert again.inputs == CAFFE


def test_inspect_accounts_for_every_byte(call: Any, source: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.sqz"
    assert call("compress", source, "--density", "0.4", "--bits", 6, "-o", file)[0] == 0
    code, out, _ = call("inspect", file, "--format", "json")
    assert code == 0
    *rows, total = json.loads(out)
    assert total["bytes"] == file.stat().st_size == sum(row["bytes"] for row in rows)
    assert [row["layer"] for row in rows][:2] == ["conv1", "fire2/squeeze1x1"]
    kinds = ("codebook", "tables", "codes", "index", "values", "biases", "header")
    assert all(row["bytes"] == sum(row[kind] for kind in kinds) for row in [*rows, total])
    assert all(row["kept"] == round(0.4 * row["weights"]) for row in rows[:-1])
    assert total["ratio"] == pytest.approx(4 * total["parameters"] / total["bytes"])


def test_as_many_bytes_as_asked_for(call: Any, source: Path, photographs: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.sqz"
    words = ["--max-bytes", 60_000, "--calibrate", 2, "--data-dir", photographs, "-o", file]
    code, out, err = call("compress", source, *words, "--format", "json")
    assert code == 0
    assert "calibrating on 2 images" in err
    assert 58_000 < file.stat().st_size <= 60_000
    *_, row = json.loads(out)
    assert row["bytes"] == file.stat().st_size
    assert 0 < row["loss"] < 1


def test_as_few_bytes_as_a_loss_allows(call: Any, source: Path, photographs: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.sqz"
    words = ["--calibrate", 3, "--data-dir", photographs, "-o", file, "--format", "json"]
    sizes = []
    for most in (1e-5, 1e-3):
        code, out, _ = call("compress", source, "--max-loss", most, *words)
        assert code == 0
        *_, row = json.loads(out)
        assert 0.5 * most < row["loss"] <= most
        sizes.append(row["bytes"])
    assert sizes[0] > sizes[1]


def test_a_frontier_is_six_files(call: Any, source: Path, photographs: Path, tmp_path: Path) -> None:
    words = ["--frontier", "--calibrate", 3, "--data-dir", photographs, "-o", tmp_path / "net.sqz", "--format", "json"]
    code, out, _ = call("compress", source, *words)
    assert code == 0
    _, *rows = json.loads(out)
    assert [row["bytes"] for row in rows] == sorted((row["bytes"] for row in rows), reverse=True)
    assert rows[0]["loss"] < rows[-1]["loss"]
    assert {path.name for path in tmp_path.glob("*.sqz")} == {f"net-{row['bytes']}.sqz" for row in rows}
    assert len(rows) == 6
    assert open_network(next(tmp_path.glob("*.sqz"))).inputs == CAFFE


def test_what_is_too_large_is_not_written(call: Any, source: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.sqz"
    file.write_bytes(b"kept")
    code, _, err = call("compress", source, "--bits", 8, "--max-bytes", 1_000, "-o", file)
    assert code == 1
    assert "more than --max-bytes 1,000: not written" in err
    assert file.read_bytes() == b"kept"


def test_evaluate(call: Any, source: Path, photographs: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.sqz"
    assert call("compress", source, "--bits", 8, "-o", file)[0] == 0
    words = ["--data-dir", photographs, "--device", "cpu", "--format", "json"]
    code, out, _ = call("evaluate", file, "--against", source, *words)
    assert code == 0
    mine, other = json.loads(out)
    assert mine["images"] == other["images"] == 8
    assert 0 <= mine["top1"]["low"] <= mine["top1"]["mean"] <= mine["top1"]["high"] <= 100
    assert mine["top5"]["n"] == 8
    assert 0 <= other["divergence"] < 0.1
    halves = [json.loads(call("evaluate", file, "--half", half, *words)[1])[0]["images"] for half in
              ("calibration", "measuring")]  # fmt: skip
    assert sum(halves) == 8
    assert min(halves) > 0


def test_the_released_format_can_be_written(call: Any, source: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.net"
    assert call("compress", source, "--bits", 8, "-o", file)[0] == 0
    found = released.decode(file.read_bytes(), definition(), "it")
    assert len(found) == 52


def definition() -> Any:
    from repro.models import architecture

    return architecture("squeezenet", OPTIONS)


def test_released_file_imported(call: Any, data_dir: Path, tmp_path: Path) -> None:
    path = data_dir / "weights" / "compressed_SqueezeNet.net"
    if not path.is_file():
        pytest.skip("compressed_SqueezeNet.net is not here: put it into .data/weights")
    file, again = tmp_path / "released.safetensors", tmp_path / "again.net"
    assert call("import", path, "-o", file)[0] == 0
    assert weights.described(file) == ("squeezenet", {"conv10_padding": 1}, CAFFE)
    assert call("compress", path, "-o", again)[0] == 0
    assert again.read_bytes() == path.read_bytes()
    lossless = tmp_path / "lossless.sqz"
    assert call("compress", file, "--bits", 8, "-o", lossless)[0] == 0
    assert lossless.stat().st_size <= 557_000
    network = container.read(lossless)
    assert all(
        (a == b).all() for a, b in zip(network.arrays().values(), released.read(path).arrays().values(), strict=True)
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compress", "SOURCE", "--bits", "9", "-o", "x.sqz"], "give 1 to 8, or 32"),
        (["compress", "SOURCE", "--max-bytes", "9", "--max-loss", "1", "-o", "x.sqz"], "--max-bytes and --max-loss"),
        (["compress", "SOURCE", "--frontier", "--bits", "5", "-o", "x.sqz"], "leave --bits out"),
        (["compress", "SOURCE", "--frontier", "--coder", "ans", "-o", "x.sqz"], "--coder ans: rounded weights are"),
        (["compress", "SOURCE", "--svd", "0.5", "--frontier", "-o", "x.sqz"], "neither pruned, shared nor rounded"),
        (["compress", "SOURCE", "-o", "x.zip"], "unknown kind of file '.zip'"),
        (["compress", "SOURCE", "--svd", "0.2", "--bits", "8", "-o", "x.sqz"], "--svd"),
        (["compress", "absent.net", "-o", "x.sqz"], "absent.net: there is no such file"),
        (["compress", "0123456", "-o", "x.sqz"], "neither a file nor a run's identity"),
        (["compress", "SOURCE", "--density", "conv11=1", "-o", "x.sqz"], "unknown layer 'conv11'"),
        (["inspect", "absent.sqz"], "there is no such file"),
        (["inspect", "SOURCE"], "is not a compressed network"),
        (["decompress", "SOURCE", "-o", "x.zip"], "unknown kind of file '.zip'"),
        (["evaluate", "SOURCE", "--data", "cifar11"], "did you mean 'cifar10'"),
        (
            ["evaluate", "SOURCE", "--data", "cifar10", "--normalisation", "data"],
            "CIFAR-10 has 10 classes, the network 1,000",
        ),
        (["import", "SOURCE", "-o", "x.safetensors"], "--model"),
        (["import", "SOURCE", "--model", "squeezenet", "-o", "x.onnx"], "unknown kind of file '.onnx'"),
    ],
)
def test_what_cannot_be_done_is_one_line(call: Any, source: Path, words: list[str], message: str) -> None:
    code, _, err = call(*(source if word == "SOURCE" else word for word in words))
    assert code in (1, 2)
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_network_of_a_run(call: Any, tmp_path: Path) -> None:
    """Records without weights: what to do is said."""
    network = CompressedNetwork("squeezenet", {}, {})
    assert network.parameters == 0
    code, _, err = call("compress", "abc", "-o", "x.sqz", "--results-dir", tmp_path)
    assert code == 2
    assert "identities" in err
