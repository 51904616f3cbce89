"""`repro claims` and `repro compare`: published numbers with their verdicts, and one results folder against another."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from repro.cli import options
from repro.cli.run import KINDS
from repro.cli.terminal import say
from repro.errors import BadInput, unknown
from repro.judging.rows import ANALYSES, claim_rows
from repro.planning import experiments, plan
from repro.planning.experiments import Experiment
from repro.records import Store
from repro.reporting.summary import duration
from repro.reporting.table import Column, Table
from repro.rules.claim import EVIDENCE_KINDS, OUTCOMES, Claim

CLAIMS_EXAMPLES = """\b
Examples:
  repro claims
  repro claims --central
  repro claims --source report --verdict "not reproduced"
  repro claims parameters-squeezenet
  repro claims --format json
"""
COMPARE_EXAMPLES = """\b
Examples:
  repro compare results /elsewhere/results
  repro compare results other --budget paper --margin 0.5
"""


@click.command("claims", epilog=CLAIMS_EXAMPLES)
@click.argument("claim_id", required=False, metavar="[ID]")
@click.option("--source", help="Only claims of this source: paper, report, official, ...")
@click.option("--verdict", type=click.Choice(OUTCOMES), help="Only claims with this verdict.")
@click.option(
    "--experiment", "name", shell_complete=options.complete_experiments, help="Only claims of this experiment."
)
@click.option("--central", is_flag=True, help="The claims that the sources are known for, a paragraph each.")
@options.data_dir
@options.results_dir
@options.output_format
def claims_command(
    claim_id: str | None,
    source: str | None,
    verdict: str | None,
    name: str | None,
    central: bool,
    data_dir: Path,
    results_dir: Path,
    output_format: str,
) -> None:
    """Show published numbers and statements, and whether they hold; with an ID, one of them with its runs."""
    store = Store(results_dir)
    suite = [experiments.find(name)] if name else list(experiments.everything())
    known = {claim.id: experiment for experiment in suite for claim in experiment.claims}
    if claim_id:
        if claim_id not in known:
            raise unknown("claim", claim_id, known)
        suite = [known[claim_id]]
    rows = [row for experiment in suite for row in claim_rows(experiment, store, data_dir)]
    if claim_id:
        rows = [row for row in rows if row["id"] == claim_id]
        if output_format == "text":
            show_one(rows[0], known[claim_id], store, data_dir)
            return
    if central:
        named = experiments.central()
        rows = sorted(
            (row for row in rows if row["id"] in named.central), key=lambda row: named.central.index(row["id"])
        )
    rows = of_source(rows, source) if source else rows
    rows = [row for row in rows if row["outcome"] == verdict] if verdict else rows
    if central and output_format == "text":
        show_central(rows)
    else:
        show_table(rows, options.where_records_are(results_dir), output_format)


def of_source(rows: list[dict[str, Any]], source: str) -> list[dict[str, Any]]:
    """The claims of one source.

    Raises:
        BadInput: there are none.
    """
    sources = sorted({row["source"] for row in rows})
    if source not in sources:
        raise unknown("source", source, sources)
    return [row for row in rows if row["source"] == source]


def show_table(rows: list[dict[str, Any]], notes: list[str], output_format: str) -> None:
    """A row for each claim, and how many verdicts of each kind there are for each kind of evidence."""
    columns = [
        Column("id"),
        Column("source"),
        Column("published", align="right"),
        Column("measured", align="right"),
        Column("unit"),
        Column("n", align="right"),
        Column("failures", align="right"),
        Column("verdict"),
        Column("evidence"),
    ]
    if output_format in ("json", "csv"):
        names = ["experiment", "type", "low", "high", "badge", "reason", "sentence", "statement", "place", "claim_hash"]
        columns += [Column(name) for name in [*names, *ANALYSES]]
    for kind in (*EVIDENCE_KINDS, ""):
        counts = Counter(row["outcome"] for row in rows if row["evidence"] == kind)
        if counts:
            said = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
            notes.append(f"{kind or 'not measured yet'}: {said}")
    if output_format in ("json", "csv"):
        rows = [row | {"verdict": row["outcome"]} for row in rows]
    else:
        rows = [row | {name: in_words(row[name]) for name in ("published", "measured")} for row in rows]
    Table(f"{len(rows)} claim{'s' * (len(rows) != 1)}", columns, rows, notes).print(output_format)


def show_central(rows: list[dict[str, Any]]) -> None:
    """Each claim with its verdict, what that rests on and the sentence that states the result; then what to know."""
    for row in rows:
        kind = f", {row['evidence']}" if row["evidence"] else ""
        say(f"{row['id']} ({row['source']}): {row['statement']}")
        say(f"  {row['verdict'].upper()}{kind}: {row['reason']}")
        if row["measured"] is not None:
            say(f"  {row['sentence']}")
        click.echo()
    for note in experiments.central().notes:
        say(note)


def in_words(value: float | None) -> str | None:
    """A value as it is shown in a table for people: counts in full, with separators."""
    # Imported here because scipy, behind it, takes longer to load than most verbs to run.
    from repro.rules import formatting

    return None if value is None else formatting.number(value)


def show_one(row: dict[str, Any], experiment: Experiment, store: Store, data_dir: Path) -> None:
    """One claim with the sentence that states the result, what is known of its origin, and its runs."""
    from repro.judging.evidence import shown

    claim = next(claim for claim in experiment.claims if claim.id == row["id"])
    say(f"{claim.id}: {claim.statement}")
    say(f"  {claim.source}, {claim.place}" + ("" if claim.verified else " (from memory, not re-read at its source)"))
    if claim.obtained:
        say(f"  obtained: {claim.obtained}")
    for assumption in claim.assumptions:
        say(f"  assumption: {assumption}")
    click.echo()
    # The sentence on a claim that nothing was run or counted for gives the reason itself.
    if f": {row['reason']}: " not in row["sentence"]:
        say(f"{row['verdict']}: {row['reason']}")
    say(row["sentence"])
    if row["effect_ratio"] is not None:
        say(f"The difference is {row['effect_ratio']:.2f} times the published one.")
    if row["predicted"] is not None:
        place = "inside" if row["predicted"] else "outside"
        say(f"The published value is {place} the 95 % prediction interval of these runs.")
    if lacking := to_decide(claim, experiment, store, data_dir):
        say(lacking)
    click.echo()
    rows = [
        {
            "variant": item.variant.title,
            "budget": budget,
            "seed": record.run.seed,
            "measured": value,
            "status": record.status,
            "record": str(store.place(record.run, record.identity)),
        }
        for budget, found in shown(experiment, store, data_dir).items()
        for item in found
        if item.variant.name in claim.variants and item.protocol == claim.protocol
        for record, value in zip(item.records, item.values, strict=True)
    ]
    if rows:
        number = Column("measured", "accuracy (%)", align="right", format=".2f")
        columns = [Column("variant"), Column("budget"), Column("seed"), number, Column("status"), Column("record")]
        Table(f"Runs, protocol {claim.protocol}", columns, rows).print()
    elif experiment.work.trains:
        say(f"not run: repro run {experiment.name}")


def to_decide(claim: Claim, experiment: Experiment, store: Store, data_dir: Path) -> str:
    """The runs and hours that a claim without a verdict lacks; empty where it has one, or no run could decide it."""
    from repro.judging.decide import queue

    for budget in ("laptop", "paper"):
        for decision in queue([experiment], budget, store, data_dir, "cpu", only=claim.id):
            if decision.claim.id == claim.id:
                steps = decision.steps
                cpu, gpu = (sum(plan.estimates(steps, store, device)) for device in ("cpu", "cuda"))
                option = "" if budget == "laptop" else f" --budget {budget}"
                unsure = "" if decision.likely else ", which will hardly decide it"
                return (
                    f"Lacks {len(steps)} runs for look {decision.look}{unsure}: "
                    f"about {duration(cpu)} on {KINDS['cpu']}, {duration(gpu)} on {KINDS['cuda']}: "
                    f"repro decide --hours {max(cpu / 3600, 0.1):.1f}{option} {experiment.name}"
                )
    return ""


@click.command("compare", epilog=COMPARE_EXAMPLES)
@click.argument("first", metavar="A", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("second", metavar="B", type=click.Path(path_type=Path, exists=True, file_okay=False))
@options.budget
@click.option("--margin", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="Points of accuracy that still count as the same.")  # fmt: skip
@options.data_dir
@options.output_format
def compare_command(first: Path, second: Path, budget: Any, margin: float, data_dir: Path, output_format: str) -> None:
    """Judge results folder B against A, experiment by experiment, by the tests that judge claims."""
    from repro.judging.compare import compare
    from repro.judging.evidence import gather
    from repro.rules.samples import Sample

    def samples(folder: Path) -> dict[str, Sample]:
        store = Store(folder)
        return {
            f"{experiment.name}/{item.variant.name} ({item.protocol})": Sample(
                values=item.values, seeds=item.seeds, budget=budget, pairing="seed"
            )
            for experiment in experiments.everything()
            for item in gather(experiment, budget, store, data_dir)
        }

    found = compare(samples(first), samples(second), margin)
    if not found:
        raise BadInput(f"neither {first} nor {second} has records at the {budget} budget")
    rows = [
        {
            "measurement": one.name,
            "a": one.a.mean if one.a else None,
            "b": one.b.mean if one.b else None,
            "difference": one.difference,
            "low": one.interval.low if one.interval else None,
            "high": one.interval.high if one.interval else None,
            "p": one.holm_p,
            "relation": one.relation,
        }
        for one in found
    ]
    columns = [Column("measurement"), Column("a", "A", "right", ".2f"), Column("b", "B", "right", ".2f")]
    columns += [Column(name, align="right", format="+.2f") for name in ("difference", "low", "high")]
    columns += [Column("p", "p (Holm)", "right", ".3g"), Column("relation", "B is")]
    Table(f"{second} against {first}, {budget} budget", columns, rows).print(output_format)
