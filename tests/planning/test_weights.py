"""Records of published weights: what belongs to the variant as it is stated now, what is damaged, and joining them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from repro.config.specification import Data
from repro.planning import experiments
from repro.planning import weights as records
from repro.records import Store, variants
from repro.records.merge import merge
from repro.records.store import sealed
from repro.records.weights import WeightsRecord

from ..records.examples import weights_record

EXPERIMENT = experiments.find("published-weights")
VARIANT = EXPERIMENT.variant("mini-squeezenet")


def test_hits_are_of_each_image_in_order():
    made = weights_record()
    assert made.right == [True] * 7 + [False] * 8
    assert (made.total, made.whole) == (15, False)


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"sha256": "0" * 64}, False),
        ({"file": "other.h5"}, False),
        ({"data": Data(name="cifar10", pixels=32)}, False),
        ({"numerics": 0}, False),
    ],
)
def test_a_record_counts_for_the_variant_as_it_is_stated_now(tmp_path: Path, changes: dict[str, Any], counts: bool):
    variants.save(tmp_path, weights_record(**changes))
    assert (records.find(Store(tmp_path), EXPERIMENT, VARIANT) is not None) == counts


@pytest.mark.parametrize(
    ("field", "value"),
    [("hits", "ff00"), ("hits", "fe"), ("hits", "xyz"), ("sha256", "15de"), ("seconds", -1), ("parameters", -1)],
)
def test_values_that_no_measuring_leaves_make_a_damaged_record(tmp_path: Path, field: str, value: Any):
    made = weights_record()
    variants.save(tmp_path, made)
    path = variants.place(tmp_path, WeightsRecord, made.experiment, made.variant)
    content = json.loads(path.read_text()) | {field: value}
    del content["seal"]
    path.write_text(json.dumps(content | {"seal": sealed(content)}))
    store = Store(tmp_path)
    assert variants.every(store, WeightsRecord) == []
    assert str(path) in store.problems[0]


def test_records_of_two_machines_are_joined(tmp_path: Path):
    ours, theirs = Store(tmp_path / "ours"), Store(tmp_path / "theirs")
    made = weights_record()
    variants.save(tmp_path / "theirs", made)
    assert merge(ours, theirs)[:3] == (1, 0, 0)
    elsewhere = msgspec.structs.replace(made, seconds=9.0, environment={"device_name": "b"})
    variants.save(tmp_path / "theirs", elsewhere)
    assert merge(ours, theirs)[:3] == (0, 0, 1)
    variants.save(tmp_path / "theirs", msgspec.structs.replace(elsewhere, checksum="other"))
    (line,) = merge(ours, theirs).conflicts
    which, _, said = line.partition(": ")
    assert which == "published-weights/mini-squeezenet, made with other settings"
    assert said == "7 of 15 right on a here, 7 of 15 right on b there; kept what is here"
