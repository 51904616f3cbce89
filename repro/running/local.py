"""Carry out a plan in several processes of this machine: one a run, on its share of the cores or its own GPU."""

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from repro.config.specification import Run
from repro.planning.plan import Step, chain
from repro.processes import end_with_parent, runs_at_once
from repro.records import Epoch, Record, Store
from repro.records.store import run_key
from repro.running import worker
from repro.running.worker import PATIENCE, Listener, Outcome
from repro.training.loop import Watch

LOSSES = 3  # a run whose process was killed this often, by the system's memory watchdog say, has failed


@dataclass
class Job:
    """A run that is to be done. patience: as in `worker.attempt`. losses: how many processes have died of it."""

    step: Step
    patience: float = 0.0
    losses: int = 0


@dataclass
class Worker:
    """A process at work on a job. slot: its number among those running, from 0."""

    job: Job
    slot: int
    process: BaseProcess
    watch: Watch | None = None
    outcome: Outcome | None = None


def carry_out(
    steps: list[Step],
    store: Store,
    data_dir: Path,
    device: torch.device,
    listener: Listener,
    fail_fast: bool = False,
    jobs: int | None = None,
) -> int:
    """As `worker.carry_out`, with `jobs` runs at a time; see `default_jobs`.

    A run whose process is killed is taken up again by another one, from its last checkpoint.
    """
    waiting = deque(Job(step) for step in steps if step.state != "done")
    jobs = max(1, min(jobs or default_jobs(device), len(waiting)))
    threads = max(1, torch.get_num_threads() // jobs)
    # As torchrun says it: so many processes of this machine share its cores.
    environment = dict(os.environ) | {"LOCAL_WORLD_SIZE": str(jobs)}
    # Forked from a server that has imported torch and used nothing of it: at work in a moment, and with no GPU open.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    idle = list(range(jobs))
    working: dict[Connection, Worker] = {}
    ready: set[bytes] = set()
    failures = 0
    reported = False
    try:
        while waiting or working:
            while waiting and idle:
                job, slot = next_job(waiting, [worker.job for worker in working.values()], ready), idle.pop(0)
                # The fork server has the environment of when it was started.
                arguments = (job, store.folder.parent, data_dir, device, slot, threads, environment)
                pipe, process = started(context, arguments)
                working[pipe] = Worker(job, slot, process)
            heard = wait(list(working))
            for pipe, worker in [(pipe, worker) for pipe, worker in working.items() if pipe in heard]:
                if receive(pipe, worker, listener):
                    continue
                del working[pipe]
                idle.append(worker.slot)
                job, outcome = worker.job, worker.outcome
                if outcome is None:
                    outcome = lost(worker, listener)
                    if outcome is None:
                        waiting.append(job)
                if outcome == "taken":
                    if not reported:
                        listener.waits(job.step)
                    reported, job.patience = True, PATIENCE
                    waiting.append(job)
                if outcome == "done":
                    ready |= trained_by(job)
                failures += outcome == "failed"
                if failures and fail_fast:
                    return failures
    finally:
        for worker in working.values():
            worker.process.terminate()
            worker.process.join()
    return failures


def next_job(waiting: deque[Job], working: Sequence[Job], ready: AbstractSet[bytes]) -> Job:
    """Take the first job whose process would not wait for one at work, which may train what both go on from.

    Where every one would wait, the first.

    Args:
        ready: keys of runs whose weights are known to be there.
    """
    busy = {key for job in working for key in trained_by(job)} - ready
    free = (job for job in waiting if not busy & trained_by(job))
    job = next(free, waiting[0])
    waiting.remove(job)
    return job


def trained_by(job: Job) -> set[bytes]:
    """Keys of the runs that a job may train: its own, and those before it whose weights may be missing."""
    return {run_key(run) for run in chain(job.step.run)}


def started(context: ForkServerContext, arguments: tuple) -> tuple[Connection, BaseProcess]:
    """A process that does `work` with these arguments, and the pipe that it reports through."""
    pipe, far = context.Pipe(duplex=False)
    # No daemon: those may not have processes of their own, which decode photographs.
    process = context.Process(target=work, args=(far, *arguments))
    process.start()
    far.close()  # so that the end of the process ends the pipe
    return pipe, process


def default_jobs(device: torch.device) -> int:
    """The number of runs at a time: one a core, or one a GPU, and no more than there is memory for."""
    if device.type != "cpu":
        return torch.cuda.device_count() if device.type == "cuda" else 1
    return min(torch.get_num_threads(), runs_at_once())


def receive(pipe: Connection, worker: Worker, listener: Listener) -> bool:
    """Pass on one message of a worker; False when there is none because it has ended."""
    step = worker.job.step
    try:
        what, *content = pipe.recv()
    except (EOFError, ConnectionError):
        worker.process.join()
        return False
    match what:
        case "begins":
            listener.begins(step)
        case "restores":
            worker.watch = listener.restores(step, *content)
        case "watches":
            worker.watch = listener.watch(step)
        case "watch" if worker.watch:
            worker.watch(*content)
        case "finished":
            listener.finished(step, *content)
        case "failed":
            listener.failed(step, *content)
        case "outcome":
            (worker.outcome,) = content
    return True


def lost(worker: Worker, listener: Listener) -> Outcome | None:
    """A process has ended without a word: `failed` when its run is given up, None when it is to be tried again."""
    worker.job.losses += 1
    code = worker.process.exitcode or 0
    if code < 0 and worker.job.losses < LOSSES:
        return None
    times = f"killed by {signal.Signals(-code).name} {LOSSES} times; is memory short?"
    listener.failed(worker.job.step, f"its process {f'was {times}' if code < 0 else 'ended in an error, shown above'}")
    return "failed"


def work(
    pipe: Connection,
    job: Job,
    results: Path,
    data_dir: Path,
    device: torch.device,
    slot: int,
    threads: int,
    environment: dict[str, str],
) -> None:
    """Carry out one run, in a process of its own."""
    os.environ.update(environment)
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its processes
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.set_device(slot % torch.cuda.device_count())
    images, relay = worker.Images(data_dir), Relay(pipe)
    # Where the parent is gone the pipe is broken, and the process about to end; the same command goes on with the run.
    with contextlib.suppress(BrokenPipeError):
        pipe.send(("outcome", worker.attempt(job.step, Store(results), images, device, relay, job.patience)))


class Relay:
    """A listener that sends every event to the parent process."""

    def __init__(self, pipe: Connection):
        self.pipe = pipe

    def begins(self, step: Step) -> None:
        self.pipe.send(("begins",))

    def restores(self, step: Step, prior: Run) -> Watch:
        self.pipe.send(("restores", prior))
        return self.send_state

    def watch(self, step: Step) -> Watch:
        self.pipe.send(("watches",))
        return self.send_state

    def send_state(self, *state: Any) -> None:
        """Send how far the watched run is."""
        self.pipe.send(("watch", *state))

    def finished(self, step: Step, record: Record, history: list[Epoch]) -> None:
        self.pipe.send(("finished", record, history))

    def failed(self, step: Step, reason: str) -> None:
        self.pipe.send(("failed", reason))

    def waits(self, step: Step) -> None:
        """The parent knows by the outcome."""
