"""The program, called as a user types it."""

from pathlib import Path
from typing import NamedTuple

import pytest

from repro.cli import main


class Answer(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def repro(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Call the program in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPRO_DATA", raising=False)
    # Set first, so that what `--study` leaves in the environment goes away with the test.
    monkeypatch.setenv("REPRO_STUDY", "")
    monkeypatch.delenv("REPRO_STUDY")

    def call(*arguments: str) -> Answer:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    return call
