"""Experiment files: what a row leaves out, and that no rewriting of the files changes what they say."""

import hashlib
import json
import sys
from pathlib import Path

import msgspec
import pytest

from repro.errors import BadInput
from repro.planning import experiments
from repro.planning.expansion import expanded

DIGESTS = Path(__file__).with_name("digests.json")
SHORT = """
title = "?"
source = "report"
question = "?"
variant = { model = "squeezenet", recipe = { flip = true, epochs = 3 }, laptop = { seeds = 8 } }
variants = [
    { name = "a" },
    { name = "b", recipe = { epochs = 4 }, options = { bypass = "simple" }, laptop = { recipe = { batch = 8 } } },
]
claim = { source = "report", place = "Table 1", statement = "So many.", type = "exact", metric = "parameters" }
claims = [
    { id = "one", variants = ["a"], published = 740, unit = "thousand parameters", rounding = 1 },
    { id = "two", variants = ["b"], published = 740_554,
        unit = "parameters" },
]
"""
LONG = """
title = "?"
source = "report"
question = "?"
[[variants]]
name = "a"
model = "squeezenet"
recipe = { flip = true, epochs = 3 }
laptop.seeds = 8
[[variants]]
name = "b"
model = "squeezenet"
recipe = { flip = true, epochs = 4 }
options = { bypass = "simple" }
laptop = { seeds = 8, recipe = { batch = 8 } }
[[claims]]
id = "one"
source = "report"
place = "Table 1"
statement = "So many."
type = "exact"
metric = "parameters"
variants = ["a"]
published = 740
unit = "thousand parameters"
rounding = 1
margin = 0.5
[[claims]]
id = "two"
source = "report"
place = "Table 1"
statement = "So many."
type = "exact"
metric = "parameters"
variants = ["b"]
published = 740554
unit = "parameters"
"""


def test_rows_over_defaults_say_what_whole_tables_say(tmp_path: Path):
    found = []
    for name, text in (("short", SHORT), ("long", LONG)):
        (tmp_path / f"{name}.toml").write_text(text)
        experiment = experiments.read(tmp_path / f"{name}.toml")
        found.append(msgspec.structs.replace(experiment, name="", file=""))
    assert found[0] == found[1]
    assert found[0].claims[0].margin == 0.5


def test_defaults_are_left_as_they_are():
    content = {"variant": {"recipe": {"epochs": 1}}, "variants": [{"recipe": {"batch": 2}}, {}], "title": "?"}
    before = json.dumps(content)
    found = expanded(content, "file")
    assert found == {"variants": [{"recipe": {"epochs": 1, "batch": 2}}, {"recipe": {"epochs": 1}}], "title": "?"}
    assert json.dumps(content) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('variant = { model = "squeezenet"', 'variant = { modle = "squeezenet"', "variants[0]: unknown key 'modle'"),
        (
            "variant = {",
            'variant = "squeezenet" # {',
            "variant: expected a table, the defaults of each of the variants",
        ),
        ("claim = {", "claims_ = {", "unknown key 'claims_'"),
        ('type = "exact", metric', 'type = "exakt", metric', "unknown type 'exakt'; did you mean 'exact'?"),
    ],
)
def test_mistakes_in_defaults_are_named(tmp_path: Path, old: str, new: str, message: str):
    assert old in SHORT
    (tmp_path / "short.toml").write_text(SHORT.replace(old, new))
    with pytest.raises(BadInput) as error:
        experiments.read(tmp_path / "short.toml")
    assert message in str(error.value)


def digests() -> dict[str, str]:
    """A hash of what each experiment file of the suite says, down to the last setting and claim."""
    found = {}
    for experiment in experiments.everything():
        content = msgspec.to_builtins(msgspec.structs.replace(experiment, file=""))
        content["hashes"] = [claim.hash() for claim in experiment.claims]
        found[experiment.name] = hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:16]
    return dict(sorted(found.items()))


def test_the_files_say_what_they_said():
    """Whoever means to change an experiment makes the digests anew: `python tests/planning/test_expansion.py`."""
    assert digests() == json.loads(DIGESTS.read_text())


if __name__ == "__main__":
    DIGESTS.write_text(json.dumps(digests(), indent=1) + "\n")
    sys.exit()
