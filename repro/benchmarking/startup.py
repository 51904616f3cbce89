"""Time the start-up of commands, each in a process of its own."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

import repro
from repro.benchmarking.machine import describe, load
from repro.benchmarking.rounds import interleaved, median_interval
from repro.benchmarking.tables import Sheet
from repro.errors import Failure
from repro.progress import Progress, silent
from repro.reporting.table import Column

TARGET = 0.3  # seconds, for `--help` and `list`
COMMANDS: dict[str, list[str]] = {
    "python -c pass": ["-c", "pass"],
    "repro --version": ["-m", "repro", "--version"],
    "repro --help": ["-m", "repro", "--help"],
    "repro list": ["-m", "repro", "list"],
}


def measure(repeats: int = 15, progress: Progress = silent) -> list[Sheet]:
    """Start every command as often as asked for, in turns, after once to fill the file cache."""
    busy = load()
    progress(f"{len(COMMANDS)} commands, {repeats} times each")
    for words in COMMANDS.values():
        seconds(words)
    found = interleaved([partial(seconds, words) for words in COMMANDS.values()], repeats)
    rows = []
    for command, taken in zip(COMMANDS, found, strict=True):
        low, high = median_interval(taken)
        rows.append(
            {
                "command": command,
                "seconds": median(taken),
                "low": low,
                "high": high,
                "target": TARGET if command.startswith("repro") else None,
                "rounds": taken,
            }
        )
    columns = [
        Column("command"),
        Column("seconds", "median, s", "right", ".3f"),
        Column("low", "from", "right", ".3f"),
        Column("high", "to", "right", ".3f"),
        Column("target", "target, s", "right", ".1f"),
    ]
    notes = [
        f"{repeats} starts of each, in turns; from, to: the 95 % interval of the median, by the order of the values.",
        f"{busy}.",
    ]
    return [Sheet("startup", "Until the command line has answered", columns, rows, describe(), notes)]


def seconds(words: list[str]) -> float:
    """Seconds from the start of a Python process to its end."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *words], env=environment(), capture_output=True, text=True)
    taken = time.perf_counter() - began
    if done.returncode:
        raise Failure(f"python {' '.join(words)} failed: {done.stderr.strip().splitlines()[-1]}")
    return taken


def environment() -> dict[str, str]:
    """The variables of this process, and this very package first on the path, compiled once as users have it."""
    here = str(Path(repro.__file__).resolve().parents[1])
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**given, "PYTHONPATH": os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))}
