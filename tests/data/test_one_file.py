"""A data set is added by one file, that of CONTRIBUTING.md: nothing else names it, and every verb knows it."""

import json
import re
import sys
from pathlib import Path

import msgspec
import pytest

from repro import data
from repro.cli import main
from repro.config.specification import Data
from repro.data import catalogue, sets
from repro.planning import experiments
from repro.records import Store
from repro.reporting.citations import bibliography

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
(SHADES,) = re.findall(r"```python\n([^`]*ImageSource[^`]*)```", CONTRIBUTING.read_text(encoding="utf-8"))
EXPERIMENT = """
title = "Shades"
source = "mine"
question = "Does it run?"
smoke = { data = { synthetic = false }, recipe = { epochs = 1 } }

[[variants]]
name = "mini"
model = "mini-squeezenet"
data = { name = "shades" }
"""


@pytest.fixture
def shades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The one file, in a folder of its own."""
    folder = tmp_path / "sets"
    folder.mkdir()
    (folder / "shades.py").write_text(SHADES)
    monkeypatch.setattr(sets, "__path__", [*sets.__path__, str(folder)])
    monkeypatch.chdir(tmp_path)
    sets.discover()
    yield
    del catalogue.SOURCES["shades"], sys.modules["repro.data.sets.shades"]


def call(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert not ended.value.code


@pytest.mark.usefixtures("shades")
def test_it_is_trained_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    call("run", str(tmp_path / "mine.toml"), "--budget", "smoke", "--results-dir", "results")
    assert "mini" in capsys.readouterr().out
    (record,) = Store(tmp_path / "results").all
    assert record.checksum == "shades-1"
    assert record.run.model.options["classes"] == 20
    assert sum(record.measurements["described"].total) == 100


@pytest.mark.usefixtures("shades")
def test_every_part_knows_it(capsys: pytest.CaptureFixture[str]):
    call("data", "status", "--format", "json")
    assert any(row["name"] == "shades" and row["present"] for row in json.loads(capsys.readouterr().out))
    call("data", "prepare", "shades")
    assert "shades: ready, 600 + 100 images" in capsys.readouterr().out
    stand_in = data.load(Data(name="shades", synthetic=True), Path("nowhere"))
    assert (stand_in.train.size, stand_in.checksum) == (12, "shades-synthetic-1")
    experiment = experiments.find("laptop-recipe")
    mine = msgspec.structs.replace(experiment.variants[0], data={"name": "shades"})
    assert "@misc{shades}" not in bibliography([experiment])
    assert "@misc{shades}" in bibliography([msgspec.structs.replace(experiment, variants=(mine,))])
