"""The parts of the page: the article, the sources, claims in words, the forest plot."""

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from repro.judging.evidence import shown, verdicts_of
from repro.planning import experiments, study
from repro.records import Store
from repro.reporting import article, citations, kinds, page
from repro.reporting.forest import forests
from repro.reporting.inlined import compact, in_steps
from repro.reporting.summary import Section
from repro.reporting.table import Column, Estimate, Table
from repro.reporting.wording import claim_row, in_short, published
from repro.rules.interval import Interval
from repro.rules.verdicts import Verdict

PLAIN = Verdict(id="a", verdict="inconclusive", reason="", sentence="", claim_hash="")

DOCUMENT = """\
# Findings

In short:

<!-- page -->
1. One finding, at 80 %, [says why](#one-b-finding--b).
2. [Another](#another) is not on
   the page.
<!-- /page -->

## One <b>finding</b>

Not on the page.

<!-- page -->
It is <!-- made: mean a/b -->71.3<!-- /made --> **points of `x < 1`**, see [the rule](verdicts.md),
[this](javascript:no) and [that](https://example.org/?a=1&b=2).

- first,
  continued
- *second*

<!-- made: table a -->

| a |
|---|
| 1 |

<!-- /made -->
<!-- /page -->

![What it <shows>](../results/figures/one.svg)

## Another

![Nothing](../results/figures/two.svg)
"""


def test_the_article_is_what_the_document_marks() -> None:
    (finding,) = article.parts(DOCUMENT)
    assert finding.name == "finding-one-b-finding-b"
    assert (finding.title, finding.figure, finding.alt) == ("One <b>finding</b>", "one", "What it <shows>")
    assert finding.text == (
        "<p>It is 71.3 <strong>points of <code>x &lt; 1</code></strong>, see "
        '<a href="../docs/verdicts.md">the rule</a>, this and <a href="https://example.org/?a=1&amp;b=2">that</a>.</p>\n'
        "<ul><li>first, continued</li><li><em>second</em></li></ul>"
    )


def test_a_results_folder_shows_the_document_beside_it(tmp_path: Path) -> None:
    """Findings of one folder's records would mislead on the page of another."""
    assert article.read(tmp_path / "results") == ("", [])
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "findings.md").write_text(DOCUMENT)
    opening, found = article.read(tmp_path / "results")
    assert [finding.figure for finding in found] == ["one"]
    assert opening == (
        '<ol><li>One finding, at 80\N{NO-BREAK SPACE}%, <a href="#finding-one-b-finding-b">says why</a>.</li>'
        '<li><a href="../docs/findings.md#another">Another</a> is not on the page.</li></ol>'
    )


def test_the_findings_have_parts_for_the_page() -> None:
    opening, found = article.read(study.shipped() / "results")
    assert all(f'href="#{finding.name}"' in opening for finding in found), "what opens the page leads to every finding"
    assert len(found) > 2
    assert all(finding.text and finding.figure for finding in found)
    assert len({finding.name for finding in found}) == len(found)


def test_central_claims_lead_to_their_findings(tmp_path: Path) -> None:
    """In the page of the shipped study: a card whose experiment a finding draws names that finding."""
    results = study.shipped() / "results"
    store = Store(results)
    experiment = experiments.find("paper-table2")
    section = Section(
        experiment=experiment,
        evidence={},
        verdicts=verdicts_of(experiment, store, tmp_path),
        figures=kinds.of(experiment).described(experiment, {}, store),
        finding="",
    )
    text = page.render([section], results, store, tmp_path)
    _, cards = text.split('<section id="central">')
    cards, _ = cards.split("</section>", 1)
    assert cards.count('Finding: <a href="#finding-what-half-a-megabyte-holds">What half a megabyte holds</a>') == 2
    assert '<a href="#short">In short</a>' in text
    assert text.index('id="short"') < text.index('id="central"') < text.index('id="findings"')


def test_sources_have_titles_and_addresses() -> None:
    assert citations.address("paper") == "https://arxiv.org/abs/1602.07360"
    assert citations.address("zshancock") == "https://github.com/zshancock/SqueezeNet_vs_CIFAR10"
    assert all(citations.address(name).startswith("https://") for name in study.current().cited)
    assert citations.titled("paper").startswith("SqueezeNet: AlexNet-level accuracy")
    assert all("{" not in citations.titled(name) for name in study.current().sources if study.current().entry(name))


@pytest.mark.parametrize(
    ("reason", "n", "said"),
    [
        ("not run: repro run table1 --budget laptop", 0, ("Not measured yet.", "repro run table1 --budget laptop")),
        ("n = 3 does not decide it: about 5 seeds would", 3, ("3 seeds do not decide it: about 5 seeds would.", "")),
        (
            "measured at the laptop budget; to test it: repro run x --budget paper",
            3,
            ("Measured at the laptop budget only (3 seeds).", "repro run x --budget paper"),
        ),
        ("fire not run: repro run x", 0, ("Not measured yet: \u201cFire\u201d.", "repro run x")),
        (
            "fire has 1 of the 5 seeds planned: repro run x",
            1,
            ("Not all of the 5 planned seeds have run: 1 of \u201cFire\u201d.", "repro run x"),
        ),
        ("equal within ±5 %", 1, ("Equal within ±5 %.", "")),
    ],
)
def test_a_verdict_in_one_sentence(reason: str, n: int, said: tuple[str, str]) -> None:
    assert in_short(msgspec.structs.replace(PLAIN, reason=reason, n=n), {"fire": "Fire"}) == said


def test_claims_say_what_was_published() -> None:
    found = {claim.id: claim for e in experiments.everything() for claim in e.claims}
    assert published(found["parameters-50x"]) == "50 times"
    assert published(found["paper-table2-half-mb"]) == "at most 0.5 MB"
    assert published(found["fire-removal-no-loss"]) == "no loss"
    assert published(found["paper-table3-simple-helps"]) == "+2.9 points"
    verdict = msgspec.structs.replace(PLAIN, measured=1.234, interval=Interval(-0.51, 2.0), n=3)
    row = claim_row(experiments.find("paper-table3"), found["paper-table3-simple-helps"], verdict)
    assert (row["measured"], row["interval"]) == ("+1.2 points", "[-0.5, 2.0]")


def test_the_forest_keeps_what_is_decided_at_full_scale_apart() -> None:
    claims = [c for e in experiments.everything() for c in e.claims if c.type == "point" and c.margin and not c.needs]
    full = {"verdict": "reproduced", "evidence": "trained at full scale", "difference": 0.1, "n": 5}
    reduced = full | {"evidence": "trained at reduced scale"}
    far = reduced | {"verdict": "inconclusive", "difference": 99.0}
    verdicts = [msgspec.structs.replace(PLAIN, **fields) for fields in (full, reduced, far)]
    interval = Interval(-math.inf, math.inf)
    verdicts[1] = msgspec.structs.replace(verdicts[1], difference_interval=interval)
    decided, others = forests(zip(claims[:3], verdicts, strict=True))
    assert [row["id"] for row in decided["rows"]] == [claims[0].id]
    assert [row["id"] for row in others["rows"]] == [claims[1].id, claims[2].id]
    first, cut, off = decided["rows"][0], *others["rows"]
    assert (first["cut_low"], first["cut_high"], first["off"]) == (False, False, "")
    assert (cut["cut_low"], cut["cut_high"]) == (True, True)
    assert (cut["low"], cut["width"]) == (0, 100), "an interval without end fills the axis"
    assert off["off"] == f"{99 / claims[2].margin:+.0f}"
    assert off["text"] == claims[2].statement


def test_tables_of_the_page_show_verdicts() -> None:
    experiment = experiments.find("fire-removal")
    verdicts = [msgspec.structs.replace(PLAIN, id=claim.id) for claim in experiment.claims]
    rows = [{"variant": variant.title} for variant in experiment.variants]
    table = Table("a", [Column("variant")], rows)
    shown = page.with_verdicts(table, Section(experiment, {}, verdicts, [])).html()
    assert shown.count("inconclusive</a>") == len({claim.variants[0] for claim in experiment.claims})
    assert 'href="#claim-fire-removal-no-loss"' in shown


def test_estimates_break_before_their_interval() -> None:
    table = Table("a", [Column("x")], [{"x": Estimate(1.0, 0.5, 1.5, 3)}, {"x": "<i>"}])
    assert "<b>1.0</b> <small>[0.5, 1.5] (n=3)</small>" in table.html()
    assert "&lt;i&gt;" in table.html()


def test_drawings_lose_bytes_and_nothing_else() -> None:
    assert in_steps("M10 20L30.04 20.06V5H7C1 2 3 4 5 6z") == "M10 20l20 .1v-15.1h-23c-6-3-4-1-2 1z"
    assert in_steps("M0 0L0.1 0.1L0.2 0.2zM5 5L6 6") == "M0 0l.1 .1 .1 .1zM5 5l1 1"
    assert in_steps("M0 0A1 1 0 0 0 5 5") == "M0 0A1 1 0 0 0 5 5", "what is not known is left as it is"
    marks = '<use href="#p1" x="1.04" y="2.00" class="d1"/>\n<use href="#p1" x="3" y="4" class="d1"/>'
    assert compact(marks) == '<g class="d1"><use href="#p1" x="1" y="2"/>\n<use href="#p1" x="3" y="4"/></g>'
    assert compact('<text x="1" textLength="9" lengthAdjust="spacingAndGlyphs">a</text>') == '<text x="1">a</text>'


def test_charts_hold_what_the_figures_show(tmp_path: Path, fill: Callable) -> None:
    experiment = experiments.find("fire-removal")
    fill(tmp_path, experiment, "laptop", tmp_path, seeds=3, failing=0.3)
    evidence = shown(experiment, Store(tmp_path), tmp_path)
    found = kinds.of(experiment).charted(experiment, evidence, Store(tmp_path))
    assert set(found) == {"fire-removal", "fire-removal-differences"}
    (view,) = found["fire-removal"]["views"]
    assert [row["name"] for row in view["rows"]] == [variant.title for variant in experiment.variants]
    marks = {
        (row["name"], key): mark
        for row in view["rows"]
        for key, mark in zip(found["fire-removal"]["keys"], row["marks"], strict=True)
    }
    for item in evidence["laptop"]:
        mark = marks[item.variant.title, item.protocol.replace("-", " ")]
        assert mark["mean"] == pytest.approx(item.mean, abs=0.01)
        assert mark["seeds"] == pytest.approx(item.values, abs=0.01)
        assert mark.get("failed", []) == [place for place, lost in enumerate(item.failed) if lost]
        assert mark["n"] == 3


def test_charts_along_a_setting_have_every_series(tmp_path: Path, fill: Callable) -> None:
    experiment = experiments.find("dead-start")
    fill(tmp_path, experiment, "laptop", tmp_path, seeds=4, failing=0.5)
    found = kinds.of(experiment).charted(experiment, shown(experiment, Store(tmp_path), tmp_path), Store(tmp_path))
    chart = found["dead-start"]
    assert len(chart["y"]) == 2
    assert len(chart["views"][0]["points"]) == len(experiment.variants)
    assert {point["series"] for point in chart["views"][0]["points"]} == set(chart["series"])
    assert all(0 <= mark["mean"] <= 100 for point in chart["views"][0]["points"] for mark in point["marks"])
