"""Why networks as deep as VGG19 start slowly at 32 pixels (docs/findings.md): zeros around small maps drown images."""

import torch

from repro import models


def signal(**options) -> float:
    """How much an untrained VGG19's last maps differ from one image to another: mean deviation over 8 noise images."""
    torch.manual_seed(0)
    network = models.build("vgg19", **options).eval()
    with torch.inference_mode():
        return float(network.features(torch.randn(8, 3, 32, 32)).std(0).mean())


def test_padding_damps_the_signal():
    """A 3x3 kernel on a map of 2x2 sees five zeros in nine; 1x1 kernels see none, unless they are padded too."""
    full, one = signal(), signal(kernel=1)
    last, padded = signal(kernel=1, keep_last=1), signal(kernel=1, notebook_padding=True)
    assert 3 < one / full < 6
    assert 0.7 < last / one < 2
    assert 10 < full / padded < 40
