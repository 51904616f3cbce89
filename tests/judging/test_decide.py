"""What `repro decide` runs, and in which order."""

import json
from pathlib import Path

import click
import pytest
from msgspec.structs import replace

from repro import data
from repro.judging.decide import Decision, queue
from repro.planning import experiments, plan
from repro.planning.experiments import Experiment
from repro.records import Store

from .test_evidence import record_of

FILE = """
title = "mine"
source = "mine"
question = "?"
control = ["base", "half"]

[laptop]
seeds = 3

[[variants]]
name = "base"
model = "squeezenet"

[[variants]]
name = "half"
model = "squeezenet"
laptop.data = { train_images = 25_000 }

[[variants]]
name = "small"
model = "mini-squeezenet"

[[variants]]
name = "removed"
model = "squeezenet"
options = { remove = [2] }
"""
CLAIM = """
[[claims]]
id = "NAME"
source = "report"
place = "here"
statement = "base is better than NAME."
type = "ordering"
variants = ["base", "NAME"]
unit = "points"
margin = 0.5
"""


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.setattr(data, "checksum", lambda spec, root: "any")
    path = tmp_path / "mine.toml"
    path.write_text(FILE + CLAIM.replace("NAME", "small") + CLAIM.replace("NAME", "removed"))
    return experiments.find(str(path))


def run(experiment: Experiment, store: Store, tmp_path: Path, **percents: list[float]) -> None:
    """Save a record for each value, of the seeds from 0 on."""
    for cell in plan.cells(experiment, "laptop"):
        for seed, percent in enumerate(percents.get(cell.variant.name, [])):
            store.save(*record_of(cell.runs[0].with_seed(seed), tmp_path, percent))
    store.forget()


def decisions(experiment: Experiment, store: Store, tmp_path: Path) -> list[Decision]:
    return queue([experiment], "laptop", store, tmp_path, "cpu")


def test_the_cheapest_decision_comes_first_and_shared_runs_count_once(experiment: Experiment, tmp_path: Path):
    first, second = decisions(experiment, Store(tmp_path / "r"), tmp_path)
    assert (first.claim.id, second.claim.id) == ("small", "removed")
    # Three seeds of base, half and small; then only those of removed are left to do.
    assert [len(first.steps), len(second.steps)] == [9, 3]
    assert (first.look, first.likely) == (1, True)
    assert {cell.variant.name for cell in first.cells} == {"base", "half", "small"}
    assert first.seconds > 0


def test_a_decided_claim_needs_nothing_and_a_vague_one_its_second_look(experiment: Experiment, tmp_path: Path):
    store = Store(tmp_path / "r")
    run(experiment, store, tmp_path, base=[69, 70, 71], half=[59, 60, 61], small=[49, 50, 51], removed=[68, 69.6, 70.4])
    (only,) = decisions(experiment, store, tmp_path)
    assert (only.claim.id, only.look) == ("removed", 2)
    # Up to the second look and no further; the control is not run again.
    assert sorted((step.cells[0], step.run.seed) for step in only.steps) == [
        (f"mine/{name}", seed) for name in ("base", "removed") for seed in (3, 4, 5)
    ]
    run(experiment, store, tmp_path, base=[69, 70, 71] * 2, removed=[68, 69.6, 70.4] * 2)
    assert decisions(experiment, store, tmp_path) == []


def test_a_claim_waits_for_its_control(experiment: Experiment, tmp_path: Path):
    store = Store(tmp_path / "r")
    run(experiment, store, tmp_path, base=[49, 50, 51], small=[69, 70, 71], removed=[39, 40, 41])
    (only,) = decisions(experiment, store, tmp_path)
    assert (only.claim.id, only.look) == ("small", 2)
    assert {step.cells[0] for step in only.steps} >= {"mine/half"}


def test_no_loss_at_a_reduced_scale_is_for_experiments_with_a_control(experiment: Experiment, tmp_path: Path):
    store = Store(tmp_path / "r")
    run(experiment, store, tmp_path, base=[69, 70, 71], half=[59, 60, 61], small=[69, 70, 71], removed=[69, 70, 71])
    claims = [replace(claim, type="no-loss", direction="at-least") for claim in experiment.claims]
    there = replace(experiment, claims=tuple(claims))
    assert len(decisions(there, store, tmp_path)) == 2
    assert decisions(replace(there, control=()), store, tmp_path) == []


def test_what_needs_absent_images_is_left_out(experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data, "checksum", lambda spec, root: None)
    assert decisions(experiment, Store(tmp_path / "r"), tmp_path) == []


def test_the_command_shows_its_queue_and_keeps_to_its_hours(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from repro.cli import cli, decide

    store = Store(tmp_path / "r")
    words = ["decide", experiment.file, "--results-dir", str(store.folder.parent), "--data-dir", str(tmp_path)]
    assert cli.main([*words, "--dry-run", "--hours", "0.01", "--format", "json"], standalone_mode=False) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["claim"], row["runs"], row["fits"]) for row in rows] == [("small", 9, "no"), ("removed", 3, "no")]
    with pytest.raises(click.UsageError, match="give --hours H, or --dry-run"):
        cli.main(words, standalone_mode=False)

    carried = []

    def carry_out(cells, store, running) -> int:
        carried.append({cell.variant.name: len(cell.runs) for cell in cells})
        run(experiment, store, tmp_path, base=[69, 70, 71], half=[59, 60, 61], small=[49, 50, 51])
        return 0

    monkeypatch.setattr(decide, "carry_out", carry_out)
    first, second = decisions(experiment, store, tmp_path)
    enough = (first.seconds + second.seconds / 2) / 3600
    monkeypatch.setattr(decide.time, "monotonic", iter([0.0, 0.0, first.seconds]).__next__)
    assert cli.main([*words, "--hours", str(enough), "--launcher", "here"], standalone_mode=False) == 0
    assert carried == [{"base": 3, "small": 3, "half": 3}]
    answer = capsys.readouterr()
    assert "small: reproduced" in answer.err
    assert "removed, the next of 1 claims, needs" in answer.err
