"""Runs in processes of their own: their events reach the listener of the plan."""

import multiprocessing
import os
from collections import deque
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import torch

from repro.config.specification import Data, Hold, Model, Recipe, Run
from repro.planning.plan import Step
from repro.records import Store
from repro.running import local
from repro.running.local import Job, Relay, Worker, receive


def to_do(run: Run) -> Step:
    return Step(run=run, identity=None, cells=(), protocols=("described",), state="to do", why="no record", record=None)


PRIOR = Run(model=Model(name="mini-squeezenet"), data=Data(name="cifar10"), recipe=Recipe())


def flags(answer: Connection, *arguments: Any) -> None:
    """What a process does, and then how it computes convolutions on CUDA."""
    local.work(*arguments)
    answer.send((torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark))


def test_its_processes_compute_convolutions_in_float32(tmp_path: Path):
    run = Run(
        model=Model(name="mini-squeezenet"),
        data=Data(name="cifar10", synthetic=True, train_images=16, holdout=16),
        recipe=Recipe(batch=16, epochs=1),
    )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    context = multiprocessing.get_context("forkserver")
    (near, far), (messages, pipe) = context.Pipe(duplex=False), context.Pipe(duplex=False)
    arguments = (far, pipe, Job(to_do(run)), tmp_path / "results", tmp_path, device, 0, 1, dict(os.environ))
    process = context.Process(target=flags, args=arguments)
    process.start()
    far.close()
    assert near.recv() == (False, True)
    process.join()
    told = []
    while messages.poll():
        told.append(messages.recv()[0])
    assert told[-2:] == ["finished", "outcome"]


def test_photographs_are_decoded_by_processes_of_the_runs_own(root: Path, tmp_path: Path):
    run = Run(
        model=Model(name="squeezenet", options={"classes": 10, "stem": "cifar"}),
        data=Data(name="imagenet", pixels=32),
        recipe=Recipe(batch=4, epochs=1, steps=1),
    )
    told: list[str] = []
    listener: Any = SimpleNamespace(
        begins=lambda step: None,
        watch=lambda step: lambda *state: None,
        finished=lambda step, record, history: told.append(record.identity),
        failed=lambda step, reason: told.append(reason),
    )
    store = Store(tmp_path / "results")
    assert local.carry_out([to_do(run)], store, root, torch.device("cpu"), listener, jobs=1) == 0
    assert told == [record.identity for record in Store(tmp_path / "results").all]
    assert len(told) == 1


def test_no_process_waits_for_what_another_trains_while_there_is_other_work():
    def job(seed: int, *bits: int) -> Job:
        run = PRIOR
        for number in bits:
            run = msgspec.structs.replace(PRIOR, prior=run, hold=Hold(bits=number))
        return Job(to_do(run.with_seed(seed)))

    waiting = deque([job(0, 8), job(0, 8, 5), job(0, 3), job(1, 8), job(1, 3)])
    first = local.next_job(waiting, [], set())
    second = local.next_job(waiting, [first], set())
    assert [first, second] == [job(0, 8), job(1, 8)]
    assert local.next_job(waiting.copy(), [first, second], set()) == job(0, 8, 5)  # all would wait
    # The first has left its weights and those it went on from.
    assert local.next_job(waiting, [second], local.trained_by(first)) == job(0, 8, 5)
    assert local.next_job(waiting, [second], local.trained_by(first)) == job(0, 3)
    assert list(waiting) == [job(1, 3)]


def test_a_run_that_is_trained_again_first_is_watched_before_the_run_itself():
    near, far = Pipe()
    told: list[tuple[Any, ...]] = []
    step: Any = SimpleNamespace(run="itself")
    process: Any = None  # none is needed to hear what was said
    listener: Any = SimpleNamespace(
        restores=lambda step, prior: lambda *state: told.append((prior, *state)),
        watch=lambda step: lambda *state: told.append((step.run, *state)),
    )
    relay, worker = Relay(far), Worker(Job(step), 0, process)
    relay.restores(step, PRIOR)(0, 32, 64, 2.3, 0.1)
    relay.watch(step)(0, 64, 64, 2.0, 0.2)
    while near.poll():
        assert receive(near, worker, listener)
    assert told == [(PRIOR, 0, 32, 64, 2.3, 0.1), ("itself", 0, 64, 64, 2.0, 0.2)]
