"""What the README shows is what the records say."""

import re
from pathlib import Path

from repro.cli import VERBS

CHECKOUT = Path(__file__).resolve().parents[1]
README = (CHECKOUT / "README.md").read_text()


def test_the_table_is_the_one_made_from_the_records():
    made = (CHECKOUT / "results/tables/table1.md").read_text()
    shown = README.split("<!-- table1 -->\n")[1].split("<!-- /table1 -->")[0]
    assert shown.strip() == made.strip()


def test_every_command_it_names_exists():
    named = set(re.findall(r"(?:^|`)repro ([a-z]+)", README, re.MULTILINE))
    assert named <= set(VERBS)
    assert {"run", "ablate", "report", "data"} <= named


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (CHECKOUT / link).exists()] == []
