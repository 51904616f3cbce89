"""A claim that is changed after it was judged shows."""

from pathlib import Path

import pytest

from repro.errors import Failure
from repro.judging import ledger
from repro.rules.verdicts import judge

from ..rules.examples import POINT, change, sample

RUN = {"a": sample([67.1, 66.9, 67.2])}


def test_a_changed_margin_shows_and_a_better_wording_does_not(tmp_path: Path):
    path = tmp_path / "ledger.csv"
    ledger.extend(path, [judge(POINT, RUN)])
    known = ledger.read(path)
    reworded = judge(change(POINT, statement="67 % were reached."), RUN)
    widened = judge(change(POINT, margin=2.0), RUN)
    assert [v.badge for v in ledger.marked([judge(POINT, RUN), reworded], known)] == ["", ""]
    assert ledger.CHANGED in ledger.marked([widened], known)[0].badge
    ledger.extend(path, [widened])
    assert ledger.read(path) == known


def test_a_claim_without_runs_is_not_entered(tmp_path: Path):
    path = tmp_path / "ledger.csv"
    ledger.extend(path, [judge(POINT, {})])
    assert ledger.read(path) == {}


def test_a_damaged_ledger_is_named(tmp_path: Path):
    path = tmp_path / "ledger.csv"
    path.write_text("something,else\n1,2\n")
    with pytest.raises(Failure, match=r"ledger\.csv is damaged"):
        ledger.read(path)
