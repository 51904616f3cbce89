"""The torch module of any architecture, and the initialisation of its weights."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.errors import BadInput

from . import layers
from .layers import Architecture, Layer


class PointwiseConv(nn.Conv2d):
    """A 1x1 convolution as the matrix product that it is. [N, inputs, H, W] -> [N, outputs, H, W].

    With channels last the pixels are the rows of one matrix: SqueezeNet's step on a CPU takes a tenth less time than
    with the general convolution, at batches of 16 and 32-pixel inputs (`repro bench`).
    """

    def forward(self, input: Tensor) -> Tensor:
        return functional.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)


class Fire(nn.Module):
    """A fire module. [N, inputs, H, W] -> [N, outputs, H, W]; channels of the 1x1 branch come first."""

    squeeze: nn.Conv2d
    expand1x1: nn.Conv2d
    expand3x3: nn.Conv2d
    # Where the layer has them.
    bypass: nn.Conv2d
    depthwise3x3: nn.Conv2d
    squeeze_norm: nn.BatchNorm2d
    expand1x1_norm: nn.BatchNorm2d
    expand3x3_norm: nn.BatchNorm2d

    def __init__(self, layer: layers.Fire):
        super().__init__()
        for name, part in layer.parts().items():
            self.add_module(name, module(part))
        self.branches = [name for name in ("expand1x1", "expand3x3") if hasattr(self, name)]
        self.shortcut = layer.bypass
        self.separable = layer.separable

    def forward(self, x: Tensor) -> Tensor:
        # ReLU in place: no convolution or batch norm needs its output for the gradient.
        squeezed = functional.relu(self._unit("squeeze", x), inplace=True)
        branches = [self._unit(name, squeezed) for name in self.branches]
        y = functional.relu(branches[0] if len(branches) == 1 else torch.cat(branches, 1), inplace=True)
        if self.shortcut == "identity":
            return y + x
        if self.shortcut == "conv":
            return y + self._unit("bypass", x)
        return y

    def _unit(self, name: str, x: Tensor) -> Tensor:
        """A convolution, the depthwise one before it and the batch norm after it, where there are such."""
        if name == "expand3x3" and self.separable:
            x = self.depthwise3x3(x)
        y = getattr(self, name)(x)
        norm = getattr(self, f"{name}_norm", None)
        return y if norm is None else norm(y)


class PreactFire(nn.Module):
    """A fire module with batch norm and ReLU before each convolution. [N, inputs, H, W] -> [N, outputs, H, W]."""

    squeeze_norm: nn.BatchNorm2d
    squeeze: nn.Conv2d
    expand1x1_norm: nn.BatchNorm2d
    expand1x1: nn.Conv2d
    expand3x3_norm: nn.BatchNorm2d
    expand3x3: nn.Conv2d

    def __init__(self, layer: layers.PreactFire):
        super().__init__()
        for name, part in layer.parts().items():
            self.add_module(name, module(part))
        self.skip = layer.skip

    def forward(self, x: Tensor) -> Tensor:
        squeezed = self._unit("squeeze", x)
        y = torch.cat([self._unit("expand1x1", squeezed), self._unit("expand3x3", squeezed)], 1)
        return y + x if self.skip else y

    def _unit(self, name: str, x: Tensor) -> Tensor:
        normed = getattr(self, f"{name}_norm")(x)
        return getattr(self, name)(functional.relu(normed, inplace=True))


class SqueezeNextBlock(nn.Module):
    """A block of SqueezeNext. [N, inputs, H, W] -> [N, outputs, H / stride, W / stride]."""

    def __init__(self, layer: layers.SqueezeNextBlock):
        super().__init__()
        parts = layer.parts()
        for name, part in parts.items():
            self.add_module(name, module(part))
        convolutions = [name for name in parts if not name.endswith("_norm")]
        self.projects = convolutions[-1] == "shortcut"
        self.path = convolutions[:-1] if self.projects else convolutions

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for name in self.path:
            y = self._unit(name, y)
        shortcut = self._unit("shortcut", x) if self.projects else x
        return functional.relu(y + shortcut, inplace=True)

    def _unit(self, name: str, x: Tensor) -> Tensor:
        return functional.relu(getattr(self, f"{name}_norm")(getattr(self, name)(x)), inplace=True)


class Network(nn.Module):
    """A network of the suite: float images [N, channels, H, W] -> logits [N, classes].

    State-dict names are torchvision's (`features.0.weight`, `features.3.squeeze.weight`, `classifier.1.bias`).
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        self.features = nn.Sequential(*map(module, architecture.features))
        self.avgpool = nn.Sequential(*map(module, architecture.avgpool))
        self.classifier = nn.Sequential(*map(module, architecture.classifier))
        self._dense = any(isinstance(layer, nn.Linear) for layer in self.classifier)
        initialise(self, architecture.initialisation)

    @property
    def head(self) -> nn.Conv2d | nn.Linear:
        """The last learnable layer, which gives the class scores (conv10, or the last dense layer)."""
        return next(m for m in reversed(self.classifier) if isinstance(m, nn.Conv2d | nn.Linear))

    def forward(self, x: Tensor) -> Tensor:
        pixels = self.architecture.pixels
        if pixels and tuple(x.shape[2:]) != (pixels, pixels):
            size = "x".join(map(str, x.shape[2:]))
            raise BadInput(f"the network takes {pixels}x{pixels} pixels, not {size}; set its option pixels")
        x = self.avgpool(self.features(x))
        if self._dense:
            x = x.flatten(1)
        return self.classifier(x).flatten(1)


def module(layer: Layer) -> nn.Module:
    """The torch module of one layer."""
    match layer:
        case layers.Depthwise():
            size = layer.kernel
            return nn.Conv2d(layer.inputs, layer.outputs, size, layer.stride, layer.padding, groups=layer.inputs)
        case layers.Strip():
            size = (layer.kernel, 1) if layer.upright else (1, layer.kernel)
            return nn.Conv2d(layer.inputs, layer.outputs, size, padding=(size[0] // 2, size[1] // 2))
        case layers.Conv():
            kind = PointwiseConv if (layer.kernel, layer.stride, layer.padding) == (1, 1, 0) else nn.Conv2d
            return kind(layer.inputs, layer.outputs, layer.kernel, layer.stride, layer.padding)
        case layers.Linear():
            return nn.Linear(layer.inputs, layer.outputs)
        case layers.BatchNorm():
            return nn.BatchNorm2d(layer.inputs, eps=layer.eps)
        case layers.ReLU():
            return nn.ReLU(inplace=True)
        case layers.Dropout():
            return nn.Dropout(layer.p)
        case layers.MaxPool():
            return nn.MaxPool2d(layer.kernel, layer.stride, layer.padding, ceil_mode=layer.ceil)
        case layers.AveragePool():
            return nn.AdaptiveAvgPool2d(layer.size)
        case layers.Fire():
            return Fire(layer)
        case layers.PreactFire():
            return PreactFire(layer)
        case layers.SqueezeNextBlock():
            return SqueezeNextBlock(layer)
    raise TypeError(f"no torch module for {layer!r}")


def initialise(network: Network, scheme: str) -> None:
    """Draws all weights anew from torch's generator; biases start at 0 (except with `torch`, torch's own default)."""
    if scheme == "torch":
        return
    draw = INITIALISATIONS[scheme]
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            draw(part, part is network.head)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def _torchvision(part: nn.Conv2d | nn.Linear, head: bool) -> None:
    """torchvision's SqueezeNet: Kaiming uniform; the head N(0, .01)."""
    if head:
        nn.init.normal_(part.weight, std=0.01)
    else:
        nn.init.kaiming_uniform_(part.weight)


def _caffe(part: nn.Conv2d | nn.Linear, head: bool) -> None:
    """The released Caffe training: "xavier", uniform with variance 1 / fan in; the head N(0, .01)."""
    if head:
        nn.init.normal_(part.weight, std=0.01)
    else:
        bound = math.sqrt(3 / part.weight[0].numel())
        nn.init.uniform_(part.weight, -bound, bound)


def _glorot(part: nn.Conv2d | nn.Linear, head: bool) -> None:
    """Keras' default: Glorot uniform."""
    nn.init.xavier_uniform_(part.weight)


def _he(part: nn.Conv2d | nn.Linear, head: bool) -> None:
    """He normal: variance 2 / fan in, everywhere."""
    nn.init.kaiming_normal_(part.weight, nonlinearity="relu")


def _vgg(part: nn.Conv2d | nn.Linear, head: bool) -> None:
    """torchvision's VGG: Kaiming normal over the fan out; dense layers N(0, .01)."""
    if isinstance(part, nn.Conv2d):
        nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
    else:
        nn.init.normal_(part.weight, std=0.01)


def _orthogonal(part: nn.Conv2d | nn.Linear, head: bool) -> None:
    """nutszebra/squeeze_net's: orthonormal, then mean 0 and variance 2 / input channels (kernel area left out)."""
    nn.init.orthogonal_(part.weight)
    with torch.no_grad():
        part.weight -= part.weight.mean()
        part.weight *= math.sqrt(2 / part.weight.shape[1]) / part.weight.std(correction=0)


INITIALISATIONS: dict[str, Callable[[nn.Conv2d | nn.Linear, bool], None]] = {
    "torchvision": _torchvision,
    "caffe": _caffe,
    "glorot": _glorot,
    "he": _he,
    "vgg": _vgg,
    "orthogonal": _orthogonal,
}
