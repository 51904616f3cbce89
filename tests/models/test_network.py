"""The torch modules of single layers."""

import pytest
import torch
from torch.nn import functional

from repro.models.layers import Conv
from repro.models.network import PointwiseConv, module


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_a_pointwise_convolution_is_a_convolution(memory_format):
    layer = module(Conv("squeeze1x1", 24, 10))
    assert isinstance(layer, PointwiseConv)
    x = torch.randn(3, 24, 5, 7).to(memory_format=memory_format).requires_grad_()
    ours, theirs = layer(x), functional.conv2d(x, layer.weight, layer.bias)
    torch.testing.assert_close(ours, theirs)
    given = (x, *layer.parameters())
    gradients = (torch.autograd.grad(y.sin().sum(), given) for y in (ours, theirs))
    torch.testing.assert_close(*gradients)
    assert not isinstance(module(Conv("padded", 24, 10, padding=1)), PointwiseConv)
