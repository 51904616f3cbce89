"""One run on two processes, as torchrun starts them, against the same run in one process."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from repro.cli import main
from repro.errors import BadInput
from repro.records import Epoch, Record, Store
from repro.training import parallel

# Dropout is on: the two processes have to draw what one would, in training and, by the notebooks' protocol, in
# measuring, which takes two batches of 32-pixel images here.
EXPERIMENT = """
title = "Two processes"
source = "this test"
question = "Do two processes train what one trains?"
protocols = ["described", "notebook"]

[[variants]]
name = "mini"
model = "mini-squeezenet"
data = { name = "cifar10", synthetic = true, train_images = 460, holdout = 401 }
recipe = { epochs = 2, batch = 16, flip = true, crop_padding = 2 }
"""
COMMAND = [sys.executable, "-m", "repro", "run", "../two.toml", "--budget", "smoke", "--device", "cpu"]
COMMAND += ["--seeds", "1", "--results-dir", "results"]
# How far, relatively, the losses of two processes may be from those of one.
LOSSES = 1e-3


def free_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def trained(folder: Path, processes: int) -> tuple[Record, list[Epoch], list[str]]:
    """The run's record and history, and what each process printed."""
    folder.mkdir()
    shared = os.environ | {"REPRO_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    shared |= {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    shared["PYTHONPATH"] = str(Path(__file__).parents[2])
    started = [
        subprocess.Popen(
            COMMAND,
            cwd=folder,
            env=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]
    ended = [process.communicate(timeout=280) for process in started]
    assert [process.returncode for process in started] == [0] * processes, ended
    store = Store(folder / "results")
    (record,) = store.all
    return record, store.history(record), [out + err for out, err in ended]


def test_two_processes_train_what_one_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "two.toml").write_text(EXPERIMENT)
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    with pytest.raises(SystemExit):
        main(COMMAND[3:])
    store = Store(Path("results"))
    (one,), history = store.all, store.history(store.all[0])
    two, shared, (leader, follower) = trained(tmp_path / "two", 2)
    assert two.identity == one.identity
    assert two.environment["path"].endswith("2 processes")
    # The sums of a batch in two halves are rounded otherwise, by how much depends on the processor, and Adam's first
    # steps have one length whatever the gradient. Without an exchange of gradients the first losses are 0.16 % apart.
    for a, b in zip(history, shared, strict=True):
        assert b.train_loss == pytest.approx(a.train_loss, rel=LOSSES)
        assert b.test_loss == pytest.approx(a.test_loss, rel=LOSSES)
        assert b.active_logits == pytest.approx(a.active_logits, abs=0.01)
        assert b.train_accuracy == pytest.approx(a.train_accuracy, abs=1.5 / 160)
    # 401 images: one process measures 201 of them, the other 200.
    assert two.measurements["described"].total == one.measurements["described"].total
    assert sum(two.measurements["described"].total) == 401
    assert abs(two.measurements["described"].accuracy - one.measurements["described"].accuracy) < 1.5
    # Dropout is on there too. In several batches, of which every process measures all.
    mine, theirs = (record.measurements["notebook"] for record in (one, two))
    assert mine.loss
    assert theirs.loss == pytest.approx(mine.loss, rel=LOSSES)
    assert theirs.active_logits == pytest.approx(mine.active_logits, abs=0.01)
    assert "epoch 2/2" in leader
    assert follower == ""


# Two processes of which the second one cannot connect in its first attempts; the wait is short for the test.
STUMBLING = """
import sys
from datetime import timedelta
import torch
from torch import distributed
from repro.errors import Failure
from repro.training import parallel

parallel.CONNECTING, parallel.ATTEMPTS = timedelta(seconds=4), 3
failing, connect = int(sys.argv[1]), distributed.init_process_group
def stumble(*arguments, store, rank, **settings):
    global failing
    fails = rank == 1 and failing
    if not fails or sys.argv[2] == "behind":
        connect(*arguments, store=store, rank=rank, **settings)
    if fails:
        failing -= 1
        raise RuntimeError("Gloo connectFullMesh failed\\nsomewhere")
distributed.init_process_group = stumble
try:
    with parallel.group(torch.device("cpu")):
        part = torch.ones(1)
        parallel.all_reduce(part)
        print(int(part), parallel.broadcast(parallel.rank()))
except Failure as failure:
    print(failure)
"""


@pytest.mark.parametrize(("failing", "where"), [(0, ""), (1, "before"), (1, "behind"), (9, "behind")])
def test_processes_that_fail_to_connect_try_again_together(failing: int, where: str):
    """One fails before or behind its connection to the other, which sees a timeout or nothing of it."""
    shared = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    shared |= {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    command = [sys.executable, "-c", STUMBLING, str(failing), where]
    started = [
        subprocess.Popen(command, env=shared | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    said = {process.communicate(timeout=200)[0].strip() for process in started}
    if failing < 3:
        assert said == {"2 0"}
    else:
        assert len(said) == 1
        assert re.fullmatch("the 2 processes could not be connected in 3 attempts: .+", said.pop())


# The second process never comes back from its first attempt to connect.
HANGING = """
import time
from datetime import timedelta
import torch
from torch import distributed
from repro.errors import Failure
from repro.training import parallel

parallel.CONNECTING, parallel.ANSWERING = timedelta(seconds=3), timedelta(seconds=6)
connect = distributed.init_process_group
def hang(*arguments, rank, **settings):
    if rank == 1:
        time.sleep(600)
    connect(*arguments, rank=rank, **settings)
distributed.init_process_group = hang
try:
    with parallel.group(torch.device("cpu")):
        print("connected")
except Failure as failure:
    print(failure)
"""


def test_a_process_that_hangs_is_not_waited_for():
    shared = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    shared |= {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    first, second = (
        subprocess.Popen(
            [sys.executable, "-c", HANGING], env=shared | {"RANK": str(rank)}, stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    )
    try:
        said = first.communicate(timeout=200)[0].strip()
    finally:
        second.kill()
        second.communicate()
    assert said.startswith("one of the 2 processes did not answer in time: ")
    assert "\n" not in said


def test_alone_nothing_is_shared():
    whole = torch.arange(7)
    assert parallel.world_size() == 1
    assert parallel.leader()
    assert torch.equal(parallel.share(whole), whole)
    assert parallel.broadcast("x") == "x"
    network = nn.Linear(2, 2)
    assert parallel.synchronised(network, 3) is network


@pytest.mark.parametrize("processes", [2, 3, 8])
def test_shares_are_the_whole_whatever_its_length(processes: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parallel, "world_size", lambda: processes)
    for length in range(20):
        parts = []
        for rank in range(processes):
            monkeypatch.setattr(parallel, "rank", lambda rank=rank: rank)
            parts.append(parallel.share(torch.arange(length)))
        assert torch.equal(torch.cat(parts), torch.arange(length))


@pytest.mark.parametrize("shape", [(12, 5), (12, 4, 3, 3)])
def test_dropout_of_the_shares_is_that_of_the_whole_batch(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch):
    module = nn.Dropout(0.5)
    x = torch.randn(shape)
    x = x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x
    torch.manual_seed(1)
    whole = module(x)
    monkeypatch.setattr(parallel, "world_size", lambda: 3)
    parts = []
    for rank in range(3):
        monkeypatch.setattr(parallel, "rank", lambda rank=rank: rank)
        torch.manual_seed(1)
        parts.append(parallel.whole_batch_dropout(module)(parallel.share(x)))
        torch.manual_seed(1)
        with torch.no_grad():  # measuring
            assert torch.equal(parallel.whole_batch_dropout(module)(x), whole)
    assert torch.equal(torch.cat(parts), whole)


def test_what_cannot_be_shared_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parallel, "world_size", lambda: 2)
    with pytest.raises(BadInput, match="a batch of 5 cannot be shared equally by 2 processes"):
        parallel.synchronised(nn.Linear(2, 2), 5)
    with pytest.raises(BadInput, match="batch norm needs whole batches"):
        parallel.synchronised(nn.Sequential(nn.BatchNorm2d(2)), 4)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(BadInput, match="leave out --launcher ray"), parallel.group(torch.device("cpu"), "ray"):
        pass
