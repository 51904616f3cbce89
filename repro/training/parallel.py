"""One run on several processes, as `torchrun` starts them: each takes its share of every batch.

The shares of a batch together are the batch that one process would see, dropout included, and gradients are averaged
over it (DistributedDataParallel), so a step is that of one process to rounding; how far rounding grows in training
depends on the optimiser (docs/reliability.md). The first process, the leader, claims runs, writes and talks. Without
torchrun the only process is the leader and has everything for its share.
"""

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed import distributed_c10d
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn import functional as F

from repro.errors import BadInput, Failure

T = TypeVar("T")

# Processes wait this long for one another: the leader may have to wait for a run that another program is working on.
PATIENCE = timedelta(hours=12)
# On a busy machine gloo may fail to connect them: after so long, or an error of one, all try again, so many times.
CONNECTING = timedelta(minutes=2)
ATTEMPTS = 5
# One that gloo does not come back to, which has been seen, is given up after this; torchrun can then start all again.
ANSWERING = timedelta(minutes=6)
CONNECTED = "connected"


@contextlib.contextmanager
def group(device: torch.device, launcher: str | None = None) -> Iterator[None]:
    """Join the other processes of this `torchrun`, if there are any; each takes its own GPU.

    Raises:
        BadInput: they are to share each run, and `launcher` is to spread the runs.
        Failure: they cannot be connected.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    if launcher not in (None, "here"):
        raise BadInput(f"torchrun shares each run among its processes: leave out --launcher {launcher}")
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # On GPUs gloo carries what the processes agree on, nccl what they add up.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    connect(backend)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def connect(backend: str) -> None:
    """Connect the processes, which all try again where one has failed.

    Raises:
        Failure: that does not help, or one process hangs.
    """
    store, rank, size = next(rendezvous("env://", timeout=PATIENCE))
    store.set_timeout(ANSWERING)
    start, problems = common_start(store, rank, size), []
    for attempt in range(ATTEMPTS):
        own, said = PrefixStore(f"{start} attempt {attempt}", store), CONNECTED
        # Part of the keys under which processes find each other; where an attempt failed on one alone, theirs differ.
        distributed_c10d._world.group_count = 0
        try:
            distributed.init_process_group(backend, store=own, rank=rank, world_size=size, timeout=CONNECTING)
        except RuntimeError as error:
            said = first_line(error)
        try:
            own.set(str(rank), said)
            problems = [each for other in range(size) if (each := own.get(str(other)).decode()) != CONNECTED]
        except RuntimeError as error:  # a process hangs, or the one that keeps the store has ended
            raise Failure(f"one of the {size} processes did not answer in time: {first_line(error)}") from error
        if not problems:
            # Earlier versions of torch have it under another name.
            set_timeout = getattr(distributed, "set_timeout", None) or distributed_c10d._set_pg_timeout
            set_timeout(PATIENCE)
            store.set_timeout(PATIENCE)
            return
        if distributed.is_initialized():
            distributed.destroy_process_group()
    raise Failure(f"the {size} processes could not be connected in {ATTEMPTS} attempts: {problems[0]}")


def common_start(store: Store, rank: int, size: int) -> str:
    """A name for this start of all processes, the same on each.

    The store may be an older one: when torchrun starts processes again it keeps what the lost ones wrote, as where they
    could be reached. So the first process gives a new name, and the others take it once it has answered them.

    Raises:
        Failure: one of them does not answer.
    """
    own = uuid.uuid4().hex
    try:
        if rank == 0:
            store.set("start", own)
            for other in range(1, size):
                store.set(f"{own} answer {other}", store.get(f"{own} call {other}").decode())
            return own
        ends = time.monotonic() + ANSWERING.total_seconds()
        while time.monotonic() < ends:
            start = store.get("start").decode()
            store.set(f"{start} call {rank}", own)
            if store.check([f"{start} answer {rank}"]) and store.get(f"{start} answer {rank}").decode() == own:
                return start
            time.sleep(0.1)
    except RuntimeError as error:
        raise Failure(f"one of the {size} processes did not answer in time: {first_line(error)}") from error
    raise Failure(f"the first of the {size} processes did not answer in time")


def first_line(error: Exception) -> str:
    """The first line of an error, without the places in torch that it came from."""
    return str(error).partition("\n")[0] or type(error).__name__


def world_size() -> int:
    """The number of processes that share a run."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def leader() -> bool:
    """Whether this is the process that writes and talks."""
    return rank() == 0


def broadcast(value: T) -> T:
    """The leader's value, on every process."""
    if world_size() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box)
    return box[0]


def share(whole: Tensor, dim: int = 0) -> Tensor:
    """This process's part of a tensor; the parts differ by one in length where it does not divide."""
    return whole.tensor_split(world_size(), dim)[rank()]


def all_reduce(*parts: Tensor) -> None:
    """Make each tensor the sum over all processes."""
    if world_size() > 1:
        for part in parts:
            distributed.all_reduce(part)


def synchronised(network: nn.Module, batch: int) -> nn.Module:
    """The network as it is trained: its gradients are means over the whole batch.

    Raises:
        BadInput: the batch cannot be shared equally, or the network sees more of a batch than one image.
    """
    if world_size() == 1:
        return network
    if batch % world_size():
        raise BadInput(f"a batch of {batch} cannot be shared equally by {world_size()} processes")
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        # torch's SyncBatchNorm exists for GPUs alone, and a share's own statistics would make it another experiment.
        raise BadInput("batch norm needs whole batches: train this network in one process")
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.__dict__["forward"] = whole_batch_dropout(module)
    return nn.parallel.DistributedDataParallel(network, broadcast_buffers=False, gradient_as_bucket_view=True)


def whole_batch_dropout(module: nn.Dropout) -> Callable[[Tensor], Tensor]:
    """Dropout that draws for the whole batch, as one process would, and applies its own share.

    Without gradients, as a network is measured in train mode, every process has the whole batch: dropout is plain.
    """

    def forward(x: Tensor) -> Tensor:
        if not (module.training and torch.is_grad_enabled()):
            return F.dropout(x, module.p, module.training)
        whole = torch.ones_like(x, requires_grad=False).repeat(world_size(), *[1] * (x.ndim - 1))
        if x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last):
            whole = whole.contiguous(memory_format=torch.channels_last)
        return x * share(F.dropout(whole, module.p))

    return forward
