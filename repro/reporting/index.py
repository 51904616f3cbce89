"""results/README.md: the central claims, and all experiments with links to their tables and figures."""

from pathlib import Path

from repro.config.specification import Budget
from repro.planning import ablations, plan
from repro.records import Store
from repro.reporting import kinds
from repro.reporting.summary import (
    Section,
    benchmarks,
    central_table,
    counted,
    duration,
    verdicts_table,
)
from repro.reporting.table import Column, Table

HEAD = """\
# Results

Made by `repro report` from the records in [`runs/`](runs); not edited by hand. Findings, every claim and every run
are in [`index.html`](index.html), which opens in a browser from disk. [`tables/`](tables) has each table as
Markdown, as CSV with every number, and as LaTeX.
"""


def index(sections: list[Section], store: Store, data_dir: Path) -> str:
    """The whole file."""
    lines = [HEAD]
    judged = [verdict for section in sections for verdict in section.verdicts]
    if judged:
        lines += [central_table(sections).markdown(heading=False)]
        lines += [counted(judged), "", verdicts_table(sections).markdown(heading=False)]
    lines += ["## Experiments", "", overview(sections, store, data_dir).markdown(heading=False)]
    lines += measured(store.folder.parent)
    return "\n".join(lines).rstrip() + "\n"


def measured(results: Path) -> list[str]:
    """The chapter on speed and memory, where they have been measured."""
    found = benchmarks(results)
    if not found:
        return []
    lines = ["## Speed and memory", "", "Measured by `repro bench`, whose method is in docs/benchmark.md.", ""]
    return lines + [f"- [{title}](tables/{name}.md) ([csv](tables/{name}.csv))" for name, title in found.items()]


def overview(sections: list[Section], store: Store, data_dir: Path) -> Table:
    """One row for each experiment, with links to its table and figures."""
    rows = []
    for section in sections:
        experiment = section.experiment
        at, drawn_at = (ablations.place(experiment, kind) for kind in ("tables", "figures"))
        rows.append(
            {
                "experiment": experiment.title,
                "verdicts": ", ".join(f"{count} {name}" for name, count in section.tally),
                "table": f"[table]({at}/{experiment.name}.md)" if kinds.of(experiment).tabled else None,
                "figures": ", ".join(f"[{drawn.name}]({drawn_at}/{drawn.name}.svg)" for drawn in section.figures),
                "laptop": done(section, "laptop", store, data_dir),
                "paper": done(section, "paper", store, data_dir),
                "time": duration(section.seconds) if section.records else None,
            }
        )
    columns = [
        Column("experiment"),
        Column("verdicts"),
        Column("table"),
        Column("figures"),
        Column("laptop", "laptop runs", "right"),
        Column("paper", "paper runs", "right"),
        Column("time", align="right"),
    ]
    return Table("", columns, rows)


def done(section: Section, budget: Budget, store: Store, data_dir: Path) -> str | None:
    """The number of a budget's runs that have records."""
    if not section.experiment.work.trains:
        return None
    steps = plan.plan(plan.cells(section.experiment, budget), store, data_dir)
    return f"{sum(step.record is not None for step in steps)} of {len(steps)}"
