"""What the documents show is what the records say."""

import re
from pathlib import Path

import pytest

from repro.cli import VERBS
from repro.records import Store
from repro.reporting import snippets

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text()


@pytest.mark.parametrize("name", ["README.md", "docs/findings.md", "docs/benchmark.md"])
def test_what_it_shows_is_made_from_the_records(name, tmp_path):
    """Without images, as after a clone: `repro report --renew` would change nothing."""
    document = (CHECKOUT / name).read_text()
    assert document.count("<!-- made: ") > 1
    assert snippets.renew(document, Store(CHECKOUT / "results"), tmp_path) == document


def test_every_command_it_names_exists():
    named = set(re.findall(r"(?:^|`)repro ([a-z]+)", README, re.MULTILINE))
    assert named <= set(VERBS)
    assert {"run", "ablate", "report", "data"} <= named


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (CHECKOUT / link).exists()] == []
