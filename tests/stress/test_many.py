"""Many runs and many records: nothing grows that should not."""

import gc
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from repro.judging.evidence import shown
from repro.planning import experiments
from repro.records import Store
from repro.running import worker

from ..records.examples import HISTORY, RUN, record
from .workers import CPU, Quiet, steps


def held() -> tuple[int, int]:
    """Bytes of memory and open files of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize(), len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_many_runs_in_one_process(tmp_path: Path, often, count, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    store, audience = Store(tmp_path / "results"), Quiet()

    def run(seeds: int) -> tuple[int, int]:
        """What is held once the first so many are done."""
        assert worker.carry_out(steps(store, seeds, 1, "notebook-mlp"), store, tmp_path, CPU, audience) == 0
        return held()

    few, many = often(4, 50), often(12, 500)
    (memory, files), (later, still) = run(few), run(many)
    assert len(audience.done) == many
    assert still == files
    assert later - memory < 2**25
    count("small runs in one process, its memory and open files flat", many)


def fill(folder: Path, first: int, last: int) -> None:
    """Records of runs that differ in their seed."""
    store = Store(folder)
    for seed in range(first, last):
        store.save(record(msgspec.structs.replace(RUN, seed=seed)), HISTORY)


def processor_seconds(*arguments: str) -> float:
    """Of a process that runs `repro`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "repro", *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@pytest.mark.usefixtures("full")
def test_many_records(tmp_path: Path, count, monkeypatch: pytest.MonkeyPatch):
    """`list` takes under a second; to gather what a report shows takes four times as long for four times as many."""
    results = tmp_path / "results"
    monkeypatch.setattr("os.fsync", lambda *_: None)  # 40,000 of them would take minutes
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))

    def gather() -> float:
        store, began = Store(results), time.process_time()
        assert [shown(experiment, store, tmp_path) for experiment in experiments.everything()]
        assert len(store.all) in (5_000, 20_000)
        assert not store.problems
        return time.process_time() - began

    fill(results, 0, 5_000)
    few = gather()
    fill(results, 5_000, 20_000)
    assert gather() < 6 * few
    assert processor_seconds("list", "--results-dir", str(results)) < 1
    count("records in a folder: list in under a second, a report's time linear", 20_000)
