"""The study examples/lenet: it runs, is short, and nothing of SqueezeNet is in it."""

import json
import shutil
from pathlib import Path

import pytest

LENET = Path(__file__).parents[2] / "examples" / "lenet"
FINDINGS = """\
# Findings

In short:

<!-- page -->
1. It reaches <!-- made: mean digits/lenet-5 described smoke -->unknown<!-- /made --> %.
<!-- /page -->
"""
SOURCE = ("study.toml", "networks.py", "experiments/digits.toml")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study without its results, as the folder that commands are called in."""
    folder = tmp_path / "lenet"
    shutil.copytree(LENET, folder, ignore=shutil.ignore_patterns("results", "__pycache__"))
    monkeypatch.delenv("REPRO_STUDY", raising=False)
    monkeypatch.chdir(folder)
    return folder


def test_its_source_is_short():
    assert sum(len((LENET / name).read_text().splitlines()) for name in SOURCE) < 150


def test_it_runs_at_the_smoke_budget(repro, study: Path):
    ran = repro("run", "digits", "--budget", "smoke", "--device", "cpu", "--seeds", "1")
    assert ran.code == 0, ran.err
    # C3 of LeNet-5 sees groups of S2's maps: 60,000 and not 61,706.
    assert "60,000" in ran.out
    verdicts = {claim["id"]: claim["verdict"] for claim in json.loads(repro("claims", "--format", "json").out)}
    assert len(verdicts) >= 5
    assert verdicts["lenet5-parameters"] == "reproduced"
    assert verdicts["lenet5-accuracy"] != "reproduced"
    findings = study / "docs" / "findings.md"
    findings.parent.mkdir()
    findings.write_text(FINDINGS)
    assert repro("report", "--renew", str(findings)).code == 0
    page = (study / "results" / "index.html").read_text()
    assert "<title>LeNet, re-run: results</title>" in page
    assert "fire2" not in page
    # What the document is renewed to, the page of the same call shows.
    assert "It reaches" in page
    assert "unknown" not in findings.read_text() + page


def test_its_committed_records_are_read(repro, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REPRO_STUDY", str(LENET))
    answer = repro("claims", "--format", "json")
    assert answer.err == ""
    counted = {claim["id"]: claim["n"] for claim in json.loads(answer.out) if claim["id"] != "lenet5-parameters"}
    assert set(counted.values()) == {3}
