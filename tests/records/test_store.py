"""Records: round trips, identity, damage, a full disk."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from repro.config.specification import NUMERICS, Model, Recipe, stated
from repro.errors import Failure
from repro.records import Store
from repro.records.store import LARGEST, history_text, sealed
from repro.storage import read_limited, sweep, write_atomic

from .examples import HISTORY, RUN, record


def test_what_is_saved_is_found(tmp_path: Path):
    Store(tmp_path).save(record(), HISTORY)
    store = Store(tmp_path)
    assert store.find(RUN, "abc") == record()
    assert store.history(record()) == HISTORY


def test_without_data_the_newest_record_of_the_specification_stands_in(tmp_path: Path):
    store = Store(tmp_path)
    store.save(record(checksum="old", finished="2026-01-01T00:00:00+00:00"), HISTORY)
    store.save(record(checksum="new", finished="2026-02-01T00:00:00+00:00"), HISTORY)
    found = store.find(RUN, None)
    assert found is not None
    assert found.checksum == "new"
    assert store.find(RUN, "other") is None


def test_accuracies():
    measured = record().measurements["described"]
    assert measured.accuracy == pytest.approx(100 * 7 / 15)
    assert measured.balanced_accuracy == pytest.approx(100 * (0.3 + 0.8) / 2)


def edited(content: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """What a person or a program might do to a record's content."""
    measured = content["measurements"]["described"]
    return {
        "another seed": lambda: content["run"].update(seed=5),
        "a better result": lambda: measured.update(correct=[9, 5]),
        "more correct than there are": lambda: measured.update(correct=[11, 5]),
        "classes that do not go together": lambda: measured.update(correct=[3]),
        "no images": lambda: measured.update(correct=[0, 0], total=[0, 0]),
        "a changed note": lambda: content.update(note="edited"),
        "an unknown field": lambda: content.update(surprise=1),
        "a field less": lambda: content.pop("status"),
        "an older version": lambda: content.update(numerics=NUMERICS - 1),
        "another machine": lambda: content["environment"].update(device="cuda"),
        "depth": lambda: content.update(environment={"a": json.loads("[" * 500 + "]" * 500)}),
    }


# Only the seal tells these from what a run leaves.
ANYTHING_GOES = ("a better result", "a changed note", "another machine", "depth")


def resealed(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    """A changed record's content with a seal that fits, so that something else has to refuse it."""
    content = {name: value for name, value in content.items() if name != "seal"}
    return content | {"seal": sealed(content, history_text(path))}


@pytest.mark.parametrize("change", edited({"measurements": {"described": {}}}))
@pytest.mark.parametrize("by", ["a person", "a program that seals"])
def test_an_edited_record_is_passed_over_and_named(tmp_path: Path, change: str, by: str):
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = next(store.folder.glob("*/*/record.json"))
    content = json.loads(path.read_text())
    edited(content)[change]()
    if by == "a program that seals":
        if change in ANYTHING_GOES:
            pytest.skip("a value that a run may leave")
        content = resealed(path, content)
    path.write_text(json.dumps(content))
    assert store.find(RUN, "abc") is None
    assert len(store.problems) == 1
    assert str(path) in store.problems[0]
    assert "\n" not in store.problems[0]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "{}",
        '"x"',
        "[" * 100_000,
        '{"measurements": ' + "[" * 100_000,
        "\xff",
        '{"run": {"seed": 1e999}}',
    ],
)
def test_what_is_no_record_is_passed_over_and_named(tmp_path: Path, content: str):
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = next(store.folder.glob("*/*/record.json"))
    path.write_bytes(content.encode("latin-1"))
    assert store.outline(RUN, RUN.identity("abc")) is None
    assert store.all == []
    assert str(path) in store.problems[0]


def test_a_record_of_unbounded_size_is_not_read(tmp_path: Path):
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = next(store.folder.glob("*/*/record.json"))
    with open(path, "r+b") as file:
        file.truncate(LARGEST + 1)
    assert store.outline(RUN, RUN.identity("abc")) is None
    assert store.all == []
    assert "larger than" in store.problems[0]


def test_what_is_no_regular_file_is_named_and_not_read(tmp_path: Path):
    for name, make in {
        "record.json": lambda path: path.symlink_to("/dev/zero"),
        "history.csv": lambda path: path.symlink_to("/dev/zero"),
        "a pipe": lambda path: os.mkfifo(path),
        "a link to itself": lambda path: path.symlink_to(path),
    }.items():
        store = Store(tmp_path / name)
        store.save(record(), HISTORY)
        path = next(store.folder.glob(f"*/*/{'history.csv' if name == 'history.csv' else 'record.json'}"))
        path.unlink()
        make(path)
        assert store.named(RUN, RUN.identity("abc")) is None
        assert store.all == []
        # Asked for by name and found among all: said each time, and with the name of the file.
        assert len(store.problems) == 2
        assert all(str(path) in problem and "\n" not in problem for problem in store.problems)


def test_a_folder_or_a_link_to_nothing_in_place_of_a_file(tmp_path: Path):
    with pytest.raises(Failure, match="is not a regular file"):
        read_limited(tmp_path, 10)
    (tmp_path / "link").symlink_to("nothing")
    with pytest.raises(FileNotFoundError):
        read_limited(tmp_path / "link", 10)


@pytest.mark.parametrize("content", ["pipe", "a,b\n1,2\n", "column too long"])
def test_a_damaged_history_makes_a_damaged_record(tmp_path: Path, content: str):
    """Else it would end the command that shows it."""
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    _, beside = store.files(RUN, RUN.identity("abc"))
    if content == "pipe":
        beside.unlink()
        os.mkfifo(beside)
    elif content == "column too long":
        beside.write_text(beside.read_text().replace("0.75", "0.75" + "0" * 200_000))
    else:
        beside.write_text(content)
    store = Store(tmp_path)
    assert store.all == []
    assert str(beside.parent) in store.problems[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("environment", {"device_name": ["x"]}),
        ("environment", {"torch": 2}),
        ("environment", {"photographs": 3}),
        ("environment", {"photographs": [-1, 5]}),
        ("environment", {"threads": -1}),
        ("seconds", -1.0),
        ("images_per_second", -0.5),
        ("parameters", -7),
        ("file_bytes", -1),
    ],
)
def test_values_that_no_run_leaves_make_a_damaged_record(tmp_path: Path, field: str, value: Any):
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = next(store.folder.glob("*/*/record.json"))
    content = json.loads(path.read_text()) | {field: value}
    path.write_text(json.dumps(resealed(path, content)))
    assert Store(tmp_path).all == []


@pytest.mark.parametrize(("field", "value"), [("epoch", -1), ("top5", -1), ("top5", 16), ("active_logits", 1.5)])
def test_a_measurement_out_of_range_makes_a_damaged_record(tmp_path: Path, field: str, value: float):
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = next(store.folder.glob("*/*/record.json"))
    content = json.loads(path.read_text())
    content["measurements"]["described"][field] = value
    path.write_text(json.dumps(resealed(path, content)))
    assert Store(tmp_path).all == []


def test_a_record_in_another_runs_folder_is_passed_over(tmp_path: Path):
    store = Store(tmp_path)
    other = msgspec.structs.replace(RUN, seed=1)
    store.save(record(), HISTORY)
    path = store.files(RUN, RUN.identity("abc"))[0]
    moved = store.files(other, other.identity("abc"))[0]
    path.parent.rename(moved.parent)
    assert store.find(other, "abc") is None
    assert "moved" in store.problems[0]


def test_a_changed_history_is_noticed(tmp_path: Path):
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = next(store.folder.glob("*/*/history.csv"))
    path.write_text(path.read_text().replace("0.5", "0.9"))
    assert Store(tmp_path).all == []


def test_a_record_without_a_seal_is_refused(tmp_path: Path):
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = next(store.folder.glob("*/*/record.json"))
    content = json.loads(path.read_text())
    del content["seal"]
    path.write_text(json.dumps(content))
    assert store.find(RUN, "abc") is None
    assert "it has no seal" in store.problems[0]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "table.md"
    write_atomic(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("repro.storage.os.fsync", full)
    with pytest.raises(Failure, match=r"table\.md: No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.md"]


def test_what_killed_writers_left_is_swept(tmp_path: Path):
    (tmp_path / ".a.pt.x1y2.partial").write_text("half")
    (tmp_path / ".b.pt.x1y2.partial").write_text("another file's")
    sweep(tmp_path / "a.pt")
    assert [path.name for path in tmp_path.iterdir()] == [".b.pt.x1y2.partial"]


def test_everything_in_a_run_is_part_of_its_identity():
    names = {RUN.identity("abc"), RUN.identity("abd")}
    names.add(msgspec.structs.replace(RUN, seed=1).identity("abc"))
    names.add(msgspec.structs.replace(RUN, recipe=Recipe(label_smoothing=0.1)).identity("abc"))
    names.add(msgspec.structs.replace(RUN, model=Model(name="squeezenet")).identity("abc"))
    assert len(names) == 5


def test_an_identity_leaves_out_what_is_at_its_default():
    """So that a field can be added. The hash is pinned: whoever changes it throws away every committed record."""
    run = msgspec.structs.replace(RUN, recipe=Recipe(epochs=2))
    options = {"classes": 10}
    assert stated(run) == {
        "model": {"name": "squeezenet", "options": options}, "data": {"name": "cifar10"}, "recipe": {"epochs": 2},
    }  # fmt: skip
    assert run.identity("abc") == "e076af3afa583422ac910b13d8bf92e4c26f1126"


@pytest.mark.parametrize(("correct", "constant"), [([0, 5], True), ([10, 0], True), ([9, 0], False), ([10, 5], False)])
def test_an_answer_is_constant_when_one_class_is_all_there_is(correct, constant):
    measurement = record().measurements["described"]
    assert msgspec.structs.replace(measurement, correct=correct, total=[10, 5]).constant is constant
