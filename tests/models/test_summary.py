"""Per-layer summaries and the design strategies: arithmetic that must add up."""

import json
from pathlib import Path

import pytest

from repro.errors import BadInput, Failure
from repro.models import NETWORKS
from repro.models.golden import golden
from repro.models.strategies import strategies
from repro.models.summary import measured, summarise


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_add_up_to_the_golden_totals(name: str) -> None:
    summary = summarise(name, {})
    entry = next(
        e for e in golden().values() if e.network == name and not e.options and list(e.input) == summary["input"]
    )
    assert summary["parameters"] == sum(row["parameters"] for row in summary["layers"]) == entry.parameters
    assert summary["macs"] == sum(row["macs"] for row in summary["layers"]) == entry.macs
    assert summary["bytes"] == entry.bytes
    assert sum(row["share"] for row in summary["layers"]) == pytest.approx(1)
    for row in summary["layers"]:
        for key in ("parameters", "macs"):
            assert not row["parts"] or row[key] == sum(part[key] for part in row["parts"])
    classes = 1000 if name in ("squeezenet", "squeezenext", "alexnet", "vgg19") else 10
    assert summary["layers"][-1]["output"] == [classes, 1, 1]
    assert json.loads(json.dumps(summary)) == summary


def test_table_1() -> None:
    """Rows, sizes and counts of the paper's Table 1, and the parts of a module with its bypass."""
    summary = summarise("squeezenet", {}, (3, 227, 227))
    published = golden()["squeezenet-1.0"].published
    rows = {row["name"]: row for row in summary["layers"]}
    assert list(rows) == list(published.maps)
    assert {name: tuple(row["output"]) for name, row in rows.items()} == published.maps
    assert {name: row["parameters"] for name, row in rows.items() if row["parameters"]} == published.layers
    fire2 = summarise("squeezenet", {"bypass": "complex"})["layers"][2]
    assert [(part["name"], part["output"][0]) for part in fire2["parts"]] == [
        ("squeeze1x1", 16),
        ("expand1x1", 64),
        ("expand3x3", 64),
        ("bypass1x1", 128),
    ]
    assert fire2["parameters"] == 11_920 + 96 * 128 + 128


def test_options_are_shown_in_canonical_form() -> None:
    assert summarise("squeezenet", {"remove": "fire5,2", "stem": "cifar"})["options"] == {
        "remove": [2, 5],
        "stem": "cifar",
    }


def test_an_input_too_small_is_named() -> None:
    with pytest.raises(BadInput, match="squeezenet: input 3x8x8 is too small: nothing is left of it at maxpool"):
        summarise("squeezenet", {}, (3, 8, 8))


def test_strategies() -> None:
    rows = {(row.strategy, row.quantity.split(",")[0], row.where): row for row in strategies()}
    filters = [row for key, row in rows.items() if key[:2] == (1, "weights of the 1x1 expand filters")]
    assert len(filters) == 2
    assert all(row.factor == 9 for row in filters)
    inputs = rows[2, "input channels of the 3x3 filters", "fire9"]
    assert (inputs.without, inputs.following, inputs.factor) == (512, 64, 8)
    # By hand: 512 (256 + 9 x 256) against 512 x 64 + 64 (256 + 9 x 256).
    weights = rows[2, "weights of the module", "fire9"]
    assert (weights.without, weights.following) == (1_310_720, 196_608)
    maps = rows[3, "positions of the activation map", "fire6"]
    assert (maps.without, maps.following) == (14 * 14, 27 * 27)
    assert rows[3, "parameters", "network"].following == 1_248_424


def test_strategies_count_what_a_network_without_them_would_have() -> None:
    """Against layers counted one by one from Table 1's widths."""
    squeeze, inputs = (16, 16, 32, 32, 48, 48, 64, 64), (96, 128, 128, 256, 256, 384, 384, 512)
    outside = 14_208 + 513_000
    no_1x1 = outside + sum(i * s + s + 2 * (9 * s * 4 * s + 4 * s) for s, i in zip(squeeze, inputs, strict=True))
    no_squeeze = outside + sum(10 * i * 4 * s + 8 * s for s, i in zip(squeeze, inputs, strict=True))
    totals = {row.strategy: row.without for row in strategies() if row.where == "network" and row.strategy < 3}
    assert totals == {1: no_1x1, 2: no_squeeze}


def test_a_network_from_outside_is_built_and_measured():
    """LeNet-5 of the example has the counts that its records have."""
    lenet = Path(__file__).parents[2] / "examples" / "lenet"
    found = measured(f"{lenet}/networks.py:lenet5", {"classes": "10"}, (1, 28, 28))
    record = json.loads(next(lenet.glob("results/runs/lenet5-mnist/*/record.json")).read_text())
    assert (found["parameters"], found["macs"]) == (record["parameters"], record["macs"]) == (60_000, found["macs"])
    assert sum(row["macs"] for row in found["layers"]) == found["macs"]
    first = found["layers"][0]
    assert (first["kind"], first["output"], first["parameters"]) == ("Conv2d", [6, 28, 28], 6 * 26)
    with pytest.raises(Failure, match=r"networks\.py:lenet5: RuntimeError: "):
        measured(f"{lenet}/networks.py:lenet5", {"classes": "10"}, (3, 28, 28))
