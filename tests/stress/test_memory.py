"""Memory that runs out during one run: it says so and what to try, and the others go on."""

from pathlib import Path

import pytest
import torch

from repro.records import Store
from repro.running import worker
from repro.training import loop

from .workers import CPU, Quiet, steps

ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", ["step", "measure"])
def test_the_run_says_so_and_the_others_go_on(
    tmp_path: Path, error: BaseException, place: str, count, monkeypatch: pytest.MonkeyPatch
):
    true, calls = getattr(loop.Trainee, place), []

    def once(self, *arguments):
        calls.append(1)
        if len(calls) == 1:
            raise error
        return true(self, *arguments)

    monkeypatch.setattr(loop.Trainee, place, once)
    store, audience = Store(tmp_path / "results"), Quiet()
    assert worker.carry_out(steps(store, 2, 1, "notebook-mlp"), store, tmp_path, CPU, audience) == 1
    (told,) = audience.errors
    assert told == "out of memory with batches of 16; try --set recipe.batch=8 (another run)"
    assert [record.run.seed for record in store.all] == [1]
    assert worker.carry_out(steps(store, 2, 1, "notebook-mlp"), store, tmp_path, CPU, audience) == 0
    assert len(store.all) == 2
    count(f"memory that ran out ({type(error).__name__} in {place}), the other run done", 1)


def test_an_error_of_the_code_is_no_shortage_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(self, *_):
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(loop.Trainee, "step", broken)
    store = Store(tmp_path / "results")
    with pytest.raises(RuntimeError, match="shape mismatch"):
        worker.carry_out(steps(store, 1, 1, "notebook-mlp"), store, tmp_path, CPU, Quiet())
