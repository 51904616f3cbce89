"""Carry out a plan in this process: run after run, resumable, beside other processes on the same results folder.

`local.py` does the same with several processes of this machine, `cluster.py` with a Ray cluster; both come back to
`attempt`. `parallel.py` is what a process does when `torchrun` has started it as one of several for each run.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal
from typing import Protocol as Interface

import msgspec
import torch
from filelock import FileLock, Timeout
from torch import nn

from repro import data
from repro.config.specification import Data, Run
from repro.data import Dataset
from repro.errors import Failure
from repro.formats import card, weights
from repro.formats.shared import Inputs
from repro.planning import plan
from repro.planning.plan import Step, checkpoint_file, weights_file
from repro.records import Epoch, Record, Store
from repro.running import retraining
from repro.storage import cache_folder, sweep
from repro.training import parallel
from repro.training.checkpoint import Checkpoint
from repro.training.devices import without_denormals
from repro.training.loop import Trainee, Watch, train

# A process that finds a run taken looks again after this many seconds, once nothing else is left to do.
PATIENCE = 2.0

# `taken`: another process is working on the run.
Outcome = Literal["done", "failed", "taken"]


class Listener(Interface):
    """Receives progress events: a terminal, a log, a test."""

    def begins(self, step: Step) -> None: ...
    def restores(self, step: Step, prior: Run) -> Watch: ...
    def watch(self, step: Step) -> Watch: ...
    def finished(self, step: Step, record: Record, history: list[Epoch]) -> None: ...
    def failed(self, step: Step, reason: str) -> None: ...
    def waits(self, step: Step) -> None: ...


class Images:
    """The data sets of a plan, each read when it is first needed and then kept."""

    def __init__(self, root: Path):
        self.root = root
        self.kept = cache(lambda spec_json: data.load(msgspec.json.decode(spec_json, type=Data), root))

    def load(self, spec: Data) -> Dataset:
        """The images themselves."""
        return self.kept(msgspec.json.encode(spec))

    def checksum(self, spec: Data) -> str:
        """Their identity, read off the files where that suffices."""
        return data.checksum(spec, self.root) or self.load(spec).checksum


def carry_out(
    steps: list[Step], store: Store, data_dir: Path, device: torch.device, listener: Listener, fail_fast: bool = False
) -> int:
    """Do what is not done, in order; the number of runs that failed.

    A run that fails is reported at once and leaves no record, so that the next call tries it again; the others go on
    unless `fail_fast`. A run that another process is working on is left to it, and its record awaited at the end.

    Raises:
        KeyboardInterrupt: Ctrl-C; every run is resumable from its last checkpoint.
    """
    images = Images(data_dir)
    failures = 0
    waiting = [step for step in steps if step.state != "done"]
    patience, reported = 0.0, False
    while waiting:
        taken = []
        for step in waiting:
            outcome = attempt(step, store, images, device, listener, patience)
            if outcome == "taken":
                taken.append(step)
            elif outcome == "failed":
                failures += 1
                if fail_fast:
                    return failures
        # Of those that were taken when their turn came most are done by now: only what is still waited for is reported.
        if taken and patience and not reported:
            listener.waits(taken[0])
            reported = True
        waiting, patience = taken, PATIENCE
    return failures


def attempt(
    step: Step, store: Store, images: Images, device: torch.device, listener: Listener, patience: float
) -> Outcome:
    """One run, unless another process has it or has finished it; what goes wrong with it is reported.

    patience: seconds to wait for a run that is taken.
    """
    try:
        identity = step.run.identity(images.checksum(step.run.data))
        with run_lock(identity, patience) as mine:
            if not parallel.broadcast(mine):
                return "taken"
            if parallel.broadcast(finished_elsewhere(step, store, identity)):
                remove_left_over(identity)
            else:
                listener.begins(step)
                with without_denormals(device):
                    do(step, identity, images.load(step.run.data), store, device, listener)
            return "done"
    except (Failure, MemoryError, RuntimeError) as error:
        # The other processes of this run wait for this one: they can only be ended, which torchrun does.
        if parallel.world_size() > 1 or not (isinstance(error, Failure) or out_of_memory(error)):
            raise
        listener.failed(step, reason(step, error))
        return "failed"


def clear(steps: Iterable[Step]) -> None:
    """Remove the checkpoints of runs that are done: left by a process killed between the record and their removal."""
    for step in steps:
        if step.state == "done" and step.identity and plan.left_over(step.identity):
            # A cache that cannot be written to is no reason for a plan that is done to fail.
            with contextlib.suppress(Failure, OSError), run_lock(step.identity, patience=0) as mine:
                if mine:
                    remove_left_over(step.identity)


def remove_left_over(identity: str) -> None:
    """Remove the checkpoint of a claimed run whose record and weights are there."""
    if parallel.leader() and plan.left_over(identity):
        Checkpoint(checkpoint_file(identity)).remove()


def do(step: Step, identity: str, dataset: Dataset, store: Store, device: torch.device, listener: Listener) -> None:
    """One run: trained from where it was left, or only measured where weights and record are there."""
    kept, checkpoint = weights_file(identity), Checkpoint(checkpoint_file(identity))
    for path in (kept, checkpoint.path, *store.files(step.run, identity)):
        sweep(path)
    record = parallel.broadcast(store.find(step.run, dataset.checksum))
    first = finished_network(kept) if record is not None and record.status != "diverged" else None
    if record is not None and first is not None:
        record, history = remeasured(step, record, first, dataset, device), store.history(record)
    else:
        begin = beginning(step.run, dataset, device, lambda prior: listener.restores(step, prior))
        # Weights that are damaged are trained again, and that is said.
        watch = listener.restores(step, step.run) if record is not None and kept.is_file() else listener.watch(step)
        record, history, network = train(step.run, dataset, step.protocols, device, checkpoint, watch, begin)
        if parallel.leader():
            save_weights(network, kept, step.run, dataset)
        if step.run.prior is not None:
            record = msgspec.structs.replace(
                record, file_bytes=retraining.file_bytes(network, step.run.model, step.run.hold)
            )
    if parallel.leader():
        store.save(record, history)
        checkpoint.remove()
        listener.finished(step, record, history)


def save_weights(network: nn.Module, path: Path, run: Run, dataset: Dataset) -> None:
    """Write a run's final weights, with what its images and classes are."""
    images, info = run.data, dataset.info
    inputs = Inputs(images.name, images.pixels, images.normalisation)
    options = run.model.options
    layers = weights.layers_of(run.model.name, options)
    channels, classes = (
        (layers.channels, layers.classes) if layers else (options.get("channels", 3), options.get("classes", 0))
    )
    about = card.of_images(info, channels, images.pixels, images.normalisation, classes)
    weights.save(network, path, run.model.name, run.model.options, inputs, about)


def beginning(
    run: Run, dataset: Dataset, device: torch.device, restores: Callable[[Run], Watch]
) -> Callable[[nn.Module], Callable[[], None]]:
    """The state that a run begins with: the weights of the run before it, held as it says; nothing for a first run.

    restores: called with a run before it that is trained again, as its weights are missing or damaged; watches that.
    """
    prior = run.prior
    if prior is None:
        return lambda network: lambda: None
    identity = prior.identity(dataset.checksum)
    kept = weights_file(identity)
    # Another process may be at work on it.
    with run_lock(identity, patience=-1):
        first = finished_network(kept)
        if first is None:
            # Its record was made elsewhere, or its weights are damaged; weights do not travel with records.
            checkpoint, begin = Checkpoint(checkpoint_file(identity)), beginning(prior, dataset, device, restores)
            _, _, first = train(prior, dataset, (), device, checkpoint, restores(prior), begin)
            if parallel.leader():
                save_weights(first, kept, prior, dataset)
                checkpoint.remove()
            parallel.broadcast(True)  # the others wait until it is written
            first = weights.load(kept, sealed=True)
    return lambda network: retraining.begin(network, first, run.model, run.hold)


def finished_network(path: Path) -> nn.Module | None:
    """The network that a finished run left here; None where there is none, or its weights do not fit their hash.

    Processes that share a run all go by what the first one finds.
    """
    network = None
    if path.is_file():
        with contextlib.suppress(Failure):
            network = weights.load(path, sealed=True)
    return network if parallel.broadcast(network is not None) else None


def remeasured(step: Step, record: Record, network: nn.Module, dataset: Dataset, device: torch.device) -> Record:
    """The record with the protocols that it lacked, measured on the kept weights."""
    trainee = Trainee(step.run, dataset, device)
    trainee.network.load_state_dict(network.state_dict())
    epochs = step.run.recipe.epochs
    measured = {protocol: trainee.measure(protocol, epochs) for protocol in record.lacks(step.protocols)}
    return msgspec.structs.replace(record, measurements=record.measurements | measured)


def finished_elsewhere(step: Step, store: Store, identity: str) -> bool:
    """Whether another process has written all this run was to leave since the plan was made."""
    path = store.place(step.run, identity) / "record.json"
    record = store.read(path) if path.is_file() else None
    return record is not None and not record.lacks(step.protocols)


@contextlib.contextmanager
def run_lock(identity: str, patience: float) -> Iterator[bool]:
    """Hold a run so that no other process of this machine works on it; False when another one does.

    The lock is the operating system's: it ends with the process, however that ends. Of several processes that share a
    run the first one holds it.
    """
    if not parallel.leader():
        yield False
        return
    place = cache_folder() / "locks" / f"{identity}.lock"
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place)
        lock.acquire(timeout=patience)
    except Timeout:
        yield False
        return
    except OSError as error:
        raise Failure(f"cannot write {place}: {error.strerror or error}") from error
    try:
        yield True
    finally:
        lock.release()


def out_of_memory(error: BaseException) -> bool:
    """Whether this is an accelerator's or the machine's memory running out; torch's CPU allocator has no own type."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def reason(step: Step, error: BaseException) -> str:
    """Why a run failed, in one line."""
    if out_of_memory(error):
        batch = step.run.recipe.batch
        return f"out of memory with batches of {batch}; try --set recipe.batch={max(1, batch // 2)} (another run)"
    return str(error)
