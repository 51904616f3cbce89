"""A disk that is full or read-only at every single write: a clear error, and what was there before is there after."""

import errno
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repro.errors import Failure
from repro.records import Store
from repro.reporting import report
from repro.running import worker

from .workers import CPU, Quiet, outcome, partial, steps

# Where a write can fail, and how: the folder is read-only, the disk is full, the quota is used up.
WAYS = [("tempfile.mkstemp", errno.EROFS), ("os.fsync", errno.ENOSPC), ("os.replace", errno.EDQUOT)]


class Fault:
    """Lets the n-th call of a function that writes fail; n = 0 lets none fail and counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, function: str, code: int, n: int):
        module, name = function.split(".")
        true = getattr(importlib.import_module(module), name)
        self.calls = 0

        def call(*arguments, **settings):
            self.calls += 1
            if self.calls == n:
                raise OSError(code, os.strerror(code))
            return true(*arguments, **settings)

        monkeypatch.setattr(function, call)


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file of a folder."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_every_write_of_a_run(tmp_path: Path, often, count, monkeypatch: pytest.MonkeyPatch):
    """One run is done; during the next one a write fails; then the same command ends as if nothing had happened."""

    def run(name: str, seeds: int) -> Quiet:
        monkeypatch.setenv("REPRO_CACHE", str(tmp_path / name / "cache"))
        store, audience = Store(tmp_path / name / "results"), Quiet()
        worker.carry_out(steps(store, seeds, 2, "notebook-mlp"), store, tmp_path, CPU, audience)
        return audience

    monkeypatch.setattr("repro.training.checkpoint.SHARE", 1e9)  # a checkpoint after every epoch
    run("whole", 1)
    with monkeypatch.context() as patch:
        counted = Fault(patch, WAYS[0][0], 0, 0)
        run("whole", 2)
    expected = outcome(tmp_path / "whole" / "results", tmp_path / "whole" / "cache")
    assert counted.calls >= 5  # checkpoints, weights, history, record
    ways = WAYS if often(1, 3) == 3 else WAYS[1:2]
    failed = 0
    for function, code in ways:
        for n in range(1, counted.calls + 1):
            name = f"{function}-{n}"
            run(name, 1)
            earlier = contents(tmp_path / name / "results")
            with monkeypatch.context() as patch:
                Fault(patch, function, code, n)
                audience = run(name, 2)
            (error,) = audience.errors
            assert error.startswith(f"cannot write {tmp_path / name}")
            assert error.endswith(os.strerror(code))
            failed += 1
            assert contents(tmp_path / name / "results").items() >= earlier.items()
            assert not partial(tmp_path / name)
            assert not run(name, 2).errors
            assert outcome(tmp_path / name / "results", tmp_path / name / "cache") == expected
    count("writes of a run (checkpoint, weights, history, record) that failed: full, read-only, quota", failed)


def test_every_write_of_a_report(tmp_path: Path, often, count, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        counted = Fault(patch, "os.replace", 0, 0)
        report.render(tmp_path, tmp_path, only=["strategies"])
    new = contents(tmp_path)
    failures = min(counted.calls, often(2, 1000))
    assert failures >= 2
    for n in range(1, failures + 1):
        for path in new:
            path.write_text("old")
        function, code = WAYS[n % 3]
        with monkeypatch.context() as patch:
            Fault(patch, function, code, n)
            with pytest.raises(Failure, match=os.strerror(code)):
                report.render(tmp_path, tmp_path, only=["strategies"])
        assert all(content in (b"old", new[path]) for path, content in contents(tmp_path).items())
    count("writes of a report (tables, figures, page) that failed", failures)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("full")
def test_a_limit_that_the_system_itself_enforces(tmp_path: Path, count):
    """No file may grow beyond 64 KiB: the checkpoint cannot be written, and the command says so."""
    environment = os.environ | {"REPRO_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = f"ulimit -f 64; exec {sys.executable} -m repro train mini-squeezenet --budget smoke --device cpu"
    command += " --seeds 1 --set data.train_images=64 --set data.pixels=16 --set recipe.epochs=1"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"cannot write {tmp_path / 'cache' / 'checkpoints'}" in done.stderr
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("record.json"))
    assert not partial(tmp_path)
    count("checkpoint that the operating system's own limit on file size stopped", 1)
