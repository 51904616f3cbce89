"""Carry out a plan on a Ray cluster: one task a run. Ray finds the machine, and another when that one is lost.

Every machine has this package installed, and reads images and keeps checkpoints in its own folders ($REPRO_DATA, else
the same path as here; $REPRO_CACHE, set where `ray start` is called). Where $REPRO_CACHE is shared, a run whose machine
was lost goes on from its last checkpoint; where it is not, it starts again. Records and weights are sent back.
"""

import logging
import os
import socket
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import torch

import repro
from repro.config.specification import NUMERICS, Run
from repro.errors import BadInput, to_install
from repro.planning.plan import Step, weights_file
from repro.records import Epoch, Record, Store
from repro.running import worker
from repro.running.worker import Listener
from repro.storage import write_atomic
from repro.training import devices
from repro.training.loop import Watch

CORES = 2  # of a run on a CPU: what the laptop budget's times are stated for
LOSSES = 5  # so often a run is tried again whose machine or process was lost

CODE = f"repro {repro.__version__}, numerics {NUMERICS}"


class Result(NamedTuple):
    """What a run sends back: record, history and weights; where it failed, only the reason."""

    record: Record | None
    history: list[Epoch]
    weights: bytes
    reason: str


def carry_out(
    steps: list[Step],
    store: Store,
    data_dir: Path,
    device: str,
    listener: Listener,
    fail_fast: bool = False,
    address: str | None = None,
) -> int:
    """As `worker.carry_out`, on the cluster at `address`; without one, on that of $RAY_ADDRESS or one started here.

    device: `auto` = CUDA if the cluster has GPUs.

    Raises:
        BadInput: Ray is not installed, the cluster is not there or has no such device.
    """
    ray = connected(address)
    from ray.exceptions import RayError

    try:
        kind, resources = share(ray, device)
        measured = [
            step for step in steps if step.state == "to measure"
        ]  # needs weights that are here, and no training
        failures = worker.carry_out(measured, store, data_dir, devices.choose("auto")[0], listener, fail_fast)
        task = ray.remote(max_retries=LOSSES, max_calls=1, **resources)(on_machine)
        waiting = {
            task.remote(CODE, step, str(data_dir.absolute()), kind): step
            for step in steps
            if step.state not in ("done", "to measure")
        }
        while waiting and not (failures and fail_fast):
            (ready,), _ = ray.wait(list(waiting))
            step = waiting.pop(ready)
            listener.begins(step)
            try:
                result = ray.get(ready)
            except RayError as error:
                result = Result(None, [], b"", last_line(error))
            if result.record is None:
                failures += 1
                listener.failed(step, result.reason)
            else:
                keep(result, result.record, store)
                listener.finished(step, result.record, result.history)
        return failures
    finally:
        ray.shutdown()


def connected(address: str | None) -> Any:
    """Ray, connected to the cluster."""
    try:
        import ray
    except ImportError:
        raise BadInput(f"--launcher ray needs Ray: {to_install('ray')}") from None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = address or os.environ.get("RAY_ADDRESS")
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    try:
        if host and port.isdigit():
            # Ray itself would wait for minutes for a cluster that is not there.
            socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(f"no Ray cluster at {address}: {last_line(error)}") from error
    return ray


def share(ray: Any, device: str) -> tuple[str, dict[str, float]]:
    """The kind of device of every run, and what a run asks of a machine."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = max(machine.get("GPU", 0) for machine in machines)
    kind = ("cuda" if gpus else "cpu") if device == "auto" else device
    if kind == "mps" or (kind == "cuda" and not gpus):
        raise BadInput(f"--device {device}: the cluster has none; choose from {'cuda, ' if gpus else ''}cpu")
    cores = min(CORES, max(machine.get("CPU", 0) for machine in machines))
    return kind, {"num_cpus": 1 if kind == "cuda" else cores, "num_gpus": 1 if kind == "cuda" else 0}


def keep(result: Result, record: Record, store: Store) -> None:
    """Write what was sent back where a run of this machine would have left it."""
    weights = weights_file(record.identity)
    if result.weights and not weights.is_file():
        write_atomic(weights, result.weights)
    store.save(record, result.history)


def on_machine(code: str, step: Step, data_dir: str, device: str) -> Result:
    """One run, on some machine of the cluster.

    Args:
        code: whose plan this is; another version of this package would not do the same run.
    """
    if code != CODE:
        return Result(None, [], b"", f"a machine of the cluster has {CODE}, the plan is of {code}")
    chosen, _ = devices.choose(device)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    collector = Collector()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(os.environ.get("REPRO_DATA", data_dir))
        worker.carry_out([step], Store(Path(folder)), root, chosen, collector)
    return collector.result


class Collector:
    """A listener that keeps the result of a run, to be sent back."""

    def __init__(self) -> None:
        self.result = Result(None, [], b"", "the task returned no result")

    def begins(self, step: Step) -> None: ...

    def restores(self, step: Step, prior: Run) -> Watch:
        return lambda *_: None

    def watch(self, step: Step) -> Watch:
        return lambda *_: None

    def finished(self, step: Step, record: Record, history: list[Epoch]) -> None:
        weights = weights_file(record.identity)
        self.result = Result(record, history, weights.read_bytes() if weights.is_file() else b"", "")

    def failed(self, step: Step, reason: str) -> None:
        self.result = Result(None, [], b"", reason)

    def waits(self, step: Step) -> None: ...


def last_line(error: BaseException) -> str:
    """The last line of an error: Ray's repeat a whole traceback before."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__
