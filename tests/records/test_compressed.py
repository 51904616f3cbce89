"""Records of compressed files: what is none is passed over and named; none is outside its folder."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from repro.errors import Failure
from repro.records import Store, variants
from repro.records.compressed import CompressedRecord
from repro.records.store import LARGEST, sealed

from .examples import compressed_record


def saved(results: Path) -> Path:
    """A results folder's record of one file, and where it is."""
    made = compressed_record("kmeans-5", 1_000_000, 0.0)
    variants.save(results, made)
    return variants.place(results, CompressedRecord, made.experiment, made.variant)


@pytest.mark.parametrize("name", ["../../../x", "/x", "a/b", "..", "", "a\0"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str):
    made = compressed_record("kmeans-5", 1_000_000, 0.0)
    for names in ({"variant": name}, {"experiment": name}):
        with pytest.raises(Failure, match="leads out of") as caught:
            variants.save(tmp_path / "results", msgspec.structs.replace(made, **names))
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["/dev/zero", "a pipe", "a link to itself", "a folder", "too large"])
def test_what_is_no_regular_file_is_named_and_not_read(tmp_path: Path, what: str):
    path = saved(tmp_path)
    path.unlink()
    match what:
        case "/dev/zero":
            path.symlink_to(what)
        case "a pipe":
            os.mkfifo(path)
        case "a link to itself":
            path.symlink_to(path)
        case "a folder":
            path.mkdir()
        case "too large":
            path.touch()
            os.truncate(path, LARGEST + 1)
    store = Store(tmp_path)
    assert variants.every(store, CompressedRecord) == []
    (problem,) = store.problems
    assert str(path) in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("", "environment", {"device_name": ["x"]}),
        ("", "encode_seconds", -1.0),
        ("", "bytes", -1),
        ("answers", "top1", -1),
        ("answers", "top1", 101),
        ("answers", "total", 0),
        ("answers", "agreement", 1.5),
        ("layers", "kept", 1_001),
        ("layers", "codes", -1),
    ],
)
def test_values_that_no_compression_leaves_make_a_damaged_record(tmp_path: Path, part: str, field: str, value: Any):
    path = saved(tmp_path)
    content = json.loads(path.read_text())
    place = {"": content, "answers": content["answers"], "layers": content["layers"][0]}[part]
    place[field] = value
    del content["seal"]
    path.write_text(json.dumps(content | {"seal": sealed(content)}))
    store = Store(tmp_path)
    assert variants.every(store, CompressedRecord) == []
    assert str(path) in store.problems[0]
