"""results/README.md: all experiments with question, answer, table and figure, for those who read on GitHub."""

from pathlib import Path

from repro.config.specification import Budget
from repro.planning import ablations, plan
from repro.records import Store
from repro.reporting import tables
from repro.reporting.summary import (
    Section,
    benchmarks,
    central_table,
    counted,
    duration,
    open_questions,
    verdicts_table,
)
from repro.reporting.table import Column, Table

HEAD = """\
# Results

Made by `repro report` from the records in [`runs/`](runs); not edited by hand. The same with every run, verdict and
curve is in [`index.html`](index.html), which opens in a browser from disk.
"""


def index(sections: list[Section], store: Store, data_dir: Path) -> str:
    """The whole file."""
    lines = [HEAD]
    judged = [verdict for section in sections for verdict in section.verdicts]
    if judged:
        lines += [central_table(sections).markdown(heading=False)]
        lines += [counted(judged), "", verdicts_table(sections).markdown(heading=False)]
    lines += [overview(sections, store, data_dir).markdown(heading=False)]
    for section in sections:
        lines += chapter(section, store, data_dir)
    lines += questions(sections)
    lines += measured(store.folder.parent)
    return "\n".join(lines).rstrip() + "\n"


def questions(sections: list[Section]) -> list[str]:
    """The chapter on what the sources leave open."""
    found = open_questions(section.experiment for section in sections)
    if not found:
        return []
    lines = [
        "## Open questions",
        "",
        "What the sources leave open, how it is read here, and the claims that rest on it.",
        "",
    ]
    lines += [f"- {text} ({', '.join(f'`{claim}`' for claim in claims)})" for text, claims in found.items()]
    return [*lines, ""]


def measured(results: Path) -> list[str]:
    """The chapter on speed and memory, where they have been measured."""
    found = benchmarks(results)
    if not found:
        return []
    lines = ["## Speed and memory", "", "Measured by `repro bench`, whose method is in docs/benchmark.md.", ""]
    return lines + [f"- [{title}](tables/{name}.md) ([csv](tables/{name}.csv))" for name, title in found.items()]


def overview(sections: list[Section], store: Store, data_dir: Path) -> Table:
    """One row for each experiment."""
    rows = []
    for section in sections:
        experiment = section.experiment
        rows.append(
            {
                "experiment": f"[{experiment.name}](#{experiment.name})",
                "source": experiment.source,
                "laptop": done(section, "laptop", store, data_dir),
                "paper": done(section, "paper", store, data_dir),
                "time": duration(section.seconds) if section.records else None,
            }
        )
    columns = [
        Column("experiment"),
        Column("source"),
        Column("laptop", "laptop runs", "right"),
        Column("paper", "paper runs", "right"),
        Column("time", align="right"),
    ]
    return Table("", columns, rows)


def done(section: Section, budget: Budget, store: Store, data_dir: Path) -> str | None:
    """How many of a budget's runs have records."""
    if section.experiment.kind != "training":
        return None
    steps = plan.plan(plan.cells(section.experiment, budget), store, data_dir)
    return f"{sum(step.record is not None for step in steps)} of {len(steps)}"


def chapter(section: Section, store: Store, data_dir: Path) -> list[str]:
    """One experiment."""
    experiment = section.experiment
    lines = [
        f'<a id="{experiment.name}"></a>',
        "",
        f"## {experiment.title}",
        "",
        f"*{experiment.question}* ({experiment.source})",
        "",
        section.answer,
        "",
    ]
    if experiment.kind == "diagrams":
        return lines
    lines += [tables.experiment_table(experiment, store, data_dir).markdown(heading=False)]
    at = ablations.place(experiment, "tables")
    formats = " · ".join(f"[{suffix}]({at}/{experiment.name}.{suffix})" for suffix in ("csv", "md", "tex"))
    lines += [f"Table: {formats}", ""]
    for drawn in section.figures:
        lines += [f"![{drawn.alt}]({ablations.place(experiment, 'figures')}/{drawn.name}.svg)", ""]
    return lines
