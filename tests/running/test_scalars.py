"""Scalars of runs as they train, in TensorBoard's files and as Weights & Biases is called."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from repro.cli import main

FAST = ["--budget", "smoke", "--device", "cpu", "--set", "data.train_images=128", "--set", "recipe.epochs=2"]
NAMES = {"train/loss", "train/accuracy", "test/loss", "test/accuracy", "learning_rate"}


def train(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["train", "mini-squeezenet", *FAST, *words])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("launcher", [["--launcher", "here"], ["--jobs", "2"]], ids=["here", "other processes"])
def test_tensorboard_s_files_have_every_epoch(launcher: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    assert train("--seeds", "2", "--log", "tensorboard", *launcher) == 0
    places = sorted((tmp_path / "logs" / "mini-squeezenet-cifar10").iterdir())
    assert [place.name.rpartition("-")[2] for place in places] == ["seed0", "seed1"]
    for place in places:
        found = EventAccumulator(str(place)).Reload()
        assert set(found.Tags()["scalars"]) == NAMES
        steps = [event.step for event in found.Scalars("test/accuracy")]
        assert len(steps) == 2
        assert steps[1] == 2 * steps[0] > 0


def test_weights_and_biases_gets_a_run_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[dict[str, Any]] = []
    written: list[tuple[int, dict[str, float]]] = []
    ended: list[bool] = []

    def init(**settings: Any) -> Any:
        started.append(settings)
        return SimpleNamespace(
            log=lambda values, step: written.append((step, values)), finish=lambda: ended.append(True)
        )

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))
    monkeypatch.chdir(tmp_path)
    assert train("--seeds", "1", "--log", "wandb") == 0
    (settings,) = started
    assert settings["config"]["model"]["name"] == "mini-squeezenet"
    assert [set(values) for _, values in written if "test/loss" in values] == [NAMES, NAMES]
    assert ended == [True]


def test_a_library_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.chdir(tmp_path)
    assert train("--seeds", "1", "--log", "wandb") == 2
    said = capsys.readouterr().err
    assert "error: --log wandb: wandb is not installed: pip install 'squeezenet-repro[wandb]'\n" in said
    assert not list(tmp_path.glob("results/runs/*/*"))
