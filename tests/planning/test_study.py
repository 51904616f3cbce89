"""Studies: which one a verb works on, and what its file says."""

import os
from pathlib import Path

import pytest

from repro.errors import BadInput
from repro.planning import experiments, study

MINE = """
title = "Mine"
sources = { thesis = "" }
central = ["mine-better"]
scope = "Small."
"""
EXPERIMENT = """
title = "First"
source = "thesis"
question = "?"
[[variants]]
name = "a"
model = "mini-squeezenet"
[[variants]]
name = "b"
model = "squeezenet"
[[claims]]
id = "mine-better"
source = "thesis"
place = "p. 3"
statement = "A beats B."
type = "ordering"
variants = ["a", "b"]
margin = 1.0
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of one's own, in whose folder the test stands."""
    root = tmp_path / "mine"
    (root / "experiments" / "deep").mkdir(parents=True)
    (root / "study.toml").write_text(MINE)
    (root / "experiments" / "first.toml").write_text(EXPERIMENT)
    monkeypatch.chdir(root)
    return root


def test_the_study_one_is_in_is_found_upwards(mine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(mine / "experiments" / "deep")
    assert study.current().title == "Mine"
    assert experiments.names() == ["first"]
    assert study.folder("results") == Path("../../results")
    assert experiments.central().notes == ["Scope: Small."]


def test_outside_of_any_the_shipped_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert study.current().root == study.shipped()
    assert "table1" in experiments.names()
    assert study.folder("results") == Path("results")


def test_a_study_that_is_asked_for_is_taken(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPRO_STUDY", str(mine))
    assert experiments.names() == ["first"]
    assert study.folder("results") == Path(os.path.relpath(mine.resolve() / "results"))
    monkeypatch.setenv("REPRO_STUDY", str(tmp_path))
    with pytest.raises(BadInput, match=r"there is no study here.*repro new"):
        study.current()


def test_without_budgets_of_its_own_it_has_those_of_this_program(mine: Path):
    assert experiments.budgets()["laptop"].recipe["batch"] == 64
    (mine / "experiments" / "budgets.toml").write_text("[laptop]\nrecipe = { batch = 7 }\n")
    assert experiments.budgets()["laptop"].recipe["batch"] == 7
    assert experiments.names() == ["first"]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "study.toml",
            'central = ["mine-better"]',
            'central = ["mine-beter"]',
            "unknown claim 'mine-beter'",
        ),
        ("study.toml", "title", "titel", "unknown key 'titel'"),
        ("study.toml", 'scope = "Small."', 'cited = ["thesis"]', "'thesis' has no entry under [sources]"),
        ("experiments/first.toml", 'source = "thesis"\nplace', 'source = "thesys"\nplace', "unknown source 'thesys'"),
    ],
)
def test_mistakes_are_named(mine: Path, file: str, old: str, new: str, message: str):
    text = (mine / file).read_text()
    assert old in text
    (mine / file).write_text(text.replace(old, new))
    with pytest.raises(BadInput) as error:
        experiments.central()
    assert message in str(error.value)
    assert file.rpartition("/")[2] in str(error.value)
