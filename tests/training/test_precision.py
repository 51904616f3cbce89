"""bfloat16 on processors that have no instructions for it."""

import pytest
import torch
from torch import Tensor

from repro import models
from repro.training import devices
from repro.training.precision import arithmetic

CPU = torch.device("cpu")


def step(network: torch.nn.Module, images: Tensor, precision: str) -> list[Tensor]:
    """The logits of some images, and the gradients of every weight, in float32."""
    network.zero_grad(set_to_none=True)
    with arithmetic(precision, CPU):
        logits = network(images)
    torch.nn.functional.cross_entropy(logits.float(), torch.arange(len(images)) % 10).backward()
    return [logits.detach().float(), *(p.grad for p in network.parameters() if p.grad is not None)]


@pytest.mark.parametrize(
    ("name", "options"), [("squeezenet", {}), ("squeezenet", {"batch_norm": ["squeeze"]}), ("traditional-cnn", {})]
)
def test_rounded_products_agree_with_native_bfloat16(
    name: str, options: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
):
    """Far closer to torch's own bfloat16 than that is to float32."""
    torch.manual_seed(0)
    network = models.build(name, **options).eval()
    images = torch.randn(4, 3, 32, 32)
    single = step(network, images, "float32")
    monkeypatch.setattr(devices, "has_bfloat16", lambda _: True)
    native = step(network, images, "bfloat16")
    monkeypatch.setattr(devices, "has_bfloat16", lambda _: False)
    rounded = step(network, images, "bfloat16")
    assert len(rounded) == len(native) == len(single) > 1

    def apart(a: list[Tensor], b: list[Tensor]) -> float:
        return float(torch.stack([(x - y).norm() / (y.norm() + 1e-12) for x, y in zip(a, b, strict=True)]).mean())

    assert apart(native, single) > 1e-4  # bfloat16 is another precision
    assert apart(rounded, native) < 0.5 * apart(native, single)


def test_float32_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(devices, "has_bfloat16", lambda _: False)
    linear = torch.nn.Linear(3, 2)
    with arithmetic("float32", CPU):
        assert linear(torch.ones(1, 3)).dtype == torch.float32
    with arithmetic("bfloat16", CPU):
        found = linear(torch.full((1, 3), 1.001))
    assert found.dtype == torch.bfloat16
    exact = torch.nn.functional.linear(
        torch.ones(1, 3), linear.weight.bfloat16().float(), linear.bias.bfloat16().float()
    )
    assert torch.equal(found, exact.bfloat16())  # 1.001 is 1 in bfloat16
