"""Joining results folders: nothing lost, nothing replaced, every conflict and every damaged record named."""

import re
from pathlib import Path

import msgspec
import pytest

from repro.config.specification import PROTOCOLS, Compression
from repro.records import Record, Store, variants
from repro.records.compressed import CompressedRecord
from repro.records.merge import merge

from .examples import HISTORY, RUN, compressed_record, record


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


def save_file(store: Store, variant: str, size: int = 1_000_000, **changes) -> Path:
    """Put the record of a compressed file into a store; where it is."""
    made = compressed_record(variant, size, 0.0, **changes)
    variants.save(store.folder.parent, made)
    return variants.place(store.folder.parent, CompressedRecord, made.experiment, variant)


def test_a_run_shared_by_processes_is_told_apart(stores: tuple[Store, Store]):
    """Its rounding differs, and it has the same identity: one of the two counts, and which is said."""
    ours, theirs = stores
    ours.save(result(0, right=3, machine="a"), HISTORY)
    shared = {"device_name": "a", "path": "float32, channels-last, eager, 2 processes"}
    theirs.save(msgspec.structs.replace(result(0, right=5), environment=shared), HISTORY)
    (line,) = merge(ours, theirs).conflicts
    assert re.search(r"% on a here, .* % on a in 2 processes there; kept what is here$", line)


def test_compressed_files_of_two_machines_become_one_folder(stores: tuple[Store, Store]):
    ours, theirs = stores
    save_file(ours, "kmeans-5", encode_seconds=2.0)
    theirs.save(result(0), HISTORY)
    for variant in ("kmeans-5", "kmeans-6"):
        save_file(theirs, variant, environment={"device_name": "b"}, finished="2026-02-02")
    assert merge(ours, theirs)[:3] == (2, 0, 1)
    found = variants.every(ours, CompressedRecord)
    assert [one.variant for one in found] == ["kmeans-5", "kmeans-6"]
    assert found[0].encode_seconds == 2.0
    assert found[1] == variants.every(theirs, CompressedRecord)[1]
    assert merge(ours, theirs) == (0, 0, 3, [], [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "paper-table2/kmeans-5: 1,000,000 bytes, 70 of 100 right on a here, 1,000,001 bytes"),
        ({"compression": Compression(bits=4)}, "paper-table2/kmeans-5, made with other settings: 1,000,000 bytes"),
    ],
)
def test_another_file_of_the_same_variant_is_a_conflict_and_ours_stays(
    stores: tuple[Store, Store], changes: dict, said: str
):
    ours, theirs = stores
    before = save_file(ours, "kmeans-5").read_bytes()
    save_file(theirs, "kmeans-5", 1_000_001, **changes)
    found = merge(ours, theirs)
    (line,) = found.conflicts
    assert line.startswith(said)
    assert found[:3] == (0, 0, 0)
    assert variants.place(ours.folder.parent, CompressedRecord, "paper-table2", "kmeans-5").read_bytes() == before


@pytest.mark.parametrize("to", ["/dev/zero", "itself", "nothing"])
def test_a_link_in_the_place_of_a_record_is_named_and_stays(stores: tuple[Store, Store], to: str):
    ours, theirs = stores
    theirs.save(result(0), HISTORY)
    save_file(theirs, "kmeans-5")
    places = [
        ours.files(RUN, result(0).identity)[0],
        variants.place(ours.folder.parent, CompressedRecord, "paper-table2", "kmeans-5"),
    ]
    for path in places:
        path.parent.mkdir(parents=True)
        path.symlink_to(path if to == "itself" else to)
    found = merge(ours, theirs)
    assert found[:4] == (0, 0, 0, [])
    assert len(found.refused) == 2
    assert all(str(path) in line for path, line in zip(places, found.refused, strict=True))
    assert all(path.is_symlink() for path in places)


@pytest.mark.parametrize("how", ["cut", "edited", "moved", "ours cut"])
def test_a_damaged_record_of_a_file_is_refused_by_name_and_the_others_join(stores: tuple[Store, Store], how: str):
    ours, theirs = stores
    save_file(theirs, "kmeans-6")
    path = save_file(theirs, "kmeans-5")
    match how:
        case "cut":
            path.write_bytes(path.read_bytes()[:-40])
        case "edited":
            path.write_text(path.read_text().replace('"top1": 70', '"top1": 71'))
        case "moved":
            path = path.rename(path.with_name("lossless.json"))
        case "ours cut":
            path = save_file(ours, "kmeans-5")
            path.write_text("{")
    found = merge(ours, theirs)
    (line,) = found.refused
    assert str(path) in line
    assert found.added == 1
    assert [one.variant for one in variants.every(ours, CompressedRecord)] == ["kmeans-6"]
