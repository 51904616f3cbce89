"""Documents and findings whose numbers are made from records."""

import re
from statistics import fmean

import msgspec
import pytest

from repro.errors import BadInput, Failure
from repro.judging.evidence import gather
from repro.planning import experiments
from repro.records import Store, variants
from repro.reporting import snippets

from ..records.examples import compressed_record, weights_record


@pytest.fixture(scope="module")
def filled(fill, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    experiment = experiments.find("squeeze-expand")
    fill(folder, experiment, "laptop", folder / "no-data")
    return Store(folder), folder / "no-data", gather(experiment, "laptop", Store(folder), folder / "no-data")


def test_a_number_within_a_line_is_renewed_and_the_rest_stays(filled):
    store, data_dir, evidence = filled
    mean = next(item.mean for item in evidence if item.variant.name == "factor-4" and item.protocol == "notebook")
    text = "It reaches <!-- made: mean squeeze-expand/factor-4 notebook -->7<!-- /made --> %.\n"
    renewed = snippets.renew(text, store, data_dir)
    assert renewed == f"It reaches <!-- made: mean squeeze-expand/factor-4 notebook -->{mean:.1f}<!-- /made --> %.\n"
    assert snippets.renew(renewed, store, data_dir) == renewed


def test_a_gap_is_second_minus_first(filled):
    store, data_dir, evidence = filled
    values = {item.variant.name: item.values for item in evidence if item.protocol == "described"}
    difference = fmean(values["factor-8"]) - fmean(values["baseline"])
    made = snippets.make("gap squeeze-expand/baseline/factor-8", store, data_dir)
    assert made.startswith(f"{difference:+.1f} [")
    assert made.endswith("(n=3)")


@pytest.mark.parametrize(("kind", "row"), [("table", "| factor 4 "), ("claims", "| Squeeze and expand")])
def test_tables_stand_on_lines_of_their_own(filled, kind, row):
    store, data_dir, _ = filled
    text = f"before\n<!-- made: {kind} squeeze-expand -->\n<!-- /made -->\nafter\n"
    renewed = snippets.renew(text, store, data_dir)
    assert renewed.startswith(f"before\n<!-- made: {kind} squeeze-expand -->\n\n")
    assert renewed.endswith("\n\n<!-- /made -->\nafter\n")
    assert row in renewed
    assert snippets.renew(renewed, store, data_dir) == renewed


def test_an_epoch_on_the_way_is_read_from_the_histories(filled):
    store, data_dir, evidence = filled
    item = next(item for item in evidence if item.variant.name == "factor-4")
    first = [store.history(record)[0] for record in item.records]
    train = 100 * fmean(epoch.train_accuracy for epoch in first)
    test = 100 * fmean(epoch.test_accuracy for epoch in first)
    assert snippets.make("after 1 squeeze-expand/factor-4", store, data_dir) == f"{train:.1f} and {test:.1f}"


def test_failures_are_counted(filled):
    store, data_dir, _ = filled
    assert snippets.make("failed squeeze-expand/baseline", store, data_dir) == "0 of 8"
    assert snippets.make("failed squeeze-expand", store, data_dir) == "0 of 32"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("average squeeze-expand/factor-4", "none of table, claims"),
        ("mean squeeze-expand/factor-5", "did you mean .*factor"),
        ("mean squeeze-expand/factor-4 notbook", "notebook"),
        ("mean squeeze-expand", "1 of its variants"),
        ("mean batch-norm/fire", "has not been run"),
        ("after 99 squeeze-expand/factor-4", "an epoch from 1 to"),
        ("after last squeeze-expand/factor-4", "an epoch from 1 to"),
        ("bytes squeeze-expand/factor-4", "is not compressed"),
        ("lost paper-table2/squeezenet", "is not compressed"),
        ("lost paper-table2/lossless", "has no record"),
        ("weights published-weights/mini-squeezenet", "has no record"),
        ("weights published-weights/minni", "unknown variant"),
    ],
)
def test_what_cannot_be_made_is_refused(filled, request_, message):
    store, data_dir, _ = filled
    with pytest.raises((BadInput, Failure), match=message):
        snippets.make(request_, store, data_dir)


def test_the_numbers_of_a_finding_are_the_records(tmp_path):
    experiment = experiments.find("paper-table2")
    # By hand only what the paper states (0.47 MB), bits of a code, top-1 and the level of intervals.
    stated = re.findall(r"[\d.,]*\d", snippets.PART.sub("", experiment.finding))
    assert set(stated) <= {"0.47", "6", "1", "95"}
    names = {request.split()[1].partition("/")[2] for request in snippets.PART.findall(experiment.finding)}
    assert snippets.finding(experiment, Store(tmp_path), tmp_path) == ""
    for index, variant in enumerate(sorted(names)):
        variants.save(tmp_path, compressed_record(variant, 400_001 + index, lost=0.5 + index))
    first = snippets.finding(experiment, Store(tmp_path), tmp_path)
    assert "100 photographs" in first
    variants.save(tmp_path, compressed_record("lossless-context", 543_210, lost=0.0))
    assert "fits into 543,210 bytes" not in first
    assert "fits into 543,210 bytes" in snippets.finding(experiment, Store(tmp_path), tmp_path)
    variants.save(tmp_path, compressed_record("kmeans-6", 399_999, lost=4.2))
    second = snippets.finding(experiment, Store(tmp_path), tmp_path)
    assert "k-means to 6 bits without retraining 0.0420 [0.0336, 0.0840] and +4.2 [+3.2, +5.2] in 399,999" in second
    assert snippets.concluded_table(experiment, Store(tmp_path), tmp_path).notes[0] == second


def test_published_weights_are_told_with_their_interval(tmp_path):
    variants.save(tmp_path, weights_record())
    # Wilson's interval of 7 in 15.
    assert snippets.make("weights published-weights/mini-squeezenet", Store(tmp_path), tmp_path) == "46.7 [24.8, 69.9]"


def test_a_finding_that_asks_for_what_there_is_not_names_its_file(filled):
    store, data_dir, _ = filled
    experiment = msgspec.structs.replace(experiments.find("squeeze-expand"), finding="It is {mean squeeze-expand/no}.")
    with pytest.raises(BadInput, match=r"squeeze-expand\.toml: finding: .*unknown variant 'no'"):
        snippets.finding(experiment, store, data_dir)


@pytest.mark.parametrize("experiment", [e for e in experiments.everything() if e.finding], ids=lambda e: e.name)
def test_findings_are_made_from_the_committed_records(experiment, tmp_path):
    results = experiments.folder().parent / "results"
    assert (
        snippets.finding(experiment, Store(results), tmp_path) in (results / f"tables/{experiment.name}.md").read_text()
    )
