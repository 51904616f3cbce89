"""The file of an unfinished run: what is written comes back, and a write that fails leaves the file of before."""

import errno
import functools
import os
from pathlib import Path
from typing import BinaryIO, cast

import pytest
import torch
from torch import nn

from repro.errors import Failure
from repro.records import Epoch
from repro.training import checkpoint
from repro.training.checkpoint import Checkpoint

CPU = torch.device("cpu")
EPOCH = Epoch(1, 1e-3, 2.0, 0.3, 1.9, 0.35, 0.1, 1.5)


def trained(width: int, seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A layer and its optimiser after one step."""
    torch.manual_seed(seed)
    layer = nn.Linear(width, width)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.randn(4, width)).square().sum().backward()
    optimizer.step()
    return layer, optimizer


class Small:
    """A disk with room for so many bytes, in front of a file."""

    def __init__(self, file: BinaryIO, room: int):
        self.file, self.room = file, room

    def write(self, data: memoryview) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.file.write(data)


def test_what_is_written_comes_back(tmp_path: Path):
    layer, optimizer = trained(8, 0)
    Checkpoint(tmp_path / "a.pt").save(layer, optimizer, [EPOCH])
    other, its_optimizer = trained(8, 1)
    assert Checkpoint(tmp_path / "a.pt").load(other, its_optimizer, CPU) == [EPOCH]
    assert all(torch.equal(a, b) for a, b in zip(layer.parameters(), other.parameters(), strict=True))
    averages = [optimizer.state[p]["exp_avg_sq"] for p in layer.parameters()]
    assert all(
        torch.equal(a, its_optimizer.state[p]["exp_avg_sq"]) for a, p in zip(averages, other.parameters(), strict=True)
    )


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.SGD])
def test_an_optimiser_keeps_its_own_settings(tmp_path: Path, kind: type[torch.optim.Optimizer]):
    """On CUDA the learning rate is a tensor, elsewhere a number: a run may go on where it did not begin."""
    settings = {"fused": True} | ({"momentum": 0.9} if kind is torch.optim.SGD else {})
    number, tensor = {"lr": 0.1, **settings}, {"lr": torch.tensor(0.2), **settings}
    for index, (there, here) in enumerate([(number, tensor), (tensor, number)]):
        torch.manual_seed(0)
        layer, other = nn.Linear(8, 8), nn.Linear(8, 8)
        optimizer, its_optimizer = kind(layer.parameters(), **there), kind(other.parameters(), **here)
        layer(torch.randn(4, 8)).square().sum().backward()
        optimizer.step()
        Checkpoint(tmp_path / f"{index}.pt").save(layer, optimizer, [EPOCH])
        assert Checkpoint(tmp_path / f"{index}.pt").load(other, its_optimizer, CPU) == [EPOCH]
        (group,) = its_optimizer.param_groups
        assert isinstance(group["lr"], torch.Tensor) == isinstance(here["lr"], torch.Tensor)
        assert float(group["lr"]) == pytest.approx(float(here["lr"]))
        for mine, theirs in zip(other.parameters(), layer.parameters(), strict=True):
            found, expected = its_optimizer.state[mine], optimizer.state[theirs]
            assert found.keys() == expected.keys()
            assert all(torch.equal(torch.as_tensor(found[name]), torch.as_tensor(expected[name])) for name in found)


def test_a_disk_that_fills_up_at_any_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """torch turns some failed writes into errors of its own; the user is told of the disk, and the old file stays."""
    path = tmp_path / "a.pt"
    layer, optimizer = trained(8, 0)
    Checkpoint(path).save(layer, optimizer, [EPOCH])
    before = path.read_bytes()

    def sealed(file: BinaryIO, room: int) -> checkpoint.Sealed:
        return true(cast(BinaryIO, Small(file, room)))

    true = checkpoint.Sealed
    for room in range(0, len(before) - checkpoint.SEAL, 97):
        monkeypatch.setattr(checkpoint, "Sealed", functools.partial(sealed, room=room))
        with pytest.raises(Failure, match=r"a\.pt: No space left"):
            Checkpoint(path).save(layer, optimizer, [EPOCH, EPOCH])
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_a_checkpoint_is_nowhere_whole_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """AlexNet's is 650 MiB: torch hands its tensors over one by one, as views."""
    layer, optimizer = trained(512, 0)
    seen = []
    true = checkpoint.Sealed.write

    def write(sealed: checkpoint.Sealed, data: memoryview) -> int:
        assert isinstance(data, memoryview)
        seen.append(data.nbytes)
        return true(sealed, data)

    monkeypatch.setattr(checkpoint.Sealed, "write", write)
    Checkpoint(tmp_path / "a.pt").save(layer, optimizer, [EPOCH])
    assert max(seen) == 512 * 512 * 4
    assert sum(seen) + checkpoint.SEAL == (tmp_path / "a.pt").stat().st_size
