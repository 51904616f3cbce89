"""The report is made again when anything that it shows has changed, and only then."""

from collections.abc import Callable
from pathlib import Path

import pytest

from repro.cli import main
from repro.planning import experiments
from repro.records import Store
from repro.reporting import current, report

NAME = "versions"


@pytest.fixture
def made(tmp_path: Path, fill: Callable, monkeypatch: pytest.MonkeyPatch) -> list[list[str] | None]:
    """What the report was made of, each time; a folder `results` with records of one experiment."""
    found = []
    render = report.render

    def counted(results, data_dir, only=None, progress=None):
        found.append(only)
        render(results, data_dir, only, progress or print)

    monkeypatch.setattr(report, "render", counted)
    fill(tmp_path / "results", experiments.find(NAME), "laptop", tmp_path, seeds=1)
    return found


def bring_up_to_date(tmp_path: Path, only: tuple[str, ...] = (NAME,)) -> None:
    current.bring_up_to_date(tmp_path / "results", tmp_path, only)


def test_nothing_is_made_twice(tmp_path: Path, made: list):
    for _ in range(3):
        bring_up_to_date(tmp_path)
    assert made == [[NAME]]


@pytest.mark.parametrize("place", ["README.md", "index.html", f"tables/{NAME}.csv", f"figures/{NAME}.svg"])
def test_what_was_changed_by_hand_or_deleted_is_made_again(tmp_path: Path, made: list, place: str):
    bring_up_to_date(tmp_path)
    path = tmp_path / "results" / place
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    bring_up_to_date(tmp_path)
    assert path.read_bytes() == content
    path.unlink()
    bring_up_to_date(tmp_path)
    assert path.read_bytes() == content
    assert len(made) == 3


def test_a_record_that_came_or_went_changes_the_report(tmp_path: Path, made: list, fill: Callable):
    bring_up_to_date(tmp_path)
    fill(tmp_path / "results", experiments.find(NAME), "laptop", tmp_path, seeds=2)
    bring_up_to_date(tmp_path)
    assert len(made) == 2
    store = Store(tmp_path / "results")
    for file in store.files(store.all[0].run, store.all[0].identity):
        file.unlink()
    bring_up_to_date(tmp_path)
    assert len(made) == 3


def test_another_choice_of_experiments_is_another_report(tmp_path: Path, made: list):
    bring_up_to_date(tmp_path)
    bring_up_to_date(tmp_path, (NAME, "table1"))
    assert made == [[NAME], ["table1", NAME]]


def test_images_that_came_change_the_report(tmp_path: Path, made: list, monkeypatch: pytest.MonkeyPatch):
    bring_up_to_date(tmp_path)
    monkeypatch.setattr(current.data, "checksum", lambda spec, root: "other images")
    bring_up_to_date(tmp_path)
    assert len(made) == 2


def test_a_record_that_comes_while_the_report_is_made_is_in_the_next(
    tmp_path: Path, made: list, fill: Callable, monkeypatch: pytest.MonkeyPatch
):
    render = report.render

    def slow(*given):
        render(*given)
        fill(tmp_path / "results", experiments.find(NAME), "laptop", tmp_path, seeds=2)

    with monkeypatch.context() as patch:
        patch.setattr(report, "render", slow)
        bring_up_to_date(tmp_path)
    bring_up_to_date(tmp_path)
    assert len(made) == 2


def test_a_damaged_stamp_is_no_report(tmp_path: Path, made: list):
    bring_up_to_date(tmp_path)
    current.stamp_file(tmp_path / "results", [NAME]).write_bytes(b"{")
    bring_up_to_date(tmp_path)
    assert len(made) == 2


def test_the_command_makes_it_once(tmp_path: Path, made: list):
    words = ["report", NAME, "--results-dir", str(tmp_path / "results"), "--data-dir", str(tmp_path)]
    for _ in range(2):
        with pytest.raises(SystemExit, match="0"):
            main(words)
    assert made == [[NAME]]
