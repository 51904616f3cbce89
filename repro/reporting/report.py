"""Make everything under results/ that follows from records: tables, figures, the index and the page."""

import contextlib
import hashlib
import multiprocessing
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec

import repro
from repro.config.specification import Budget
from repro.judging import ledger
from repro.judging.evidence import LEDGER, Evidence, borrowed, shown, verdicts_of
from repro.planning import ablations, experiments
from repro.planning.experiments import Experiment
from repro.processes import cores, end_with_parent
from repro.progress import Progress, silent
from repro.records import Store
from repro.records.store import LARGEST
from repro.reporting import kinds, page, snippets, tables
from repro.reporting.drawn import Drawn
from repro.reporting.index import index
from repro.reporting.style import FORMATS
from repro.reporting.summary import Section
from repro.storage import cache_folder, read_limited, write_atomic, write_if_changed

# Starting another process takes longer than drawing a few figures.
WORTH_A_POOL = 3

# Whatever changes in these packages may change a figure.
DRAWING_CODE = ("config", "rules", "judging", "models", "planning", "records", "reporting")


def render(results: Path, data_dir: Path, only: Iterable[str] | None = None, progress: Progress = silent) -> None:
    """Bring tables/, figures/, README.md and index.html of a results folder up to date with its records.

    Files whose content would not change are not written, figures whose records have not changed are not drawn again.

    Args:
        only: experiments, by name or by the path of one's own file, whose tables and figures are made; README.md and
            index.html always show all of the suite.

    Raises:
        Failure: the folder cannot be written to.
    """
    store = Store(results)
    suite = ablations.everything(results)
    names = {experiment.name for experiment in suite}
    asked = set(only) if only is not None else names
    extra = [experiments.find(name) for name in sorted(asked - names)]
    chosen = asked & names | {experiment.name for experiment in extra}
    evidence = {experiment.name: shown(experiment, store, data_dir) for experiment in [*suite, *extra]}
    for experiment in [*suite, *extra]:
        if experiment.name in chosen and write_tables(experiment, evidence[experiment.name], store, data_dir):
            progress(f"tables/{experiment.name}")
    draw_all([e for e in [*suite, *extra] if e.name in chosen], evidence, results, progress)
    sections = [
        Section(
            experiment=experiment,
            evidence=evidence[experiment.name],
            verdicts=verdicts_of(experiment, store, data_dir),
            figures=[
                drawn
                for drawn in kinds.of(experiment).described(experiment, evidence[experiment.name], store)
                if (results / ablations.place(experiment, "figures") / f"{drawn.name}.svg").is_file()
            ],
            finding=snippets.finding(experiment, store, data_dir),
        )
        for experiment in suite
    ]
    ledger.extend(results / LEDGER, [verdict for section in sections for verdict in section.verdicts])
    if write_if_changed(results / "README.md", index(sections, store, data_dir)):
        progress("README.md")
    if write_if_changed(results / "index.html", page.render(sections, results, store, data_dir)):
        progress("index.html")


def write_tables(experiment: Experiment, evidence: dict[Budget, list[Evidence]], store: Store, data_dir: Path) -> bool:
    """NAME.md and .tex as shown, NAME.csv with every number, in tables/; whether anything changed."""
    if not kinds.of(experiment).tabled:
        return False
    folder = store.folder.parent / ablations.place(experiment, "tables")
    table = snippets.concluded_table(experiment, store, data_dir)
    numbers = tables.numbers_table(experiment, store, data_dir) if evidence else table
    contents = {"md": table.render("md"), "tex": table.render("tex"), "csv": numbers.render("csv")}
    written = [write_if_changed(folder / f"{experiment.name}.{suffix}", text) for suffix, text in contents.items()]
    return any(written)


def draw_all(
    chosen: list[Experiment], evidence: dict[str, dict[Budget, list[Evidence]]], results: Path, progress: Progress
) -> None:
    """Draw what is out of date."""
    store = Store(results)
    due: dict[str, tuple[Experiment, str]] = {}
    for experiment in chosen:
        folder = results / ablations.place(experiment, "figures")
        if experiment.work.trains and not evidence[experiment.name]:
            kinds.remove(experiment, folder)
            continue
        inputs = inputs_hash(experiment, evidence[experiment.name], store)
        stamp = read_stamp(results, experiment.name)
        drawn = kinds.of(experiment).described(experiment, evidence[experiment.name], store)
        if not stamp or stamp.inputs != inputs or stamp.outputs != outputs_hashes(folder, drawn):
            due[experiment.name] = (experiment, inputs)

    def finished(name: str, drawn: list[Drawn]) -> None:
        experiment, inputs = due.pop(name)
        folder = results / ablations.place(experiment, "figures")
        write_stamp(results, name, Stamp(inputs, outputs_hashes(folder, drawn)))
        progress(f"figures/{name}")

    tasks = {name: (experiment, evidence[name], results) for name, (experiment, _) in due.items()}
    if len(tasks) >= WORTH_A_POOL:
        try:
            # Not forked: a process that has trained holds threads, which a fork would leave behind in the middle.
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(min(cores(), len(tasks)), context, initializer=end_with_parent) as pool:
                waiting = {name: pool.submit(draw_one, *task) for name, task in tasks.items()}
                for name, future in waiting.items():
                    finished(name, future.result())
        except BrokenProcessPool:
            # A program without a file of its own (typed in, piped) cannot start others; it draws itself.
            pass
    for name in list(due):
        finished(name, draw_one(*tasks[name]))


def draw_one(experiment: Experiment, evidence: dict[Budget, list[Evidence]], results: Path) -> list[Drawn]:
    """One experiment's figures; runs in a process of its own."""
    folder = results / ablations.place(experiment, "figures")
    return kinds.of(experiment).draw(experiment, evidence, Store(results), folder)


class Stamp(msgspec.Struct, frozen=True):
    """Hashes of what figures were drawn from and of the files: they are drawn again when either differs."""

    inputs: str
    outputs: dict[str, str]


def stamp_file(results: Path, name: str) -> Path:
    """The file of the stamp of an experiment's figures, for one results folder."""
    place = hashlib.sha256(os.fsencode(results.resolve())).hexdigest()[:16]
    return cache_folder() / "figures" / place / f"{name}.json"


def read_stamp(results: Path, name: str) -> Stamp | None:
    """The stamp; None where there is none that can be read."""
    try:
        return msgspec.json.decode(stamp_file(results, name).read_bytes(), type=Stamp)
    except (OSError, msgspec.MsgspecError):
        return None


def write_stamp(results: Path, name: str, stamp: Stamp) -> None:
    """Remember what the figures were drawn from."""
    write_atomic(stamp_file(results, name), msgspec.json.encode(stamp))


def inputs_hash(experiment: Experiment, evidence: dict[Budget, list[Evidence]], store: Store) -> str:
    """A hash of everything that decides how the figures look: experiment, records, histories, this code, matplotlib."""
    digest = hashlib.sha256(f"{code_hash()} {version('matplotlib')}".encode())
    digest.update(msgspec.json.encode([experiment, borrowed(experiment)], order="deterministic"))
    for name, found in kinds.of(experiment).drawn_from(experiment, store).items():
        digest.update(name.encode() + msgspec.json.encode(found, order="deterministic"))
    for budget, items in evidence.items():
        for item in items:
            digest.update(f"{budget} {item.protocol} {item.expected}".encode())
            digest.update(msgspec.json.encode(item.run, order="deterministic"))
            for record in item.records:
                digest.update(msgspec.json.encode(record, order="deterministic"))
                history = store.files(record.run, record.identity)[1]
                with contextlib.suppress(FileNotFoundError):
                    digest.update(read_limited(history, LARGEST))
    return digest.hexdigest()


def outputs_hashes(folder: Path, drawn: list[Drawn]) -> dict[str, str]:
    """The figures as they are on disk, by file name."""
    paths = [folder / f"{figure.name}.{suffix}" for figure in drawn for suffix in FORMATS]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()}


@cache
def code_hash() -> str:
    """A hash of the code that turns records into figures."""
    package = Path(repro.__file__).parent
    places = [package / name for name in DRAWING_CODE]
    paths = [path for place in places for path in sorted(place.rglob("*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
