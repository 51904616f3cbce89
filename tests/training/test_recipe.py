"""Learning-rate schedules against their definitions; optimisers."""

from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from repro.config.specification import Recipe
from repro.training import devices
from repro.training.recipe import learning_rate, optimizer, set_learning_rate


def rates(recipe: Recipe, steps_per_epoch: int = 10) -> list[float]:
    steps = recipe.epochs * steps_per_epoch
    return [learning_rate(recipe, step, steps, steps_per_epoch) for step in range(steps)]


def test_step_divides_at_the_milestones():
    found = rates(Recipe(learning_rate=1.0, schedule="step", milestones=(2, 3), gamma=0.1, epochs=4))
    assert found[19] == 1.0
    assert found[20] == pytest.approx(0.1)
    assert found[30] == pytest.approx(0.01)


def test_linear_falls_to_zero_in_equal_steps():
    found = rates(Recipe(learning_rate=0.04, schedule="linear", epochs=2))
    assert found[0] == 0.04
    assert found[10] == pytest.approx(0.02)
    assert found[-1] == pytest.approx(0.04 / 20)


@given(st.integers(1, 40), st.floats(0, 0.99), st.integers(1, 50))
def test_one_cycle_rises_to_its_peak_once_and_falls(epochs: int, warmup: float, steps_per_epoch: int):
    found = rates(Recipe(learning_rate=0.5, schedule="one-cycle", warmup=warmup, epochs=epochs), steps_per_epoch)
    top = found.index(max(found))
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)
    assert min(found) > 0
    assert max(found) <= 0.5


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_the_rate_that_is_set_is_the_rate_that_is_used(kind: Literal["sgd", "adam"]):
    weight = torch.nn.Parameter(torch.ones(3))
    chosen = optimizer(Recipe(optimizer=kind, learning_rate=1.0, momentum=0.0), [weight], torch.device("cpu"))
    set_learning_rate(chosen, 0.25)
    weight.grad = torch.ones(3)
    chosen.step()
    # The first step of Adam is the learning rate itself, whatever the gradient.
    assert torch.allclose(weight, torch.full((3,), 0.75), atol=1e-6)


def test_a_processor_without_bfloat16_is_known(monkeypatch: pytest.MonkeyPatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(devices.platform, "machine", lambda: "x86_64")
    for amx, avx, found in ((False, False, False), (True, False, True), (False, True, True)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx=avx: avx)
        assert devices.has_bfloat16(cpu) is found
    monkeypatch.setattr(devices.platform, "machine", lambda: "aarch64")
    assert devices.has_bfloat16(cpu)
    assert devices.has_bfloat16(torch.device("cuda"))
