"""Parts of documents that are made from records: each stands between two comments and is renewed there.

    <!-- made: table fire-removal -->
    ...
    <!-- /made -->

A part within a line is written the same way, without line breaks.

    table EXPERIMENT                               the experiment's table, with its title and notes
    claims EXPERIMENT                              its claims: statement, published, measured, verdict
    central                                        the claims that the sources are known for, and what to know first
    verdicts                                       how many claims of each source got which verdict
    bench NAME                                     a table of `repro bench`, as it was written
    mean EXPERIMENT/VARIANT                        mean accuracy in percent: `61.7`
    after EPOCH EXPERIMENT/VARIANT                 training and test accuracy after an epoch: `48.1 and 49.3`
    gap EXPERIMENT/VARIANT/OTHER                   the second minus the first in points, 95 % interval
    failed EXPERIMENT[/VARIANT]                    runs that diverged or never left chance: `3 of 10`
    dead EXPERIMENT[/VARIANT]                      runs with a layer that is the same for every image: `2 of 10`
    bytes EXPERIMENT/VARIANT                       size of the compressed file, of several seeds the mean: `541,116`
    lost EXPERIMENT/VARIANT                        points of top-1 that a compressed file lost: `-0.2 [-1.1, +0.8]`
    size EXPERIMENT/VARIANT                        the float32 parameters in both units: `4.99 MB (4.76 MiB)`
    weights EXPERIMENT/VARIANT                     top-1 of published weights in percent: `76.0 [75.1, 76.8]`
    nats EXPERIMENT/VARIANT                        divergence of a compressed network: `0.0120 [0.0090, 0.0160]`
    photographs EXPERIMENT/VARIANT                 on how many photographs that was measured: `642`

A protocol and a budget may follow mean, after, gap and bytes: `mean batch-norm/fire notebook laptop`. Without, numbers
are of the largest budget that has been run, under the protocol `described`.

In an experiment's `finding` the same requests stand in braces, `{bytes paper-table2/lossless}`; see `finding`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from repro import models
from repro.config.specification import BUDGETS, PROTOCOLS, Budget
from repro.errors import BadInput, unknown
from repro.judging.evidence import Evidence, shown, verdicts_of
from repro.planning import experiments
from repro.planning.experiments import Experiment, Variant
from repro.records import Store, compressed
from repro.records.compressed import CompressedRecord
from repro.reporting import kinds
from repro.reporting.kinds import compression, weights
from repro.reporting.summary import Section, central_table, verdicts_table
from repro.reporting.table import Column, Table
from repro.reporting.tables import difference, file_of

BLOCK = re.compile(r"(<!-- made: ([^>]*?) -->)(.*?)(<!-- /made -->)", re.DOTALL)
PART = re.compile(r"\{([^}]*)\}")


class NotRun(BadInput):
    """There are no records to make a part from."""


def renew(document: str, store: Store, data_dir: Path) -> str:
    """The document with every made part as the records now have it.

    Raises:
        BadInput: a part asks for what there is not, or nothing was run for it.
    """

    def made(match: re.Match[str]) -> str:
        begin, request, old, end = match.groups()
        new = make(request, store, data_dir).strip()
        return f"{begin}\n\n{new}\n\n{end}" if "\n" in old or "\n" in new else f"{begin}{new}{end}"

    return BLOCK.sub(made, document)


def finding(experiment: Experiment, store: Store, data_dir: Path) -> str:
    """The `finding` of an experiment with the records' numbers; empty where they are not all there.

    Raises:
        BadInput: a part asks for what there is not.
    """
    try:
        return PART.sub(lambda match: make(match[1], store, data_dir), experiment.finding)
    except NotRun:
        return ""
    except BadInput as error:
        raise BadInput(f"{experiment.file}: finding: {error}") from error


def concluded_table(experiment: Experiment, store: Store, data_dir: Path, budgets: Sequence[Budget] = ()) -> Table:
    """The experiment's table, with what came out as its first note."""
    table = kinds.of(experiment).table(experiment, store, data_dir, budgets)
    said = finding(experiment, store, data_dir)
    return replace(table, notes=[said, *table.notes]) if said else table


def make(request: str, store: Store, data_dir: Path) -> str:
    """The part that one request asks for, as Markdown."""
    match request.split():
        case ["verdicts" | "central" as what]:
            suite = experiments.everything()
            sections = [Section(e, {}, verdicts_of(e, store, data_dir), []) for e in suite]
            return (verdicts_table if what == "verdicts" else central_table)(sections).markdown(heading=False)
        case ["table", name]:
            experiment = experiments.find(name)
            return kinds.of(experiment).table(experiment, store, data_dir).markdown()
        case ["claims", name]:
            return claims_table(experiments.find(name), store, data_dir).markdown(heading=False)
        case ["mean", path, *how]:
            (item,) = measured(path, 1, how, store, data_dir)
            return f"{item.mean:.1f}"
        case ["after", epoch, path, *how]:
            (item,) = measured(path, 1, how, store, data_dir)
            return " and ".join(f"{number:.1f}" for number in after(epoch, item, store))
        case ["gap", path, *how]:
            first, second = measured(path, 2, how, store, data_dir)
            return gap(first, second)
        case ["failed" | "dead" as what, path]:
            items = measured(path, 1, [], store, data_dir) if "/" in path else runs_of(path, store, data_dir)
            count = sum(item.failures if what == "failed" else len(item.dead) for item in items)
            return f"{count} of {sum(item.n for item in items)}"
        case ["bench", name]:
            return f"\n{bench(name, store)}\n"
        case ["bytes", path, *how]:
            return f"{file_bytes(path, how, store, data_dir):,}"
        case ["size", path]:
            name, _, variant = path.partition("/")
            return size_text(experiments.find(name).variant(variant))
        case ["lost", path]:
            return compression.lost_text(file_record(path, store).answers)
        case ["nats", path]:
            return compression.divergence_text(file_record(path, store).answers)
        case ["weights", path]:
            name, _, variant = path.partition("/")
            experiment = experiments.find(name)
            record = weights.records(experiment, store).get(experiment.variant(variant).name)
            if record is None:
                raise NotRun(f"`{path}` has no record")
            return weights.top1(record)
        case ["photographs", path]:
            return f"{file_record(path, store).answers.total:,}"
    known = "table, claims, central, verdicts, bench, mean, after, gap, failed, dead, bytes, size, lost, weights"
    known += ", photographs, nats"
    raise BadInput(f"`made: {request}` asks for none of {known}")


def bench(name: str, store: Store) -> str:
    """A table of `repro bench` as it was written."""
    path = store.folder.parent / "tables" / f"bench-{name}.md"
    if not path.is_file():
        raise NotRun(f"there is no {path.name}: `repro bench` has not been run")
    return path.read_text()


def measured(path: str, variants: int, how: list[str], store: Store, data_dir: Path) -> list[Evidence]:
    """The evidence behind EXPERIMENT/VARIANT[/VARIANT], under a protocol and at a budget where `how` names them."""
    name, *asked = path.split("/")
    budgets: list[Budget] = [budget for budget in BUDGETS if budget in how] or ["paper", "laptop"]
    protocols = [word for word in how if word not in BUDGETS] or ["described"]
    if len(asked) != variants or len(protocols) > 1:
        raise BadInput(f"`{path}` should name an experiment and {variants} of its variants, then one protocol at most")
    (protocol,) = protocols
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    experiment = experiments.find(name)
    evidence = shown(experiment, store, data_dir)
    for variant in asked:
        experiment.variant(variant)
    for budget in budgets:
        items = evidence.get(budget, [])
        found = {item.variant.name: item for item in items if item.protocol == protocol and item.n}
        if found.keys() >= set(asked):
            return [found[variant] for variant in asked]
    raise NotRun(f"`{path}` has not been run under the protocol {protocol}")


def runs_of(name: str, store: Store, data_dir: Path) -> list[Evidence]:
    """The evidence of all of an experiment's networks, each once, at the largest budget that has been run."""
    experiment = experiments.find(name)
    evidence = shown(experiment, store, data_dir)
    for budget in ("paper", "laptop"):
        found = [item for item in evidence.get(budget, []) if item.n and item.protocol == experiment.protocols[0]]
        if found:
            return list({item.run.without_seed(): item for item in found}.values())
    raise NotRun(f"`{name}` has not been run")


def file_record(path: str, store: Store) -> CompressedRecord:
    """The record of the compressed file EXPERIMENT/VARIANT."""
    name, _, variant = path.partition("/")
    how = experiments.find(name).variant(variant).compress
    if how is None:
        raise BadInput(f"`{path}` is not compressed")
    record = compressed.find(store, name, variant, how)
    if record is None:
        raise NotRun(f"`{path}` has no record")
    return record


def file_bytes(path: str, how: list[str], store: Store, data_dir: Path) -> int:
    """The size of a compressed file: of the released network, or the mean of those of networks trained here."""
    if not experiments.find(path.partition("/")[0]).work.trains:
        return file_record(path, store).bytes
    (item,) = measured(path, 1, how, store, data_dir)
    size = file_of([item], item.variant)
    if size is None:
        raise BadInput(f"`{path}` is not compressed")
    return size


def size_text(variant: Variant) -> str:
    """The size of a network's float32 parameters, in both units that "MB" may mean."""
    size = 4 * models.parameter_count(variant.model, **variant.options)
    return f"{size / 10**6:.2f} MB ({size / 2**20:.2f} MiB)"


def after(epoch: str, item: Evidence, store: Store) -> tuple[float, float]:
    """Training and test accuracy in percent after an epoch, means over seeds."""
    histories = [store.history(record) for record in item.records]
    if not epoch.isdecimal() or not 1 <= int(epoch) <= min(map(len, histories)):
        raise BadInput(f"`after {epoch}`: give an epoch from 1 to {min(map(len, histories))}")
    found = [history[int(epoch) - 1] for history in histories]
    train, test = (sum(numbers) for numbers in zip(*((e.train_accuracy, e.test_accuracy) for e in found), strict=True))
    return 100 * train / len(found), 100 * test / len(found)


def gap(first: Evidence, second: Evidence) -> str:
    """Second minus first."""
    return str(difference(second, first))


def claims_table(experiment: Experiment, store: Store, data_dir: Path) -> Table:
    """A row for each claim of an experiment."""
    number = ".4g"
    columns = [
        Column("statement", "claim"),
        Column("published", align="right", format=number),
        Column("measured", align="right", format=number),
        Column("verdict"),
    ]
    rows = [
        {
            "statement": claim.statement,
            "published": claim.published if claim.published is not None else claim.effect,
            "measured": found.measured,
            "verdict": found.verdict + (f" ({found.badge})" if found.badge else ""),
        }
        for claim, found in zip(experiment.claims, verdicts_of(experiment, store, data_dir), strict=True)
    ]
    return Table("", columns, rows)
