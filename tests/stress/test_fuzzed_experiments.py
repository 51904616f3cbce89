"""Every field of an experiment file with wrong types and values: an error that names file and key, or a sound plan."""

import copy
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from repro.config.specification import BUDGETS
from repro.errors import Failure
from repro.planning import experiments, plan
from repro.records import Store

SETTINGS = {
    "seeds": 2,
    "stem": "cifar",
    "options": {"dropout": 0.5},
    "data": {"pixels": 32},
    "recipe": {"epochs": 1, "milestones": [1], "learning_rate": 0.1},
    "networks": {"squeezenet": {"seeds": 2, "recipe": {"batch": 8}}},
}
VALID: dict[str, Any] = {
    "title": "t",
    "source": "report, Table 1",
    "question": "q",
    "order": 5,
    "kind": "training",
    "protocols": ["described", "notebook"],
    "finding": "f",
    "reduced": "r",
    "figure": {"kind": "bars", "title": "t", "x": "x", "y": "y"},
    "smoke": SETTINGS,
    "laptop": SETTINGS,
    "paper": SETTINGS,
    "variants": [
        {
            "name": "a",
            "model": "squeezenet",
            "label": "A",
            "series": "s",
            "at": 1.5,
            "options": {"bypass": "simple", "version": "1.0", "remove": [2]},
            "data": {"name": "cifar10", "synthetic": True, "train_images": 10, "holdout": 5, "normalisation": "half"},
            "recipe": {
                "optimizer": "sgd", "momentum": 0.9, "weight_decay": 1e-4, "schedule": "step", "gamma": 0.1,
                "warmup": 0.2, "label_smoothing": 0.1, "batch": 4, "flip": True, "crop_padding": 4,
                "precision": "float32",
            },
            "smoke": {"seeds": 1},
        },
        {"name": "b", "model": "alexnet"},
    ],
    "claims": [
        {
            "id": "c", "source": "report", "place": "Table 1", "statement": "s", "type": "ordering",
            "variants": ["a", "b"], "margin": 0.5, "unit": "points", "budget": "paper",
        }
    ],
}  # fmt: skip


def places(value: Any, here: tuple = ()) -> list[tuple]:
    """The paths of all fields."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([here] if here else []) + [path for key, part in inside for path in places(part, (*here, key))]


def toml(value: Any) -> str:
    """A value as TOML writes it, tables inline."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {toml(part)}" for key, part in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case _:
            return json.dumps(value)


GONE = object()
NUMBERS = st.integers() | st.sampled_from([0, -1, 2**31, 2**63, 2**64, 10**30]) | st.floats()
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=8)
SIMPLE = st.booleans() | NUMBERS | TEXTS | st.sampled_from(["squeezenet", "a", "cifar", "paper", "mnist", ""])
VALUES = SIMPLE | st.lists(SIMPLE, max_size=3) | st.dictionaries(TEXTS, SIMPLE, max_size=2) | st.just(GONE)


def test_the_unchanged_file_is_sound(tmp_path: Path):
    assert len(planned(VALID, tmp_path)) > 0
    assert len(places(VALID)) > 100


@pytest.mark.parametrize(
    "field", [path for path in places(VALID) if isinstance(path[-1], str)], ids=lambda p: ".".join(map(str, p))
)
def test_every_field_refuses_another_type(field: tuple, tmp_path: Path, count):
    """A list of lists of tables is what no field takes."""
    changed = altered(field, [[{"x": 1}]])
    with pytest.raises(Failure) as caught:
        planned(changed, tmp_path)
    message = str(caught.value)
    assert "mine.toml" in message
    assert any(str(part) in message for part in field[-2:])
    assert "\n" not in message
    count("fields of an experiment file that refused another type, by name", 1)


def inside(path: tuple) -> Any:
    """What stands at a path of the valid file."""
    value: Any = VALID
    for key in path:
        value = value[key]
    return value


TABLES = [path for path in places(VALID) if isinstance(inside(path), dict) and path[-1] != "networks"]


@pytest.mark.parametrize("table", TABLES, ids=lambda path: ".".join(map(str, path)))
def test_every_table_refuses_an_unknown_key(table: tuple, tmp_path: Path):
    with pytest.raises(Failure, match=r"mine\.toml: .*'surprise'"):
        planned(altered(table, {**inside(table), "surprise": 1}), tmp_path)


def test_any_field_with_any_value_is_refused_by_name_or_planned(often, count):
    tried = []

    @settings(max_examples=often(60, 1000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @example(("laptop", "seeds"), 10**9)
    @example(("variants", 0, "recipe", "batch"), 2**64)
    @example(("variants", 0, "options"), {"remove": [99]})
    @given(st.sampled_from(places(VALID)), VALUES)
    def check(field: tuple, value: Any) -> None:
        tried.append(field)
        with tempfile.TemporaryDirectory() as folder:
            message = ""
            try:
                planned(altered(field, value), Path(folder))
            except Failure as failure:
                message = str(failure)
            assert message == "" or "mine.toml" in message
            assert "\n" not in message

    check()
    count("values put into fields of an experiment file by hypothesis: refused in one line, or planned", len(tried))


def altered(field: tuple, value: Any) -> dict[str, Any]:
    """The valid file with one field changed or gone."""
    changed = copy.deepcopy(VALID)
    *way, last = field
    inside: Any = changed
    for key in way:
        inside = inside[key]
    if value is GONE:
        del inside[last]
    else:
        inside[last] = value
    return changed


def planned(content: dict[str, Any], folder: Path) -> list[plan.Step]:
    """What `repro run mine.toml --dry-run` makes of it, at every budget."""
    path = folder / "mine.toml"
    path.write_text("".join(f"{key} = {toml(value)}\n" for key, value in content.items()))
    experiments.read.cache_clear()
    experiment = experiments.find(str(path))
    store = Store(folder)
    steps = []
    for budget in BUDGETS:
        found = plan.plan(plan.cells(experiment, budget), store, folder)
        plan.estimates(found, store, "cpu")
        steps += found
    return steps
