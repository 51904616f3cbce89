"""Why networks start slowly at 32 pixels, or never (docs/findings.md).

Zeros around small maps drown images (VGG19), and so does batch norm over small maps, which tells them by their
companions (SqueezeNext). Bypasses swell what the last layer sees.
"""

import math

import torch
from torch.nn import functional as F

from repro import models


def signal(**options) -> float:
    """How much an untrained VGG19's last maps differ from one image to another: mean deviation over 8 noise images."""
    torch.manual_seed(0)
    network = models.build("vgg19", **options).eval()
    with torch.inference_mode():
        return float(network.get_submodule("features")(torch.randn(8, 3, 32, 32)).std(0).mean())


def test_padding_damps_the_signal():
    """A 3x3 kernel on a map of 2x2 sees five zeros in nine; 1x1 kernels see none, unless they are padded too."""
    full, one = signal(), signal(kernel=1)
    last, padded = signal(kernel=1, keep_last=1), signal(kernel=1, notebook_padding=True)
    assert 3 < one / full < 6
    assert 0.7 < last / one < 2
    assert 10 < full / padded < 40


def own_share(name: str, **options) -> float:
    """How much an untrained network's outputs for 8 images differ by the image, over how much by their batch of 32."""
    torch.manual_seed(0)
    network = models.build(name, classes=10, **options).train()
    for dropout in (module for module in network.modules() if isinstance(module, torch.nn.Dropout)):
        dropout.p = 0.0
    images = F.interpolate(torch.randn(8 + 8 * 24, 3, 8, 8), (32, 32), mode="bilinear")
    with torch.inference_mode():
        found = torch.stack([network(torch.cat([images[:8], others]))[:8] for others in images[8:].split(24)])
    by_batch = found.var(0).mean()
    return float((found.mean(0).var(0).mean() - by_batch / len(found)) / by_batch)


def test_batch_norm_over_single_pixels_drowns_the_signal():
    """The last maps of SqueezeNext are 1x1 at 32 pixels, those of networks with fire modules 2x2 and 3x3."""
    following = own_share("squeezenext", stem="cifar")
    assert 0 < following < 0.7
    assert following < own_share("squeezenet", stem="cifar", batch_norm=["conv1", "squeeze", "expand", "conv10"]) / 2
    assert following < own_share("preact-squeezenet") / 5


def features_of_conv10(name: str = "preact-squeezenet", **options) -> float:
    """Mean squared length of what an untrained network's conv10 sees, averaged over places."""
    torch.manual_seed(0)
    network = models.build(name, classes=10, **options).train()
    conv10 = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    seen = []
    conv10.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].mean((2, 3)).square().sum(1).mean()))
    with torch.inference_mode():
        network(torch.randn(32, 3, 32, 32))
    return float(seen[0])


def test_bypasses_swell_what_conv10_sees():
    """Each adds what came before to what a module makes of it. Adam's first steps move conv10's outputs in proportion
    to the length of its inputs: ten times as far with simple bypass, a hundred times with complex ones.
    """
    plain = features_of_conv10("squeezenet", stem="cifar")
    simple, complex = (features_of_conv10("squeezenet", stem="cifar", bypass=kind) for kind in ("simple", "complex"))
    assert 5 < math.sqrt(simple / plain) < 50
    assert 50 < math.sqrt(complex / plain) < 500


def test_without_batch_norm_before_it_conv10_takes_large_steps():
    """A step changes its outputs by the rate times this: at 0.1 the usual order leaps, the published creeps."""
    assert features_of_conv10(unit="conv-bn-relu") > 5 * features_of_conv10()
