"""The examples of CONTRIBUTING.md do what it says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from repro import models
from repro.planning import experiments, plan

TEXT = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(language: str, about: str = "") -> str:
    """The only example in a language that contains a word; that of a data set is in `tests/data/test_one_file.py`."""
    (found,) = (text for text in re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL) if about in text)
    return found


@pytest.fixture
def unchanged() -> Iterator[None]:
    """Networks that a test registers are gone after it."""
    before = dict(models.NETWORKS)
    yield
    models.NETWORKS.clear()
    models.NETWORKS.update(before)


def test_an_experiment_is_one_file(tmp_path: Path):
    path = tmp_path / "bypass-at-quarter-width.toml"
    path.write_text(example("toml"))
    cells = plan.cells(experiments.find(str(path)), "laptop")
    assert [(cell.variant.title, len(cell.runs)) for cell in cells] == [("without bypass", 5), ("simple bypass", 5)]


@pytest.mark.usefixtures("unchanged")
def test_a_network_is_one_module(tmp_path: Path):
    namespace: dict = {"__name__": "three"}
    exec(example("python", "@network"), namespace)
    network = models.build("three", classes=10, width=8)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert models.parameter_count("three", classes=10, width=8) == sum(p.numel() for p in network.parameters())
    assert models.macs("three", (3, 32, 32), classes=10) > 0
