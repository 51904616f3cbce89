"""Networks from the Python files of a study."""

from pathlib import Path

import pytest
import torch
from torch import nn

from repro import models
from repro.config.specification import Data, Model, Recipe, Run
from repro.errors import BadInput, Failure
from repro.planning import experiments

FILE = """
from pathlib import Path

from torch import nn

Path("executed").touch()


def dense(classes, hidden=(32, 16), channels=1, bias=True, *, scale=1.0):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 784, hidden[0]), nn.Linear(hidden[0], classes, bias=bias))


class Plain(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.head = nn.Linear(4, classes)


def broken(classes=10):
    raise ValueError("no such thing")


def none(classes=10):
    return 3


def odd(width=max(1, 2)):
    return nn.Identity()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of networks, in which the test stands."""
    (tmp_path / "networks.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_options_are_read_without_executing_the_file(folder: Path):
    assert models.option_names("networks.py:dense") == ["classes", "hidden", "channels", "bias", "scale"]
    assert models.option_names("networks.py:Plain") == ["classes"]
    found = models.canonical("networks.py:dense", {"classes": "10", "hidden": "[8, 4]", "bias": "False"})
    assert found == {"bias": False, "channels": 1, "classes": 10, "hidden": [8, 4], "scale": 1.0}
    assert not models.defined("networks.py:dense")
    assert not (folder / "executed").exists()


def test_it_is_built_with_its_options(folder: Path):
    network = models.build("networks.py:dense", classes=10, hidden=[8, 4])
    assert isinstance(network, nn.Sequential)
    assert network(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    assert network[1].out_features == 8
    assert isinstance(models.build("networks.py:Plain"), nn.Module)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("networks.py:dens", {}, "unknown network 'dens'; did you mean 'dense'?"),
        ("network.py:dense", {}, "network.py; did you mean 'networks.py'?"),
        ("networks.py:dense", {}, "option classes has no default"),
        ("networks.py:dense", {"clases": 3}, "unknown option 'clases'; did you mean 'classes'?"),
        ("networks.py:odd", {}, "the default of width is not a number, a text, a list or None"),
    ],
)
def test_mistakes_are_named(folder: Path, name: str, options: dict[str, int], message: str):
    with pytest.raises(BadInput) as error:
        models.canonical(name, options)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [("broken", "ValueError: no such thing"), ("none", "makes no torch.nn.Module but a int")],
)
def test_what_its_code_does_wrong_is_one_line(folder: Path, name: str, message: str):
    with pytest.raises(Failure, match=message):
        models.build(f"networks.py:{name}")


def test_a_file_that_is_not_python_is_named(folder: Path):
    (folder / "bad.py").write_text("def (:")
    with pytest.raises(BadInput, match="is not valid Python"):
        models.option_names("bad.py:f")


def test_what_only_built_networks_know_is_refused(folder: Path):
    with pytest.raises(BadInput, match="networks of `repro summary --help` alone"):
        models.parameter_count("networks.py:Plain")


def test_a_changed_file_is_another_run_and_its_place_is_not(folder: Path):
    def identity() -> str:
        variant = experiments.Variant(name="a", model="networks.py:dense", data={"name": "mnist", "pixels": 28})
        experiment = experiments.Experiment(title="", source="", question="", variants=(variant,))
        run = experiments.resolve(experiment, variant, "smoke")
        assert run.model.options["classes"] == 10
        assert run.model.known_as == "dense"
        return run.identity("")

    first = identity()
    (folder / "networks.py").write_text(FILE + "\n")
    second = identity()
    assert first != second
    (folder / "networks.py").write_text(FILE)
    assert identity() == first
    run = Run(model=Model(name="networks.py:dense", source="ab"), data=Data(name="mnist"), recipe=Recipe())
    moved = Run(model=Model(name="deep/networks.py:dense", source="ab"), data=Data(name="mnist"), recipe=Recipe())
    assert run.identity("") == moved.identity("")
