"""A report while records come, and a file that is compressed while its process is killed."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from repro.formats import container, weights
from repro.models import build
from repro.planning import experiments
from repro.records import Store
from repro.records.merge import merge
from repro.reporting import report

from ..formats.test_weights import NETWORK, OPTIONS
from ..reporting.conftest import write_records
from .test_full_disk import contents
from .workers import partial

NAME = "batch-norm"


def made(results: Path) -> dict[str, bytes]:
    """What a report writes."""
    return {
        str(path.relative_to(results)): content for path, content in contents(results).items() if path.suffix != ".pdf"
    }


@pytest.mark.usefixtures("full")
def test_reports_while_records_are_merged(tmp_path: Path, count, monkeypatch: pytest.MonkeyPatch):
    """None fails, and the last one is that of a folder in which all records were from the start."""
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    folders = [tmp_path / f"machine{seed}" for seed in range(3)]
    whole, results = tmp_path / "whole", tmp_path / "results"
    for number, folder in enumerate(folders):
        write_records(folder, experiments.find(NAME), "laptop", tmp_path, seeds=1 + number)
    for folder in folders:
        merge(Store(whole), Store(folder))
    report.render(whole, tmp_path, only=[NAME])
    trouble: list[object] = []

    def come() -> None:
        try:
            for folder in folders:
                found = merge(Store(results), Store(folder))
                trouble.extend([*found.conflicts, *found.refused])
        except Exception as error:
            trouble.append(error)

    coming, reports = threading.Thread(target=come), 0
    coming.start()
    while coming.is_alive() or not reports:
        report.render(results, tmp_path, only=[NAME])
        reports += 1
    coming.join()
    assert trouble == []
    report.render(results, tmp_path, only=[NAME])
    assert made(results) == made(whole)
    count("reports made while records were merged", reports)


# The n-th call of a function that writes is the last thing that the process does.
KILLED = """
import importlib, os, sys
module, name = sys.argv[1].split(".")
true, left = getattr(importlib.import_module(module), name), int(sys.argv[2])
def last(*arguments, **settings):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), 9)
    return true(*arguments, **settings)
setattr(importlib.import_module(module), name, last)
from repro.cli import main
main(sys.argv[3:])
"""


@pytest.mark.parametrize("function", ["os.fsync", "os.replace"])
def test_a_kill_while_a_compressed_file_is_written(function: str, tmp_path: Path, count):
    source, output, whole = (tmp_path / name for name in ("net.safetensors", "net.sqz", "whole.sqz"))
    torch.manual_seed(0)
    weights.save(build(NETWORK, **OPTIONS), source, NETWORK, OPTIONS)
    command = ["compress", str(source), "--density", "0.3", "--bits", "5", "-o"]
    subprocess.run([sys.executable, "-m", "repro", *command, str(whole)], check=True, capture_output=True)
    kill = [sys.executable, "-c", KILLED, function, "1"]
    assert subprocess.run([*kill, *command, str(output)], capture_output=True).returncode == -signal.SIGKILL
    assert not output.exists()
    subprocess.run([sys.executable, "-m", "repro", *command, str(output)], check=True, capture_output=True)
    assert output.read_bytes() == whole.read_bytes()
    assert container.read(output).network == NETWORK
    assert not partial(tmp_path)
    count("kills of a compression as it wrote its file", 1)
