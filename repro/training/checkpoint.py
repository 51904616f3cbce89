"""The state of an unfinished run on disk, so that a killed run goes on where it was."""

import copy
import hashlib
import io
import time
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec
import torch

from repro.records import Epoch
from repro.storage import writing
from repro.training import parallel

# A checkpoint is put off while writing them would take more than this share of the time: AlexNet's takes as long to
# write as a short epoch to train. At most ten times one write is lost by a kill.
SHARE = 0.1
# Bytes of the hash that ends the file.
SEAL = hashlib.sha256().digest_size


class Sealed:
    """Takes what torch writes to a file, and hashes it on the way: a checkpoint is nowhere whole in memory."""

    def __init__(self, file: BinaryIO):
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: memoryview) -> int:
        """Called by torch, a tensor's bytes at a time."""
        self.digest.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        """Called by torch at its end; the file is flushed when it is whole."""


class Checkpoint:
    """One file, replaced atomically after an epoch.

    It holds weights, buffers, optimiser state and the history. It needs no random state: the seeds of an epoch's order,
    augmentation and dropout follow from the run's seed and the epoch's number.
    """

    def __init__(self, path: Path):
        self.path = path
        self.cost = 0.0
        self.written = 0.0

    def save(self, network: torch.nn.Module, optimizer: torch.optim.Optimizer, history: list[Epoch]) -> None:
        """Write the state, unless the last write was so recent that writing would slow the run down."""
        if not parallel.leader():
            return
        began = time.monotonic()
        if began - self.written < self.cost / SHARE:
            return
        state = {
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "history": [msgspec.structs.asdict(epoch) for epoch in history],
        }
        with writing(self.path) as file:
            sealed = Sealed(file)
            try:
                torch.save(state, cast(BinaryIO, sealed))
            except RuntimeError as error:
                # torch says of a failed write only where in the file it was.
                raise (error.__context__ if isinstance(error.__context__, OSError) else error) from None
            file.write(sealed.digest.digest())
        self.written = time.monotonic()
        self.cost = self.written - began

    def load(self, network: torch.nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> list[Epoch]:
        """Bring network and optimiser to the state on disk; the history so far, empty when there is no usable file.

        The optimiser's own settings stay: how it computes, and where its learning rate is, depends on the device.
        """
        state = self.read(device)
        if state is None:
            return []
        weights = copy.deepcopy(network.state_dict())
        try:
            history = [Epoch(**epoch) for epoch in state["history"]]
            network.load_state_dict(state["network"])
            settings = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state["optimizer"]["state"], "param_groups": settings})
        except Exception:  # of another network, or not one of ours: torch and a stranger's content raise many kinds
            network.load_state_dict(weights)
            return []
        return history

    def read(self, device: torch.device) -> dict[str, Any] | None:
        """The file's content; None when it is absent or damaged: then the run starts again, which is always right.

        Processes that share a run all get the leader's, so that they go on from the same epoch.
        """
        content = parallel.broadcast(self.path.read_bytes() if parallel.leader() and self.path.is_file() else b"")
        state, digest = memoryview(content)[:-SEAL], content[-SEAL:]
        if hashlib.sha256(state).digest() != digest:  # torch itself does not notice a changed number
            return None
        try:
            return torch.load(io.BytesIO(content), map_location=device, weights_only=True)
        except Exception:  # torch raises many kinds for what is none of its files
            return None

    def remove(self) -> None:
        """The run is over; the record has taken its place."""
        self.path.unlink(missing_ok=True)
