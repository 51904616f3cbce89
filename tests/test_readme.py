"""What the README shows is what the records say."""

import re
from pathlib import Path

from repro.cli import VERBS

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text()


def block(name: str) -> str:
    """What the README shows between two marks."""
    return README.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0].strip()


def test_its_tables_are_those_made_from_the_records():
    assert block("table1") == (CHECKOUT / "results/tables/table1.md").read_text().strip()
    assert block("verdicts") in (CHECKOUT / "results/README.md").read_text()
    assert "| all " in block("verdicts")


def test_every_command_it_names_exists():
    named = set(re.findall(r"(?:^|`)repro ([a-z]+)", README, re.MULTILINE))
    assert named <= set(VERBS)
    assert {"run", "ablate", "report", "data"} <= named


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (CHECKOUT / link).exists()] == []
