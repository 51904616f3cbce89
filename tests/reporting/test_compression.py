"""The table and figures of compressed files, from records alone."""

from itertools import combinations
from pathlib import Path

import msgspec
import pytest

from repro.config.specification import Compression
from repro.judging.evidence import verdicts_of
from repro.planning import experiments, study
from repro.records import Store, variants
from repro.records.compressed import CompressedRecord
from repro.reporting import compression, kinds
from repro.reporting.registry import sheet

from ..records.examples import compressed_record

EXPERIMENT = experiments.find("paper-table2")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    for variant, size, lost in (
        ("squeezenet-8bit", 675_763, 0.0),
        ("rounded-470k", 440_000, 0.4),
        ("kmeans-6", 1, 6.0),
    ):
        variants.save(tmp_path, compressed_record(variant, size, lost))
    return Store(tmp_path)


def test_rows_show_records_beside_what_was_published(store: Store) -> None:
    table = kinds.of(EXPERIMENT).table(EXPERIMENT, store, store.folder)
    rows = {row["variant"]: row for row in table.rows}
    assert len(rows) == len(EXPERIMENT.variants)
    released = rows[EXPERIMENT.variant("squeezenet-8bit").title]
    assert released["published_size"] == "0.66 MB"
    assert released["bytes"] == 675_763
    assert released["top1"].startswith("70.0 [")
    assert released["nonzero"] == 5 * 410
    assert rows["AlexNet"]["bytes"] == 4 * 61_100_840
    rounded = rows[EXPERIMENT.variant("rounded-470k").title]
    assert (rounded["divergence"], rounded["lost"]) == ("0.0040 [0.0032, 0.0080]", "+0.4 [-0.6, +1.4]")
    assert rounded["lost5"] == "+0.2 [+0.0, +0.4]"
    assert "bytes" not in rows["AlexNet, SVD"]
    assert "files missing" in " ".join(table.notes)


def test_a_record_of_other_settings_does_not_count(store: Store) -> None:
    old = compressed_record("kmeans-5", 300_000, 9.0)
    variants.save(store.folder.parent, msgspec.structs.replace(old, compression=Compression(bits=4)))
    assert "kmeans-5" not in compression.records(EXPERIMENT, store)
    due = {variant.name for variant in EXPERIMENT.work.due(EXPERIMENT, store, store.folder).variants}
    assert "kmeans-5" in due
    assert "kmeans-6" not in due
    path = variants.place(store.folder.parent, CompressedRecord, EXPERIMENT.name, "kmeans-6")
    path.write_text("{")
    assert "kmeans-6" not in compression.records(EXPERIMENT, store)
    assert "kmeans-6.json was passed over" in store.problems[0]


def test_claims_are_judged_by_the_files(store: Store, tmp_path: Path) -> None:
    verdicts = verdicts_of(EXPERIMENT, store, tmp_path)
    found = {claim.id: verdict for claim, verdict in zip(EXPERIMENT.claims, verdicts, strict=True)}
    assert found["paper-table2-8bit-size"].verdict == "not reproduced"
    assert found["paper-table2-8bit-ratio"].verdict == "not reproduced"
    assert found["paper-table2-nonzero"].verdict == "not reproduced"
    assert found["paper-table2-kept-conv10"].measured == 40
    assert found["paper-table2-kept-fire2-expand3x3"].measured == 40
    assert found["paper-table2-kept-fire2-squeeze1x1"].measured is None  # the record has no such layer
    assert found["paper-table2-nonzero-fire2"].measured == 410
    assert found["paper-table2-6bit-size"].verdict == "inconclusive"  # its file has no record
    assert found["paper-table2-squeezenet-8bit-top1"].verdict == "not testable"


def test_figures(store: Store, tmp_path: Path) -> None:
    drawn = kinds.of(EXPERIMENT).draw(EXPERIMENT, {}, store, tmp_path / "figures")
    assert [figure.name.removeprefix("paper-table2") for figure in drawn] == ["", "-bytes", "-weights"]
    assert "440,000 bytes" in drawn[0].alt
    for figure in drawn:
        assert (tmp_path / "figures" / f"{figure.name}.svg").stat().st_size > 5_000
    assert kinds.of(EXPERIMENT).described(EXPERIMENT, {}, Store(tmp_path / "empty")) == []


def test_labels_of_histograms_do_not_meet() -> None:
    """Of the committed files, whose names are as long as names get."""
    store = Store(study.shipped() / "results")
    figure = sheet()
    compression.paint(figure, EXPERIMENT, store, f"{EXPERIMENT.name}-weights")
    figure.draw_without_rendering()
    boxes = [axis.yaxis.label.get_window_extent() for axis in figure.axes if axis.get_ylabel()]
    assert len(boxes) == 3
    assert [(a, b) for a, b in combinations(boxes, 2) if a.overlaps(b)] == []


def test_captions_say_how_many_photographs() -> None:
    drawn, *others = compression.described(EXPERIMENT, Store(study.shipped() / "results"))
    assert drawn.marks.startswith("One file a mark, its answers to 642 photographs; 95 % intervals")
    assert all(each.marks for each in others)
