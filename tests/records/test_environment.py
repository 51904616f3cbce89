"""What a record says of the machine and the code."""

from pathlib import Path

import pytest

import repro
from repro.records.environment import git_commit


def test_code_outside_a_checkout_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Also where the command is called in the folder that the code was unpacked to."""
    monkeypatch.setattr(repro, "__file__", str(tmp_path / "repro" / "__init__.py"))
    (tmp_path / "repro").mkdir()
    monkeypatch.chdir(tmp_path)
    assert git_commit() == (None, False)
