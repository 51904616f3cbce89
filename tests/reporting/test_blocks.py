"""Documents whose numbers are made from records."""

import pytest

from repro.errors import BadInput, Failure
from repro.judging.evidence import gather
from repro.planning import experiments
from repro.records import Store
from repro.reporting import blocks


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
    renewed = blocks.renew(text, store, data_dir)
    assert renewed == f"It reaches <!-- made: mean squeeze-expand/factor-4 notebook -->{mean:.1f}<!-- /made --> %.\n"
    assert blocks.renew(renewed, store, data_dir) == renewed


def test_a_gap_is_second_minus_first_over_shared_seeds(filled):
    store, data_dir, evidence = filled
    values = {item.variant.name: item.values for item in evidence if item.protocol == "described"}
    difference = sum(b - a for a, b in zip(values["baseline"], values["factor-8"], strict=True)) / 3
    made = blocks.make("gap squeeze-expand/baseline/factor-8", store, data_dir)
    assert made.startswith(f"{difference:+.1f} [")
    assert made.endswith("(n=3)")


@pytest.mark.parametrize(("kind", "row"), [("table", "| factor 4 "), ("claims", "| Squeeze and expand")])
def test_tables_stand_on_lines_of_their_own(filled, kind, row):
    store, data_dir, _ = filled
    text = f"before\n<!-- made: {kind} squeeze-expand -->\n<!-- /made -->\nafter\n"
    renewed = blocks.renew(text, store, data_dir)
    assert renewed.startswith(f"before\n<!-- made: {kind} squeeze-expand -->\n\n")
    assert renewed.endswith("\n\n<!-- /made -->\nafter\n")
    assert row in renewed
    assert blocks.renew(renewed, store, data_dir) == renewed


def test_failures_are_counted(filled):
    store, data_dir, _ = filled
    assert blocks.make("failed squeeze-expand/baseline", store, data_dir) == "0 of 3"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("average squeeze-expand/factor-4", "none of table, claims"),
        ("mean squeeze-expand/factor-5", "did you mean .*factor"),
        ("mean squeeze-expand/factor-4 notbook", "notebook"),
        ("mean squeeze-expand", "1 of its variants"),
        ("mean batch-norm/fire", "has not been run"),
    ],
)
def test_what_cannot_be_made_is_refused(filled, request_, message):
    store, data_dir, _ = filled
    with pytest.raises((BadInput, Failure), match=message):
        blocks.make(request_, store, data_dir)
