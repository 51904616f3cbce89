"""results/ from invented records: complete, the same every time, and nothing written twice."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from repro.cli import main
from repro.config.specification import Data, Model, Recipe, Run
from repro.errors import Failure
from repro.judging.evidence import gather
from repro.judging.evidence import shown as evidence_of
from repro.planning import experiments
from repro.records import Store
from repro.reporting import kinds, report, style, tables
from repro.reporting.figures import differences
from repro.reporting.figures.selection import ByBudget
from repro.reporting.inlined import Drawings
from repro.reporting.pagedata import configuration
from repro.reporting.wording import otherwise
from repro.rules.interval import Interval
from repro.rules.verdicts import Verdict

# One of each kind of figure that few runs fill: bars, parameters, grid.
FILLED = ("preprocessing", "squeeze-expand", "batch-norm")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, fill: Callable) -> Path:
    """A results folder with records of some experiments, rendered."""
    folder = tmp_path_factory.mktemp("results")
    for name in FILLED:
        fill(folder, experiments.find(name), "laptop", folder, failing=0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_CACHE", str(folder / "cache"))
        report.render(folder, folder, only=FILLED)
    return folder


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every generated file with its time of change and content."""
    paths = [p for p in folder.rglob("*") if p.is_file() and "runs" not in p.parts and "cache" not in p.parts]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def test_everything_is_there(results: Path) -> None:
    for name in FILLED:
        assert {path.suffix for path in (results / "tables").glob(f"{name}.*")} == {".md", ".csv", ".tex"}
        compared = [f"{name}-differences"] if experiments.find(name).figure.baseline else []
        for figure in (name, *compared, f"{name}-curves"):
            assert {path.suffix for path in (results / "figures").glob(f"{figure}.*")} == {".svg", ".png", ".pdf"}
    assert (results / "README.md").is_file()
    assert (results / "index.html").is_file()


def test_a_second_rendering_writes_nothing(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_CACHE", str(results / "cache"))
    before = state(results)
    told = []
    report.render(results, results, only=FILLED, progress=told.append)
    assert told == []
    assert state(results) == before


def test_figures_are_the_same_bytes_again(results: Path, private_cache: Path) -> None:
    before = state(results)
    report.render(results, results, only=FILLED[:1])  # the cache of this test is empty: it draws again
    assert state(results) == before


def test_a_history_of_countless_bytes_is_not_read(fill: Callable, tmp_path: Path) -> None:
    """One that has grown since its record was read."""
    experiment, store = experiments.find(FILLED[0]), Store(tmp_path)
    fill(tmp_path, experiment, "laptop", tmp_path, seeds=1)
    evidence, record = evidence_of(experiment, store, tmp_path), store.all[0]
    before = report.inputs_hash(experiment, evidence, store)
    history = store.files(record.run, record.identity)[1]
    with open(history, "r+b") as file:
        file.truncate(2**24 + 1)
    with pytest.raises(Failure, match=r"history\.csv is larger than 16,777,216 bytes"):
        report.inputs_hash(experiment, evidence, store)
    history.unlink()
    assert report.inputs_hash(experiment, evidence, store) != before


def test_a_figure_that_was_changed_by_hand_is_drawn_again(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_CACHE", str(results / "cache"))
    path = results / "figures" / f"{FILLED[0]}.svg"
    content = path.read_bytes()
    path.write_bytes(b"<svg/>")
    report.render(results, results, only=FILLED[:1])
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("paper-figure3a", ["published, on ImageNet", "level from here, as published", "top-5 accuracy (%)"]),
        ("versions", ["multiply-accumulates for one image", "SqueezeNet 1.1"]),
        ("frontier", ["best up to this size", "SqueezeNext, half the", "re-implementations"]),
        ("width", ["version 1.0, simple bypass", "width 0.25"]),
    ],
)
def test_figures_of_costs_and_sweeps(name: str, shown: list[str], tmp_path: Path, fill: Callable) -> None:
    experiment = experiments.find(name)
    fill(tmp_path, experiment, "laptop", tmp_path, seeds=2)
    store = Store(tmp_path)
    evidence = evidence_of(experiment, store, tmp_path)
    kinds.of(experiment).draw(experiment, evidence, store, tmp_path / "figures")
    drawn = (tmp_path / "figures" / f"{name}.svg").read_text()
    assert [text for text in shown if text not in drawn] == []
    table = kinds.of(experiment).table(experiment, store, tmp_path)
    assert len(table.rows) == len(experiment.variants)
    if name == "frontier":
        assert "laptop budget: without squeezed VGG19, AlexNet, VGG19." in table.notes
        rows = {row["variant"]: row for row in table.rows}
        assert rows["SqueezeNet 1.0"]["laptop_macs"] == 16_084_992
        assert rows["AlexNet"]["laptop_macs"] is None
    if name == "paper-figure3a":
        assert table.rows[0]["published"] == "80.3 (top-5)"


def test_further_seeds_stand_in_the_experiments_own_table(
    tmp_path: Path, fill: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--seeds` changes no setting: title, published values and notes are those of the experiment."""
    experiment = experiments.find("table1")
    fill(tmp_path, experiment, "laptop", tmp_path, seeds=4)
    with pytest.raises(SystemExit) as ended:
        main(["run", "table1", "--seeds", "4", "--results-dir", str(tmp_path), "--data-dir", str(tmp_path)])
    said = capsys.readouterr().out
    assert not ended.value.code
    assert said.startswith(f"{experiment.title}\n")
    assert said.count("(n=4") == len(experiment.variants) * len(experiment.protocols)
    assert re.search(r"^ network .* published ", said, re.MULTILINE)
    assert [
        note for note in kinds.of(experiment).table(experiment, Store(tmp_path), tmp_path).notes if note not in said
    ] == []
    assert (tmp_path / "tables" / "table1.md").is_file()


def test_no_dates_in_files(results: Path) -> None:
    for path in (results / "figures").glob("*.svg"):
        assert "dc:date" not in path.read_text()
    for path in (results / "figures").glob("*.pdf"):
        assert b"/CreationDate" not in path.read_bytes()


def test_fonts_are_embedded(results: Path) -> None:
    content = (results / "figures" / f"{FILLED[0]}.pdf").read_bytes()
    assert b"/FontFile2" in content


def test_the_index_links_to_files_that_exist(results: Path) -> None:
    text = (results / "README.md").read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    # Experiments that were not asked for have tables only once they are.
    missing = [link for link in links if not (results / link).exists() and Path(link).stem in FILLED]
    assert len(links) > 10
    assert missing == []


def test_tables_of_benchmarks_are_kept_and_linked(results: Path, tmp_path: Path) -> None:
    table = results / "tables" / "bench-try.md"
    table.write_text("**A try**\n\n| what |\n| ---- |\n| x    |\n")
    report.render(results, tmp_path, only=[])
    assert table.is_file()
    assert "[A try](tables/bench-try.md)" in (results / "README.md").read_text()
    assert '<a href="tables/bench-try.md">A try</a>' in (results / "index.html").read_text()
    table.unlink()
    report.render(results, tmp_path, only=[])
    assert "bench-try" not in (results / "README.md").read_text() + (results / "index.html").read_text()


def test_an_experiment_without_records_says_so_and_how_to_run_it(results: Path) -> None:
    experiment = experiments.find("fire-removal")
    text = kinds.of(experiment).table(experiment, Store(results), results).render("text")
    assert "not run" in text
    assert "repro run fire-removal" in text


def test_figures_go_when_their_records_are_gone(tmp_path: Path, fill: Callable) -> None:
    fill(tmp_path, experiments.find("preprocessing"), "laptop", tmp_path, seeds=1)
    report.render(tmp_path, tmp_path, only=["preprocessing"])
    assert (tmp_path / "figures" / "preprocessing.svg").is_file()
    shutil.rmtree(tmp_path / "runs")
    report.render(tmp_path, tmp_path, only=["preprocessing"])
    assert list((tmp_path / "figures").iterdir()) == []


def test_one_epoch_has_no_curves(tmp_path: Path, fill: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """A curve through one point shows nothing; one that an earlier rendering drew goes."""
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    fill(tmp_path, experiments.find("squeezed-vgg"), "laptop", tmp_path)
    stale = tmp_path / "figures" / "squeezed-vgg-curves.svg"
    stale.parent.mkdir()
    stale.touch()
    report.render(tmp_path, tmp_path, only=["squeezed-vgg"])
    drawn = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert drawn == {"squeezed-vgg", "squeezed-vgg-differences"}
    assert 'data-curves="squeezed-vgg"' not in (tmp_path / "index.html").read_text()


def test_the_long_table_has_every_value(results: Path) -> None:
    experiment = experiments.find("preprocessing")
    table = tables.numbers_table(experiment, Store(results), results)
    assert len(table.rows) == len(experiment.variants) * len(experiment.protocols)
    for row in table.rows:
        values = [float(value) for value in row["values"].split()]
        assert row["n"] == len(values) == len(row["seeds"].split())
        assert row["mean"] == pytest.approx(sum(values) / len(values), abs=1e-3)


class Page(HTMLParser):
    """What a test asks of the page: ids, links, and whether anything comes from elsewhere."""

    def __init__(self, text: str):
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.outside: list[str] = []
        self.unnamed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a":
            self.links.append(str(given.get("href")))
        for name in ("src", "srcset", "data", "poster", "action"):
            if given.get(name):
                self.outside.append(str(given[name]))
        if tag in ("link", "iframe", "object", "embed", "img"):
            self.outside.append(tag)
        if given.get("role") == "img" and not given.get("aria-label"):
            self.unnamed.append(tag)


@pytest.fixture(scope="module")
def page(results: Path) -> Page:
    return Page((results / "index.html").read_text())


def test_the_page_asks_for_nothing_from_elsewhere(results: Path, page: Page) -> None:
    text = (results / "index.html").read_text()
    assert page.outside == []
    assert "@import" not in text
    assert "url(http" not in text
    assert len(text) < 1_200_000, "too heavy to be tracked"


def test_ids_are_unique_and_links_inside_the_page_lead_somewhere(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert [link for link in page.links if link.startswith("#") and link[1:] not in page.ids] == []


def test_links_to_runs_lead_to_records(results: Path) -> None:
    found = re.search(r'id="runs-data">(.*?)</script>', (results / "index.html").read_text(), re.DOTALL)
    assert found
    told = json.loads(found[1])
    places = [
        results / told["words"][folder] / identity / "record.json"
        for rows in told["tables"].values()
        for identity, _, _, _, folder, *_ in rows
    ]
    assert all(place.is_file() for place in places)
    assert set(places) == set(results.glob("runs/*/*/record.json"))


def test_every_drawing_has_a_description(page: Page) -> None:
    assert page.unnamed == []


def test_every_claim_is_on_the_page_with_a_verdict(results: Path, page: Page) -> None:
    text = (results / "index.html").read_text()
    claims = [claim.id for experiment in experiments.everything() for claim in experiment.claims]
    assert all(f"claim-{claim}" in page.ids for claim in claims)
    assert text.count("data-verdict=") == len(claims)


def test_what_the_page_says_of_a_claim_is_said_once(results: Path) -> None:
    """Sentences end before the next one begins, and a reason that the first one gives is not repeated."""
    text = (results / "index.html").read_text()
    told = re.findall(r"<summary><code>.*?</code></summary>(.*?)</details>", text, re.DOTALL)
    paragraphs = [re.findall(r"<p>(.*?)</p>", part, re.DOTALL) for part in told]
    assert len(paragraphs) == sum(len(experiment.claims) for experiment in experiments.everything())
    assert [each for part in paragraphs for each in part if not each.strip().endswith((".", "</a>"))] == []
    reasons = [(part[0], why[1]) for part in paragraphs if (why := re.match(r"Why: (.*?)\. ", part[1] + " "))]
    assert len(reasons) > 50
    assert [why for sentence, why in reasons if f": {why}: " in sentence] == []
    assert any(not part[1].startswith("Why: ") for part in paragraphs)


def test_an_interval_without_width_is_not_announced() -> None:
    """Nothing would stand behind its name."""
    plain = Verdict(id="a", verdict="reproduced", reason="", sentence="", claim_hash="", superiority_bound=0.5)
    for interval, said in (
        (None, ""),
        (Interval(2, 2), ""),
        (Interval(1, 2), "BCa interval of the difference [1, 2]; "),
    ):
        verdict = msgspec.structs.replace(plain, bootstrap_interval=interval)
        assert otherwise(verdict) == f"{said}P(A>B) at least 0.50"


def test_the_curves_are_the_histories(results: Path) -> None:
    text = (results / "index.html").read_text()
    found = re.search(r'id="curves-data">(.*?)</script>', text, re.DOTALL)
    assert found
    curves = json.loads(found[1])
    store = Store(results)
    record = next(r for r in store.all if r.run.model.name == "alexnet" and r.status == "done")
    rows = [row for variant in curves["preprocessing"]["laptop"] for row in variant["test"]]
    assert [round(100 * epoch.test_accuracy, 1) for epoch in store.history(record)] in rows


def test_colours_follow_the_page(results: Path) -> None:
    text = (results / "index.html").read_text()
    (css,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    drawings = re.findall(r'<div class="drawing".*?</svg>', text, re.DOTALL)
    used = set(re.findall(r'class="(d\d+)"', "".join(drawings)))
    assert [drawing for drawing in drawings if "#" in re.sub(r'url\(#|href="#', "", drawing)] == []
    assert used == set(re.findall(r"^\.(d\d+)\{", css, re.MULTILINE))
    assert re.search(r"^\.d\d+\{.*fill: var\(--ink\)", css, re.MULTILINE)
    assert [line for line in css.splitlines() if re.match(r"\.d\d", line) and style.INK in line] == []


def test_alternative_texts_tell_numbers(results: Path) -> None:
    assert re.search(r'aria-label="Dot plot[^"]*\d\d\.\d %', (results / "index.html").read_text())


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_the_page_in_a_browser(results: Path, tmp_path: Path) -> None:
    """Sort, filter, hover and curves, driven by a script at the end of a copy of the page; it must not log an error."""
    script = """
<script>
  const log = [];
  addEventListener("error", event => log.push(event.message));
  addEventListener("securitypolicyviolation", event => log.push(event.blockedURI));
  addEventListener("load", () => {
    const table = document.getElementById("claims-table");
    const rows = () => [...table.tBodies[0].rows].filter(row => !row.hidden);
    const before = rows().length;
    table.querySelector("thead button").click();
    const ids = rows().map(row => row.cells[0].dataset.sort);
    const verdict = document.querySelector("[data-filter=verdict]");
    verdict.value = "inconclusive";
    verdict.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById("unfold").click();
    setTimeout(() => {
    const chart = document.querySelector("[data-chart$=-curves] .chart svg"), box = chart.getBoundingClientRect();
    chart.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 2, clientY: box.top + 50 }));
    document.title = JSON.stringify({
      errors: log, before,
      sorted: ids.every((id, at) => !at || ids[at - 1].localeCompare(id, "en", { numeric: true }) <= 0),
      kept: rows().length, only: rows().every(row => row.dataset.verdict === "inconclusive"),
      tip: document.getElementById("tip").textContent, wide: document.documentElement.scrollWidth > innerWidth,
      lines: document.querySelectorAll(".chart svg path").length,
      runs: [...document.querySelectorAll(".runs tbody tr")].map(row => row.querySelector("a").getAttribute("href")),
      cells: [...document.querySelectorAll(".runs table")].every(table => [...table.tBodies[0].rows].every(
        row => row.cells.length === table.tHead.rows[0].cells.length && row.cells[3].textContent !== "")),
      address: location.search,
    });
    }, 500);
  });
</script>"""
    text = (results / "index.html").read_text()
    # Before the page's own script, so that its errors are heard.
    copy = tmp_path / "page.html"
    copy.write_text(text.replace('<div id="tip"', script + '\n<div id="tip"'))
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=390,800",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=5000", "--dump-dom", copy.as_uri(),
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    title = re.search(r"<title>(\{.*?\})</title>", shown)
    assert title, "the page's script did not finish"
    seen = json.loads(title[1].replace("&amp;", "&").replace("&quot;", '"'))
    assert seen["errors"] == []
    assert seen["sorted"]
    assert seen["only"]
    assert 0 < seen["kept"] < seen["before"]
    assert seen["tip"].startswith("epoch")
    assert seen["lines"] > 3
    assert seen["cells"]
    assert "verdict=inconclusive" in seen["address"]
    assert "sort=claims-table.0.ascending" in seen["address"]
    assert "open=" in seen["address"]
    assert seen["runs"]
    assert all((results / link).is_file() for link in seen["runs"])
    assert not seen["wide"], "the page is wider than a phone"


def test_differences_are_paired_by_seed(fill: Callable, tmp_path: Path) -> None:
    """Seeds in common, networks once, and the sign: the other less the baseline."""
    experiment = experiments.find("fire-removal")
    fill(tmp_path, experiment, "laptop", tmp_path)
    found = gather(experiment, "laptop", Store(tmp_path), tmp_path)
    evidence: ByBudget = {"laptop": found}
    pairs = differences.pairs(experiment, found)
    names = [item.variant.name for _, item in pairs if item.protocol == "described"]
    assert "none" not in names
    assert "fire2" in names
    assert "fire3" not in names  # the same network as without fire2
    base, other = pairs[0]
    changes = differences.changes_by_seed(base, other)
    assert changes == {seed: other.values[seed] - base.values[seed] for seed in range(3)}
    mean = sum(other.values) / other.n - sum(base.values) / base.n
    said = differences.alt_text(experiment, evidence)
    assert f"{other.variant.title} (described) {mean:+.1f} points" in said
    assert not differences.drawable(experiment, {"paper": gather(experiment, "paper", Store(tmp_path), tmp_path)})


def test_parts_of_figures_keep_what_points_to_them(tmp_path: Path) -> None:
    """A bar whose pattern is named in its style would lose its colour on the page."""
    path = tmp_path / "a.svg"
    path.write_text(
        '<svg><defs><pattern id="h1"/></defs><rect style="fill: url(#h1); stroke: red"/>'
        '<use href="#h1"/><g clip-path="url(#h1)"/></svg>'
    )
    drawings = Drawings()
    shown = drawings.inline(path) + drawings.css()
    (name,) = re.findall(r'id="([^"]+)"', shown)
    assert set(re.findall(r"url\(#([^)]+)\)", shown)) == {name}
    assert "h1" not in shown


def test_a_runs_line_says_how_images_were_changed() -> None:
    plain = Run(model=Model(name="squeezenet"), data=Data(name="cifar10"), recipe=Recipe(batch=8, epochs=2))
    assert configuration(plain) == "squeezenet; cifar10 at 32 px; sgd 0.01 constant; batch 8, 2 epochs"
    for recipe, said in {
        Recipe(flip=True): "flips",
        Recipe(crop_padding=4): "crops after padding by 4",
        Recipe(resize=(124, 132), crop=122, flip=True): "flips, crops of 122 from 124 to 132 px",
        Recipe(shear=0.1, zoom=0.2): "shear 0.1 degrees, zoom 0.2",
    }.items():
        assert configuration(msgspec.structs.replace(plain, recipe=recipe)).endswith(f"; {said}")
    short = msgspec.structs.replace(plain, recipe=Recipe(batch=8, epochs=2, steps=1500))
    assert "2 epochs of 1,500 batches" in configuration(short)
