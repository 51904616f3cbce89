"""Time each stage of `repro report`, and all that `make all` does when every record is there."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from shutil import copytree

from repro.benchmarking.machine import describe, load
from repro.benchmarking.startup import environment
from repro.benchmarking.tables import Sheet
from repro.errors import Failure
from repro.planning import experiments, plan
from repro.progress import Progress, silent
from repro.records import Store
from repro.reporting.table import Column

TARGET = 30.0  # seconds, for `make all` with all records present


def measure(results: Path, data_dir: Path, progress: Progress = silent) -> list[Sheet]:
    """Rebuild everything from a copy of the records, with nothing made before; then again with everything made."""
    busy = load()
    with tempfile.TemporaryDirectory() as place:
        folder, cache = Path(place) / "results", Path(place) / "cache"
        for records in ("runs", "compressed"):
            if (results / records).is_dir():
                copytree(results / records, folder / records)
        store = Store(folder)
        common = ["--results-dir", str(folder), "--data-dir", str(data_dir)]
        progress("repro report, from the records alone")
        lines, total = watched(["report", *common], cache)
        rows = [{"command": "repro report", "stage": stage, "seconds": spent} for stage, spent in stages(lines, total)]
        rows.append({"command": "repro report", "stage": "all, from the records alone", "seconds": total})
        progress("repro report, with nothing to do")
        _, again = watched(["report", *common], cache)
        rows.append({"command": "repro report", "stage": "all, with nothing to do", "seconds": again})
        count = len(store.all)
        cells = [cell for experiment in experiments.everything() for cell in plan.cells(experiment, "laptop")]
        missing = sum(step.state != "done" for step in plan.plan(cells, store, data_dir))
        note = f"`make all` is not measured: {missing} of its runs have no record yet."
        if not missing:
            progress("repro run --all, with all records there")
            _, checking = watched(["run", "--all", *common], cache)
            rows.append({"command": "make all", "stage": "run --all and report", "seconds": checking + again})
            note = f"`make all`: with every record there and everything made; target {TARGET:.0f} s."
    columns = [Column("command"), Column("stage"), Column("seconds", "s", "right", ".2f")]
    notes = [
        f"{count:,} records; stages by when the command says that a file is made, start-up in the first.",
        note,
        f"{busy}.",
    ]
    return [Sheet("report", "Rebuilding tables, figures and the page", columns, rows, describe(), notes)]


def watched(words: list[str], cache: Path) -> tuple[list[tuple[float, str]], float]:
    """Run a command with a cache of its own.

    Returns: what it said on stderr, each line with the seconds since the start, and its seconds in all.
    """
    began = time.perf_counter()
    variables = {**environment(), "REPRO_CACHE": str(cache), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "repro", *words]
    with subprocess.Popen(
        command, env=variables, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        assert child.stderr is not None
        lines = [(time.perf_counter() - began, line.strip()) for line in child.stderr]
    if child.returncode:
        raise Failure(f"repro {' '.join(words)} failed: {lines[-1][1] if lines else child.returncode}")
    return lines, time.perf_counter() - began


# What is done until the command says that one of these is made.
STAGES = {
    "tables": "start, reading records, tables",
    "figures": "figures",
    "README.md": "verdicts, README.md",
    "index.html": "index.html",
}


def stages(lines: Iterable[tuple[float, str]], total: float) -> list[tuple[str, float]]:
    """Seconds of each stage: from the last line of the one before to its own last line; what is left ends it."""
    made = [(moment, line.partition("/")[0]) for moment, line in lines]
    found, last = [], 0.0
    for name, group in groupby((entry for entry in made if entry[1] in STAGES), key=lambda entry: entry[1]):
        end = max(moment for moment, _ in group)
        found.append((STAGES[name], end - last))
        last = end
    return [*found, ("end", total - last)]
