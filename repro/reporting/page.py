"""results/index.html: one file with everything, which opens from disk and asks for nothing from elsewhere."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from repro import __version__
from repro.judging import ledger
from repro.planning import ablations, experiments
from repro.records import Store
from repro.reporting import article, citations, kinds
from repro.reporting.drawn import Drawn
from repro.reporting.figures import curves
from repro.reporting.figures.words import budget_title
from repro.reporting.forest import forests
from repro.reporting.inlined import Drawings
from repro.reporting.outcomes import OUTCOME
from repro.reporting.pagedata import learning_curves, run_tables, script_safe
from repro.reporting.summary import Section, benchmarks, by_evidence, counted, duration, open_questions
from repro.reporting.table import Column, Table
from repro.reporting.wording import claim_row
from repro.rules.claim import Claim
from repro.rules.verdicts import Verdict

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("page.js", "charts.js")


def render(sections: list[Section], results: Path, store: Store, data_dir: Path) -> str:
    """The page as HTML; the same records give the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    learned = {section.experiment.name: learning_curves(section, store) for section in sections if section.records}
    drawn = {
        name: chart
        for section in sections
        for name, chart in kinds.of(section.experiment).charted(section.experiment, section.evidence, store).items()
    }
    figures = Figures(results, sections, {*drawn, *(f"{name}{curves.SUFFIX}" for name in learned)})
    opening, written = article.read(results)
    findings = [
        {"name": each.name, "title": each.title, "text": each.text, "figure": figures.view(each.figure, each.alt)}
        for each in written
    ]
    shown = {finding["figure"]["name"]: finding["name"] for finding in findings if finding["figure"]["svg"]}
    views = [section_view(section, store, data_dir, figures, shown) for section in sections]
    explained = {
        view["name"]: finding
        for finding in findings
        for view in views
        if finding["figure"]["name"] in [figure["name"] for figure in view["figures"]]
    }
    page = environment.get_template("page.html").render(
        css=Markup((TEMPLATES / "page.css").read_text() + figures.drawings.css()),
        js=Markup("".join((TEMPLATES / name).read_text() for name in SCRIPTS)),
        version=__version__,
        opening=opening,
        findings=findings,
        sections=views,
        curves=script_safe(learned),
        charts=script_safe(drawn),
        runs=script_safe(run_tables(sections, store)),
        spans=article.spans,
        together=article.together,
        questions=open_questions(section.experiment for section in sections),
        benchmarks=benchmarks(results),
        **about_the_study(),
        **about_the_claims(sections, explained),
        **about_the_runs(sections),
    )
    return "\n".join(line for line in map(str.strip, page.splitlines()) if line) + "\n"


def about_the_study() -> dict[str, Any]:
    """The study's title and notes, its sources as links, and how they and the suite are cited."""
    central = experiments.central()
    return {
        "study": central,
        "links": [source_link(name) for name in central.cited],
        "bibtex": "\n\n".join([citations.SUITE, *(central.entry(name) for name in central.cited)]),
        "notes": [note.partition(": ")[::2] for note in central.notes],
    }


def about_the_claims(sections: list[Section], explained: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Claims as rows, the central ones among them, and how many have which verdict.

    Args:
        explained: the finding that an experiment's figure belongs to, by the experiment's name.
    """
    judged = [
        (section, claim, verdict)
        for section in sections
        for claim, verdict in zip(section.experiment.claims, section.verdicts, strict=True)
    ]
    claims = [claim_row(section.experiment, claim, verdict) for section, claim, verdict in judged]
    by_id = {claim["id"]: claim for claim in claims}
    decided, others = forests([(claim, verdict) for _, claim, verdict in judged])
    return {
        "central": [
            by_id[name] | {"finding": explained.get(by_id[name]["experiment"])}
            for name in experiments.central().central
            if name in by_id
        ],
        "changed": ledger.CHANGED if any(ledger.CHANGED in claim["badge"] for claim in claims) else "",
        "summary": counted([verdict for _, _, verdict in judged]),
        "outcomes": list(OUTCOME.values()),
        "by_evidence": by_evidence(sections),
        "sources": sorted({claim["source"] for claim in claims}),
        "claims": claims,
        "forests": [decided, others],
        "statements": {claim["id"]: claim["statement"] for claim in claims},
    }


def about_the_runs(sections: list[Section]) -> dict[str, Any]:
    """How many runs the page rests on, how long they took, and when the last one ended."""
    records = {record.identity: record for section in sections for record in section.records}
    return {
        "date": max((record.finished[:10] for record in records.values()), default=""),
        "runs_total": len(records),
        "time_total": duration(sum(record.seconds for record in records.values())),
    }


def source_link(name: str) -> dict[str, str]:
    """A source as a link: its arXiv page or its repository."""
    url = citations.address(name)
    kind = url.removeprefix("https://").replace("arxiv.org/abs/", "arXiv ").removeprefix("github.com/")
    return {"name": name, "title": citations.titled(name), "url": url, "kind": kind}


class Figures:
    """The figures of a page: as files that become parts of it, and which of them its script draws itself.

    Args:
        charted: the names of those that the script draws.
    """

    def __init__(self, results: Path, sections: list[Section], charted: set[str]) -> None:
        self.results = results
        self.places = {
            drawn.name: ablations.place(section.experiment, "figures")
            for section in sections
            for drawn in section.figures
        }
        self.captions = {drawn.name: caption(section, drawn) for section in sections for drawn in section.figures}
        self.charted = charted
        self.drawings = Drawings()

    def view(self, name: str, alt: str, inline: bool = True) -> dict[str, Any]:
        """One figure as the template shows it; `inline`: as part of the page, for print and where no script runs."""
        place = self.places.get(name, "figures")
        path = self.results / place / f"{name}.svg"
        return {
            "name": name,
            "place": place,
            "alt": alt,
            "caption": self.captions.get(name, ""),
            "chart": name in self.charted,
            "svg": self.drawings.inline(path) if inline and name and path.is_file() else "",
        }


def caption(section: Section, drawn: Drawn) -> str:
    """What the marks of a figure are, and of how many runs at which budget."""
    if not section.experiment.work.trains:
        return drawn.marks
    runs = "; ".join(budget_title(budget, found) for budget, found in section.evidence.items())
    return f"{drawn.marks} ({runs})."


def section_view(
    section: Section, store: Store, data_dir: Path, figures: Figures, shown: dict[str, str]
) -> dict[str, Any]:
    """One experiment as the template shows it.

    shown: figures that stand further up already, with the place where.
    """
    experiment = section.experiment
    shows = kinds.of(experiment)
    table = shows.table(experiment, store, data_dir) if shows.tabled else None
    notes, missing = [], []
    for note in table.notes if table else []:
        text, to_run, command = note.partition("; to run: ")
        if to_run:
            missing.append({"text": article.spans(f"{text}; to run them:"), "command": command})
        else:
            notes.append(article.spans(note))
    return {
        "name": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "source": experiment.source,
        "answer": section.answer,
        "verdicts": [(OUTCOME[name], count) for name, count in section.tally],
        "claims": len(section.verdicts),
        "table": Markup(with_verdicts(table, section).html(f"table-{experiment.name}")) if table else None,
        "tables_at": ablations.place(experiment, "tables"),
        "notes": notes,
        "missing": missing,
        "figures": [
            # Curves are drawn by the script alone: as files they are the largest figures.
            figures.view(drawn.name, drawn.alt, drawn.name not in shown and not drawn.name.endswith(curves.SUFFIX))
            | {"above": shown.get(drawn.name, "")}
            for drawn in section.figures
        ],
        "protocols": experiment.protocols,
        "runs": len(section.records),
        "time": duration(section.seconds),
    }


def with_verdicts(table: Table, section: Section) -> Table:
    """The table with the verdicts of the claims that each row is about."""
    experiment = section.experiment
    judged = list(zip(experiment.claims, section.verdicts, strict=True))
    groups = kinds.of(experiment).by_row(experiment, judged)
    if len(groups) != len(table.rows) or not any(groups):
        return table
    rows = [row | {"verdicts": badges(group) if group else None} for row, group in zip(table.rows, groups, strict=True)]
    # Behind what was published, where it is in view however many columns were measured.
    place = max(index for index, column in enumerate(table.columns) if not index or column.name.startswith("published"))
    column = Column("verdicts", "verdict", empty="")
    return replace(table, columns=[*table.columns[: place + 1], column, *table.columns[place + 1 :]], rows=rows)


def badges(judged: list[tuple[Claim, Verdict]]) -> Markup:
    """Verdicts as links to their claims; several of one kind in a line."""
    lines = []
    for name, outcome in OUTCOME.items():
        own = [claim for claim, verdict in judged if verdict.verdict == name]
        if not own:
            continue
        marks = Markup(", ").join(
            Markup('<a href="#claim-{}">{}</a>').format(claim.id, index + 1 if index else f"{outcome['mark']} {name}")
            for index, claim in enumerate(own)
        )
        lines.append(Markup('<span class="badge {}">{}</span>').format(outcome["css"], marks))
    return Markup("<br>").join(lines)
