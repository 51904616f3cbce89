"""What the documents show is what the records say."""

import re
from pathlib import Path

import pytest

from repro.cli import VERBS, main
from repro.planning import experiments, plan
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
    named = set(re.findall(r"(?:^|`)repro ([a-z-]+)", README, re.MULTILINE))
    assert named <= set(VERBS)
    assert {"run", "ablate", "report", "data"} <= named


def test_the_answer_it_shows_is_the_commands_own(capsys):
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    with pytest.raises(SystemExit):
        main(["claims", "parameters-squeezenet", "--results-dir", str(CHECKOUT / "results")])
    assert capsys.readouterr().out.strip() == shown[1].strip()


def test_the_experiment_file_it_shows_is_one(tmp_path):
    shown = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    path = tmp_path / "mine.toml"
    path.write_text(shown[1])
    cells = plan.cells(experiments.find(str(path)), "laptop")
    assert [(cell.variant.name, len(cell.runs), cell.runs[0].recipe.epochs) for cell in cells] == [
        ("plain", 5, 6),
        ("bypass", 5, 6),
    ]


def test_every_file_it_links_to_exists():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (CHECKOUT / link).exists()] == []
