"""The networks of LeCun et al. 1998, sections II and III: dense ones, LeNet-1 and LeNet-5."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Table I: the maps of S2 that each of the 16 maps of C3 sees.
TABLE = (
    "012", "123", "234", "345", "045", "015", "0123", "1234", "2345", "0345", "0145", "0125", "0134", "1245", "0235",
    "012345",
)  # fmt: skip


def dense(classes: int, hidden: tuple = (), channels: int = 1) -> nn.Module:
    """Layers of so many hidden units, none for the linear classifier."""
    sizes = [channels * 28 * 28, *hidden]
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), Squash())]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(sizes[-1], classes))


def lenet1(classes: int, channels: int = 1) -> nn.Module:
    """4 and 12 maps, on 28 pixels."""
    return nn.Sequential(
        nn.Conv2d(channels, 4, 5), Squash(), Subsample(4), Squash(),
        nn.Conv2d(4, 12, 5), Squash(), Subsample(12), Squash(), nn.Flatten(), nn.Linear(12 * 4 * 4, classes),
    )  # fmt: skip


def lenet5(classes: int, channels: int = 1) -> nn.Module:
    """Section II.B: 60,000 trainable parameters, on digits of 28 pixels in a field of 32."""
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=2), Squash(), Subsample(6), Squash(),
        PartlyConnected(), Squash(), Subsample(16), Squash(), nn.Conv2d(16, 120, 5), Squash(),
        nn.Flatten(), nn.Linear(120, 84), Squash(), Codes(84, classes),
    )  # fmt: skip


class Squash(nn.Module):
    """The paper's scaled hyperbolic tangent, Appendix A."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(2 / 3 * x)


class Subsample(nn.Module):
    """The sum over 2x2 places, times a trainable coefficient of the map, plus a trainable bias."""

    def __init__(self, maps: int):
        super().__init__()
        self.scale, self.bias = nn.Parameter(torch.ones(maps, 1, 1)), nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2) * self.scale + self.bias


class PartlyConnected(nn.Module):
    """C3: each map is a convolution of some of the maps before it."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(len(maps), 1, 5) for maps in TABLE)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x[:, [*map(int, maps)]]) for part, maps in zip(self.parts, TABLE, strict=True)], 1)


class Codes(nn.Module):
    """Less the distance to a fixed code of +1 and -1 for each class; the paper's codes are drawn characters."""

    def __init__(self, inputs: int, classes: int):
        super().__init__()
        codes = torch.randint(0, 2, (classes, inputs), generator=torch.Generator().manual_seed(0)) * 2.0 - 1
        self.register_buffer("codes", codes)

    def forward(self, x: Tensor) -> Tensor:
        return -(x.float().unsqueeze(1) - self.codes).square().mean(2) * 8
