"""Joining results folders: nothing lost, nothing replaced, every conflict and every damaged record named."""

from pathlib import Path

import msgspec
import pytest

from repro.planning.specification import PROTOCOLS
from repro.records import Record, Store
from repro.records.merge import merge

from .examples import HISTORY, RUN, record


def result(seed: int, right: int = 3, machine: str = "a", protocols: tuple[str, ...] = ("described",)) -> Record:
    """A record of one seed, from one machine."""
    made = record(msgspec.structs.replace(RUN, seed=seed), environment={"device_name": machine}, finished=machine)
    one = made.measurements["described"]
    measured = {p: msgspec.structs.replace(one, correct=[right, 4], protocol=PROTOCOLS[p]) for p in protocols}
    return msgspec.structs.replace(made, measurements=measured)


@pytest.fixture
def stores(tmp_path: Path) -> tuple[Store, Store]:
    return Store(tmp_path / "ours"), Store(tmp_path / "theirs")


def test_two_machines_become_one_folder(stores: tuple[Store, Store]):
    ours, theirs = stores
    for seed in (0, 1):
        ours.save(result(seed), HISTORY)
    for seed in (1, 2, 3):
        theirs.save(result(seed, machine="b"), HISTORY)
    assert merge(ours, theirs)[:3] == (2, 0, 1)
    assert sorted(found.run.seed for found in ours.all) == [0, 1, 2, 3]
    assert [found.environment["device_name"] for found in ours.all if found.run.seed == 1] == ["a"]
    assert merge(ours, theirs)[:3] == (0, 0, 3)
    assert all(ours.history(found) == HISTORY for found in ours.all)


def test_a_different_outcome_of_the_same_run_is_a_conflict_and_ours_stays(stores: tuple[Store, Store]):
    ours, theirs = stores
    ours.save(result(0, right=3, machine="a"), HISTORY)
    theirs.save(result(0, right=5, machine="b"), HISTORY)
    found = merge(ours, theirs)
    assert found[:3] == (0, 0, 0)
    (line,) = found.conflicts
    assert all(word in line for word in (RUN.identity("abc")[:16], "46.67 % on a here", "60.00 % on b there"))
    assert [kept.measurements["described"].correct for kept in ours.all] == [[3, 4]]


def test_a_different_history_is_a_conflict_too(stores: tuple[Store, Store]):
    ours, theirs = stores
    ours.save(result(0), HISTORY)
    theirs.save(result(0), [msgspec.structs.replace(HISTORY[0], train_loss=2.5)])
    assert len(merge(ours, theirs).conflicts) == 1


def test_protocols_measured_elsewhere_are_joined(stores: tuple[Store, Store]):
    ours, theirs = stores
    ours.save(result(0), HISTORY)
    theirs.save(result(0, protocols=("described", "notebook")), HISTORY)
    assert merge(ours, theirs)[:3] == (0, 1, 0)
    assert set(ours.all[0].measurements) == {"described", "notebook"}
    assert merge(theirs, ours)[:3] == (0, 0, 1)


@pytest.mark.parametrize("damaged", ["theirs", "ours"])
def test_a_damaged_record_is_refused_by_name_and_the_others_join(stores: tuple[Store, Store], damaged: str):
    ours, theirs = stores
    for store in stores:
        store.save(result(0), HISTORY)
    theirs.save(result(1), HISTORY)
    store = ours if damaged == "ours" else theirs
    path = store.files(RUN, result(0).identity)[0]
    path.write_bytes(path.read_bytes()[:-40])
    before = path.read_bytes()
    found = merge(ours, theirs)
    (line,) = found.refused
    assert str(path) in line
    assert found.added == 1
    assert path.read_bytes() == before
