"""Records: round trips, identity, damage, a full disk."""

import json
from pathlib import Path

import msgspec
import pytest

from repro.errors import Failure
from repro.planning.specification import NUMERICS, PROTOCOLS, Data, Model, Recipe, Run, stated
from repro.records import Epoch, Measurement, Record, Store
from repro.records.files import write_atomic

RUN = Run(model=Model(name="squeezenet", options={"classes": 10}), data=Data(name="cifar10"), recipe=Recipe())
HISTORY = [
    Epoch(
        epoch=1, learning_rate=0.1, train_loss=2.0, train_accuracy=0.25, test_loss=1.5, test_accuracy=0.5,
        active_logits=0.75, seconds=3.0,
    )
]  # fmt: skip


def record(run: Run = RUN, checksum: str = "abc", **changes) -> Record:
    measurement = Measurement(
        protocol=PROTOCOLS["described"], correct=[3, 4], total=[10, 5], loss=1.0, active_logits=0.5, epoch=1
    )
    made = Record(
        identity=run.identity(checksum),
        run=run,
        checksum=checksum,
        numerics=NUMERICS,
        status="done",
        parameters=7,
        measurements={"described": measurement},
        seconds=3.0,
        images_per_second=100.0,
        finished="2026-01-01T00:00:00+00:00",
        environment={"device": "cpu"},
    )
    return msgspec.structs.replace(made, **changes)


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


@pytest.mark.parametrize("change", ["truncated", "seed", "unknown field"])
def test_a_damaged_or_edited_record_is_passed_over_and_named(tmp_path: Path, change: str):
    store = Store(tmp_path)
    store.save(record(), HISTORY)
    path = next(store.folder.glob("*/*/record.json"))
    content = json.loads(path.read_text())
    if change == "seed":
        content["run"]["seed"] = 5
    content["surprise" if change == "unknown field" else "note"] = "edited"
    path.write_text(json.dumps(content)[: 200 if change == "truncated" else None])
    assert store.find(RUN, "abc") is None
    assert len(store.problems) == 1
    assert str(path) in store.problems[0]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "table.md"
    write_atomic(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("repro.records.files.os.fsync", full)
    with pytest.raises(Failure, match=r"table\.md: No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.md"]


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
