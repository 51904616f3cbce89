"""ONNX files: written, run by onnxruntime, and found out where they are of another network."""

import sys
from pathlib import Path

import pytest
import torch

from repro.errors import Failure
from repro.formats.onnx import export_onnx, verify_onnx
from repro.models import build

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package, reason="the onnx extra is not installed")

SIZE = (3, 32, 32)


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """Logits of the plain network would be zero for some classes, where any file agrees: no ReLU at the end."""
    torch.manual_seed(0)
    return build("mini-squeezenet", final_relu=False)


@pytest.fixture(scope="module")
def exported(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("onnx") / "mini.onnx"
    network.train()
    result = export_onnx(network, path, SIZE)
    assert result.images == 8
    assert result.difference < 1e-5
    assert result.agreement == 1
    assert network.training, "the export changed the module's mode"
    return path


def test_the_file_holds_all_weights_and_names(exported: Path, network: torch.nn.Module):
    import onnx

    model = onnx.load(exported)
    onnx.checker.check_model(model)
    assert exported.stat().st_size > 4 * sum(p.numel() for p in network.parameters())
    assert [entry.name for entry in model.graph.input] == ["images"]
    assert [entry.name for entry in model.graph.output] == ["logits"]
    assert [file.name for file in exported.parent.iterdir()] == [exported.name]


def test_a_file_of_other_weights_is_found_out(exported: Path):
    torch.manual_seed(1)
    result = verify_onnx(build("mini-squeezenet", final_relu=False), exported, SIZE)
    assert result.difference > 1e-3


def test_a_file_of_another_network_is_found_out(exported: Path):
    with pytest.raises(Failure, match=r"outputs of shape \[8, 10\], the network \[8, 7\]"):
        verify_onnx(build("mini-squeezenet", classes=7), exported, SIZE)


def test_a_damaged_file_is_one_line(exported: Path, tmp_path: Path, network: torch.nn.Module):
    path = tmp_path / "half.onnx"
    path.write_bytes(exported.read_bytes()[:1000])
    with pytest.raises(Failure, match="onnxruntime cannot run") as caught:
        verify_onnx(network, path, SIZE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_names_the_extra(package: str, network: torch.nn.Module, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Failure, match=rf"needs {package}: pip install 'squeezenet-repro\[onnx\]'"):
        export_onnx(network, tmp_path / "a.onnx", SIZE)
    assert not (tmp_path / "a.onnx").exists()
