"""Tables of what runs measured: published beside measured, by budget and protocol."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from repro import models
from repro.config.specification import BUDGETS, Budget, Run
from repro.data import DATASETS
from repro.judging.evidence import ACCURACIES, Evidence, contrast, of_cell, part_of, published, shown
from repro.planning import experiments
from repro.planning.experiments import Experiment, Variant
from repro.planning.plan import Cell
from repro.records import Store
from repro.reporting.figures import registry
from repro.reporting.table import NOT_RUN, Column, Estimate, Table
from repro.rules.claim import Claim

PUBLISHED = (*ACCURACIES, "top5")  # what stands in the column of published values


def variants_table(experiment: Experiment, evidence: dict[Budget, list[Evidence]]) -> Table:
    """The table of an experiment whose evidence is at hand."""
    variants, kind = experiment.variants, registry.stated(experiment)
    columns = [Column("variant", "network")]
    rows: list[dict[str, Any]] = [{"variant": variant.title} for variant in variants]
    sets = [DATASETS[run_of(experiment, evidence, variant).data.name].title for variant in variants]
    if len(set(sets)) > 1:
        columns.append(Column("data"))
        for row, name in zip(rows, sets, strict=True):
            row["data"] = name
    runs = {budget: [run_of(experiment, {budget: found}, v) for v in variants] for budget, found in evidence.items()}
    sizes = {
        budget: [parameters_of(run, of_variant(v, found)) for run, v in zip(runs[budget], variants, strict=True)]
        for budget, found in evidence.items()
    }
    alike = len({tuple(counts) for counts in sizes.values()}) == 1
    for budget, counts in list(sizes.items())[: 1 if alike else None]:
        name = "parameters" if alike else f"parameters_{budget}"
        heading = "parameters" if alike else f"parameters, {budget}"
        columns.append(Column(name, heading, "right", ",d"))
        for row, count in zip(rows, counts, strict=True):
            row[name] = count
    for budget, found in evidence.items():
        files = [file_of(found, variant) for variant in variants]
        if any(files):
            columns.append(Column(f"{budget}_bytes", f"{budget}, bytes of the file", "right", ",d"))
            for row, size in zip(rows, files, strict=True):
                row[f"{budget}_bytes"] = size
    if any(published(experiment, variant, PUBLISHED) for variant in variants):
        columns.append(Column("published", "published", "right"))
        for row, variant in zip(rows, variants, strict=True):
            row["published"] = stated(published(experiment, variant, PUBLISHED))
    for budget, found in evidence.items():
        add_cells(kind.columns_before(budget), columns, rows, variants, found)
        for protocol in experiment.protocols:
            name = f"{budget}_{protocol}".replace("-", "_")
            heading = f"{budget}, {protocol}" if len(experiment.protocols) > 1 else budget
            columns.append(Column(name, heading, "right", empty=NOT_RUN))
            items = {item.variant.name: item for item in found if item.protocol == protocol}
            for row, variant in zip(rows, variants, strict=True):
                row[name] = estimate(items.get(variant.name))
        add_cells(kind.columns_after(budget), columns, rows, variants, found)
    return Table(experiment.title, columns, rows, notes(experiment, evidence))


def add_cells(
    cells: Sequence[registry.Cells],
    columns: list[Column],
    rows: list[dict[str, Any]],
    variants: Sequence[Variant],
    found: Sequence[Evidence],
) -> None:
    """Put columns behind those there are, filled from each variant's evidence."""
    items = {item.variant.name: item for item in reversed(found)}
    for column, cell in cells:
        columns.append(column)
        for row, variant in zip(rows, variants, strict=True):
            row[column.name] = cell(items[variant.name]) if variant.name in items else None


def run_of(experiment: Experiment, evidence: dict[Budget, list[Evidence]], variant: Variant) -> Run:
    """The variant's run at the first budget shown that has it; at the paper budget where none has."""
    runs = [item.run for found in evidence.values() for item in found if item.variant.name == variant.name]
    return runs[0] if runs else experiments.resolve(experiment, variant, "paper")


def file_of(found: list[Evidence], variant: Variant) -> int | None:
    """Mean bytes, over seeds, of the compressed files that the variant's runs would make; None where they make none."""
    records = next((item.records for item in found if item.variant.name == variant.name), ())
    sizes = [record.file_bytes for record in records if record.file_bytes is not None]
    return round(sum(sizes) / len(sizes)) if sizes else None


def estimate(item: Evidence | None) -> Estimate | None:
    """A measured cell; None where nothing was run."""
    if item is None or not item.n:
        return None
    low, high = item.interval or (None, None)
    return Estimate(item.mean, low, high, item.n, item.failures)


def stated(claims: Iterable[Claim]) -> str | None:
    """Published values as a reader sees them; the source is named where several differ."""
    claims = list(claims)
    several = len({claim.source for claim in claims}) > 1
    texts = []
    for claim in claims:
        extra = [claim.source] if several else []
        extra += [f"epoch {claim.epoch}"] if claim.epoch else []
        extra += ["top-5"] if claim.metric == "top5" else []
        texts.append(f"{claim.published:g}" + (f" ({', '.join(extra)})" if extra else ""))
    return "; ".join(dict.fromkeys(texts)) or None


def notes(experiment: Experiment, evidence: dict[Budget, list[Evidence]]) -> list[str]:
    """Notes that a reader needs beside the numbers."""
    found = [item for items in evidence.values() for item in items]
    measured = [item for item in found if item.n]
    lines = ["Test accuracy in percent: mean over seeds, its 95 % t interval, number of seeds."] if measured else []
    if any(item.run.data.balanced for item in measured):
        lines.append("Where classes are drawn in equal number, accuracy is the mean over the classes.")
    if any(item.failures for item in measured):
        lines.append("Failed: the run diverged or stayed at chance; it counts with the accuracy it ended at.")
    lines += registry.stated(experiment).notes if measured else ()
    lines += protocol_notes(experiment.protocols)
    for name in dict.fromkeys(item.run.data.name for item in found):
        if DATASETS[name].substitute:
            lines.append(f"{DATASETS[name].title}: {DATASETS[name].substitute}.")
    lines += part_notes(measured)
    if "smoke" in evidence:
        lines.append("smoke budget: synthetic stand-ins for the images; these numbers say nothing about the claims.")
    if "laptop" in evidence and experiment.reduced:
        lines.append(f"laptop budget: {experiment.reduced}.")
    for budget, items in evidence.items():
        lines += device_notes(budget, items)
    lines += same_network_notes(experiment, evidence)
    needs = [claim.needs for v in experiment.variants for claim in published(experiment, v, PUBLISHED)]
    if needs and all(needs):
        lines += [f"Published values rest on {need}." for need in dict.fromkeys(needs)]
    lines += [line for budget, items in evidence.items() for line in left_out_notes(experiment, budget, items)]
    for budget, items in evidence.items():
        lines += missing_notes(experiment, budget, items)
    return lines


def protocol_notes(protocols: Iterable[str]) -> list[str]:
    """Explanations of the protocols that need one."""
    said = {
        "notebook": "notebook: as the published code measured: dropout on, one test image at a time, percentages cut.",
        "train-mode-128": "train-mode-128: dropout on, batch norm with the statistics of 128 test images.",
        "augmented": "augmented: test images changed at random like training images.",
        "best-epoch": "best-epoch: the best of all epochs on the test set, which selects on it.",
        "last-ten": "last-ten: the mean over the last ten epochs.",
    }
    return [said[protocol] for protocol in protocols if protocol in said]


def part_notes(items: Iterable[Evidence]) -> list[str]:
    """Notes on data sets of which runs saw a part only."""
    records = [record for item in items for record in item.records]
    found = {(DATASETS[record.run.data.name].title, part_of(record)) for record in records}
    return [f"{title}: only {part}." for title, part in sorted(found) if part]


def device_notes(budget: Budget, items: list[Evidence]) -> list[str]:
    """On what the records were made, and whether not all on the same."""
    devices: dict[str, int] = {}
    for record in {record.identity: record for item in items for record in item.records}.values():
        name = record.environment.get("device_name") or record.environment.get("device") or "an unknown device"
        devices[name] = devices.get(name, 0) + 1
    if not devices:
        return []
    if len(devices) == 1:
        return [f"{budget} budget: run on {next(iter(devices))}."]
    named = ", ".join(f"{name} ({count} runs)" for name, count in devices.items())
    return [f"{budget} budget: run on different devices, so numbers differ by more than seeds: {named}."]


def same_network_notes(experiment: Experiment, evidence: dict[Budget, list[Evidence]]) -> list[str]:
    """Variants that are one and the same run under two names."""
    groups: dict[bytes, list[str]] = {}
    for variant in experiment.variants:
        groups.setdefault(run_of(experiment, evidence, variant).without_seed(), []).append(variant.title)
    return [f"One network, trained once: {' = '.join(names)}." for names in groups.values() if len(names) > 1]


def left_out_notes(experiment: Experiment, budget: Budget, items: list[Evidence]) -> list[str]:
    """The variants that a budget does without."""
    there = {item.variant.name for item in items}
    names = [variant.title for variant in experiment.variants if variant.name not in there]
    return [f"{budget} budget: without {', '.join(names)}."] if names else []


def missing_notes(experiment: Experiment, budget: Budget, items: list[Evidence]) -> list[str]:
    """The number of runs that the budget lacks, and the command that runs them."""
    lacking = {(item.run.without_seed(), seed) for item in items for seed in item.missing}
    if not lacking:
        return []
    runs = "1 run" if len(lacking) == 1 else f"{len(lacking)} runs"
    return [f"{budget} budget: {runs} missing; to run: {command(experiment, budget)}"]


def command(experiment: Experiment, budget: Budget) -> str:
    """The command for an experiment's missing runs."""
    return f"repro run {experiment.name}" + ("" if budget == "laptop" else f" --budget {budget}")


def numbers_table(experiment: Experiment, store: Store, data_dir: Path) -> Table:
    """Every number in long form: a row for each variant, budget and protocol with records, for CSV."""
    names = [
        "experiment", "variant", "label", "model", "data", "budget", "protocol", "parameters", "n", "failures", "mean",
        "sd", "low", "high", "published", "difference", "seeds", "values", "identities",
    ]  # fmt: skip
    rows = []
    # In the order of the budgets, every one that has records.
    for budget in BUDGETS:
        for item in shown(experiment, store, data_dir, [budget])[budget]:
            if item.n:
                rows.append(numbers_row(experiment, item))
    return Table(experiment.title, [Column(name) for name in names], rows)


def numbers_row(experiment: Experiment, item: Evidence) -> dict[str, Any]:
    """One piece of evidence as numbers."""
    low, high = item.interval or (None, None)
    claims = published(experiment, item.variant)
    stated = [c for c in claims if c.protocol == item.protocol and not c.epoch]
    value = stated[0].published if stated else None
    # On other images than the published ones a difference would say nothing.
    gap = item.mean - value if value is not None and not stated[0].needs else None
    return {
        "experiment": experiment.name,
        "variant": item.variant.name,
        "label": item.variant.title,
        "model": item.run.model.name,
        "data": item.run.data.name,
        "budget": item.budget,
        "protocol": item.protocol,
        "parameters": item.parameters,
        "n": item.n,
        "failures": item.failures,
        "mean": rounded(item.mean),
        "sd": rounded(item.sd),
        "low": rounded(low),
        "high": rounded(high),
        "published": value,
        "difference": rounded(gap),
        "seeds": " ".join(map(str, item.seeds)),
        "values": " ".join(f"{number:.6g}" for number in item.values),
        "identities": " ".join(record.identity[:16] for record in item.records),
    }


def of_variant(variant: Variant, items: Sequence[Evidence]) -> list[Evidence]:
    """The evidence on one variant."""
    return [item for item in items if item.variant.name == variant.name]


def parameters_of(run: Run, items: Sequence[Evidence]) -> int | None:
    """Parameters of a network: in closed form, or of a study's own as its runs counted them, if there are any."""
    if models.defined(run.model.name):
        return models.parameter_count(run.model.name, **run.model.options)
    return next((item.parameters for item in items if item.parameters is not None), None)


def rounded(number: float | None) -> float | None:
    """Six digits after the point: more than any number here means."""
    return None if number is None else round(number, 6)


def cells_table(cells: Sequence[Cell], budget: Budget, store: Store, data_dir: Path, title: str = "") -> Table:
    """A table of what cells measured: a row for each variant, a column for each protocol."""
    protocols = list(dict.fromkeys(protocol for cell in cells for protocol in cell.protocols))
    columns = [Column("variant", "network"), Column("data"), Column("parameters", align="right", format=",d")]
    for protocol in protocols:
        heading = f"{budget}, {protocol}" if len(protocols) > 1 else f"accuracy, {budget}"
        columns.append(Column(protocol.replace("-", "_"), heading, "right", empty=NOT_RUN))
    rows, everything = [], []
    for cell in cells:
        items = of_cell(cell, budget, store, data_dir)
        run = cell.runs[0]
        row: dict[str, Any] = {
            "variant": cell.variant.title,
            "data": DATASETS[run.data.name].title,
            "parameters": parameters_of(run, items),
        }
        row |= {item.protocol.replace("-", "_"): estimate(item) for item in items}
        rows.append(row)
        everything += items
    lines = ["Test accuracy in percent: mean over seeds, its 95 % t interval, number of seeds."]
    if budget == "smoke":
        lines.append("smoke budget: synthetic stand-ins for the images.")
    title = title or (cells[0].variant.title if len(cells) == 1 else "Results")
    return Table(title, columns, rows, lines + part_notes(everything) + device_notes(budget, everything))


def comparison_table(cells: Sequence[Cell], budget: Budget, store: Store, data_dir: Path) -> Table:
    """`cells_table`, with each variant's difference to the first one."""
    table = cells_table(cells, budget, store, data_dir)
    table.title = f"{cells[0].variant.title} against {', '.join(cell.variant.title for cell in cells[1:])}"
    first = of_cell(cells[0], budget, store, data_dir)[0]
    size = table.rows[0]["parameters"]
    for cell, row in zip(cells[1:], table.rows[1:], strict=True):
        item = of_cell(cell, budget, store, data_dir)[0]
        row["ratio"] = row["parameters"] / size
        if item.n and first.n:
            row["difference"] = difference(item, first)
    table.columns = [
        *table.columns[:3],
        Column("ratio", "of first", "right", ".3f"),
        *table.columns[3:],
        Column("difference", "difference, points", "right"),
    ]
    table.notes.append("Difference: to the first network; seed by seed where both go on from the same weights.")
    return table


def difference(first: Evidence, second: Evidence) -> Estimate:
    """First minus second, as the claims are judged."""
    found = contrast(first, second)
    low, high = found.interval.limited() or (None, None)
    return Estimate(found.value, low, high, found.n, signed=True)
