"""The examples of CONTRIBUTING.md do what it says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from repro import models
from repro.judging.evidence import shown
from repro.planning import experiments, plan
from repro.records import Store
from repro.reporting import kinds
from repro.reporting.figures.registry import KINDS
from repro.rules.claim import Claim
from repro.rules.registry import TYPES
from repro.rules.samples import Sample
from repro.rules.verdicts import Verdict, judge

CHECKOUT = Path(__file__).resolve().parents[1]
TEXT = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def example(language: str, about: str = "") -> str:
    """The only example in a language that contains a word; that of a data set is in `tests/data/test_one_file.py`."""
    (found,) = (text for text in re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL) if about in text)
    return found


@pytest.fixture
def unchanged() -> Iterator[None]:
    """What a test registers is gone after it."""
    registries: list[dict[str, Any]] = [models.NETWORKS, TYPES, KINDS]
    before = [dict(registry) for registry in registries]
    yield
    for registry, content in zip(registries, before, strict=True):
        registry.clear()
        registry.update(content)


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


@pytest.mark.usefixtures("unchanged")
def test_a_type_of_claim_is_one_module():
    exec(example("python", "ClaimType"), {"__name__": "steady"})
    content = {"id": "c", "source": "s", "place": "p", "statement": "Seeds hardly matter.", "variants": ["a"]}
    claim = msgspec.convert(content | {"type": "steady", "margin": 1.0, "unit": "points"}, Claim)

    def verdict(sd: float, n: int) -> Verdict:
        values = 70 + sd * np.random.default_rng(0).standard_normal(n)
        return judge(claim, {"a": Sample(values=tuple(values), seeds=tuple(range(n)))})

    assert (verdict(0.3, 10).verdict, verdict(3.0, 10).verdict) == ("reproduced", "not reproduced")
    # Four values of deviation 0.33 do not exclude a spread of 1: the interval ends at 3.73 times that, of five at 2.87.
    assert (verdict(1.0, 4).verdict, verdict(1.0, 4).seeds_needed) == ("inconclusive", 5)
    assert verdict(0.5, 1).reason.startswith("one seed says nothing about variation")
    assert "margin 1 point: REPRODUCED." in verdict(0.3, 10).sentence
    # A count has no spread, and what is compared has two variants.
    for wrong, problem in (({"metric": "macs"}, "without error"), ({"variants": ["a", "b"]}, "takes 1 variants")):
        with pytest.raises(msgspec.ValidationError, match=problem):
            msgspec.convert(msgspec.to_builtins(claim) | wrong, Claim)


@pytest.mark.usefixtures("unchanged")
def test_a_kind_of_figure_is_one_module(tmp_path: Path):
    exec(example("python", "FigureKind"), {"__name__": "dots"})
    experiment = experiments.find("preprocessing")
    experiment = msgspec.structs.replace(experiment, figure=experiments.Figure(kind="dots", y="accuracy of a seed"))
    store = Store(CHECKOUT / "results")
    drawn = kinds.of(experiment).draw(experiment, shown(experiment, store, CHECKOUT / ".data"), store, tmp_path)
    assert drawn[0].alt.startswith("Test accuracy of every seed. At the laptop budget: ")
    text = (tmp_path / "preprocessing.svg").read_text()
    assert "accuracy of a seed" in text
    assert all(variant.title in text for variant in experiment.variants)
