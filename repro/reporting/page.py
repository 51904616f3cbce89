"""results/index.html: one file with everything, which opens from disk and asks for nothing from elsewhere."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from repro import __version__
from repro.planning import ablations, experiments
from repro.records import Store
from repro.reporting import article, citations, tables
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


def render(sections: list[Section], results: Path, store: Store, data_dir: Path) -> str:
    """The page as HTML; the same records give the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    judged = [
        (section, claim, verdict)
        for section in sections
        for claim, verdict in zip(section.experiment.claims, section.verdicts, strict=True)
    ]
    claims = [claim_row(s.experiment, claim, verdict) for s, claim, verdict in judged]
    by_id = {claim["id"]: claim for claim in claims}
    central = experiments.central()
    records = {record.identity: record for section in sections for record in section.records}
    curves = {section.experiment.name: learning_curves(section, store) for section in sections if section.records}
    drawings = Drawings()
    findings = finding_views(results, drawings)
    shown = {finding["figure"]: finding["name"] for finding in findings if finding["svg"]}
    views = [section_view(section, results, store, data_dir, drawings, shown) for section in sections]
    decided, others = forests([(claim, verdict) for _, claim, verdict in judged])
    page = environment.get_template("page.html").render(
        css=Markup((TEMPLATES / "page.css").read_text() + drawings.css()),
        js=Markup((TEMPLATES / "page.js").read_text()),
        version=__version__,
        date=max((record.finished[:10] for record in records.values()), default=""),
        study=central,
        links=[source_link(name) for name in central.cited],
        bibtex="\n\n".join([citations.SUITE, *(central.entry(name) for name in central.cited)]),
        central=[by_id[name] for name in central.central if name in by_id],
        notes=[note.partition(": ")[::2] for note in central.notes],
        findings=findings,
        summary=counted([verdict for _, _, verdict in judged]),
        outcomes=list(OUTCOME.values()),
        by_evidence=by_evidence(sections),
        sources=sorted({claim["source"] for claim in claims}),
        claims=claims,
        forests=[decided, others],
        sections=views,
        runs_total=len(records),
        time_total=duration(sum(record.seconds for record in records.values())),
        curves=script_safe(curves),
        runs=script_safe(run_tables(sections, store)),
        spans=article.spans,
        questions=open_questions(section.experiment for section in sections),
        benchmarks=benchmarks(results),
    )
    return "\n".join(line for line in map(str.strip, page.splitlines()) if line) + "\n"


def source_link(name: str) -> dict[str, str]:
    """A source as a link: its arXiv page or its repository."""
    url = citations.address(name)
    kind = url.removeprefix("https://").replace("arxiv.org/abs/", "arXiv ").removeprefix("github.com/")
    return {"name": name, "title": citations.titled(name), "url": url, "kind": kind}


def finding_views(results: Path, drawings: Drawings) -> list[dict[str, Any]]:
    """The sections of the article, their figures as parts of the page."""
    views = []
    for finding in article.findings(results):
        path = results / "figures" / f"{finding.figure}.svg"
        svg = drawings.inline(path) if finding.figure and path.is_file() else ""
        views.append(
            {"name": finding.name, "title": finding.title, "text": finding.text, "figure": finding.figure}
            | {"alt": finding.alt, "svg": svg}
        )
    return views


def section_view(
    section: Section, results: Path, store: Store, data_dir: Path, drawings: Drawings, shown: dict[str, str]
) -> dict[str, Any]:
    """One experiment as the template shows it.

    shown: figures that stand further up already, with the place where.
    """
    experiment = section.experiment
    table = tables.experiment_table(experiment, store, data_dir) if experiment.kind != "diagrams" else None
    own = [drawn for drawn in section.figures if not drawn.name.endswith("-curves")]
    curves = [drawn for drawn in section.figures if drawn.name.endswith("-curves")]
    place = ablations.place(experiment, "figures")
    notes, missing = [], []
    for note in table.notes if table else []:
        text, to_run, command = note.partition("; to run: ")
        if to_run:
            missing.append({"text": article.spans(f"{text}; to run them:"), "command": command})
        else:
            notes.append(article.spans(note))
    tally = {name: sum(verdict.verdict == name for verdict in section.verdicts) for name in OUTCOME}
    return {
        "name": experiment.name,
        "title": experiment.title,
        "question": experiment.question,
        "source": experiment.source,
        "answer": section.answer,
        "verdicts": [(OUTCOME[name], count) for name, count in tally.items() if count],
        "claims": len(section.verdicts),
        "table": Markup(with_verdicts(table, section).html(f"table-{experiment.name}")) if table else None,
        "tables_at": ablations.place(experiment, "tables"),
        "figures_at": place,
        "notes": notes,
        "missing": missing,
        "figures": [
            {
                "name": drawn.name,
                "alt": drawn.alt,
                "above": shown.get(drawn.name, ""),
                "svg": "" if drawn.name in shown else drawings.inline(results / place / f"{drawn.name}.svg"),
            }
            for drawn in own
            if (results / place / f"{drawn.name}.svg").is_file()
        ],
        "curves": bool(curves),
        "curves_alt": curves[0].alt if curves else "",
        "protocols": experiment.protocols,
        "runs": len(section.records),
        "time": duration(section.seconds),
    }


def with_verdicts(table: Table, section: Section) -> Table:
    """The table with the verdicts of the claims that begin with each row's variant."""
    experiment = section.experiment
    judged = list(zip(experiment.claims, section.verdicts, strict=True))
    if experiment.kind == "sizes":
        # A row for each exact claim of a variant, or one for a variant without any.
        groups: list[list[tuple[Claim, Verdict]]] = []
        for variant in experiment.variants:
            own = [each for each in judged if each[0].deterministic and each[0].variants == (variant.name,)]
            groups += [[each] for each in own] or [[]]
    else:
        names = [variant.name for variant in experiment.variants]
        groups = [[each for each in judged if each[0].variants[:1] == (name,)] for name in names]
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
