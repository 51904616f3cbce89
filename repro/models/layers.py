"""Layers as plain data: parameters, output shape and multiply-accumulates of each.

Imports no torch. An `Architecture` is the one definition of a network: `network.py` builds the torch module from it,
the counts and tables here are arithmetic on it, and two networks are the same when their architectures are.
"""

import math
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from repro.errors import BadInput

Shape = tuple[int, int, int]  # channels, height, width; a dense layer sees (features, 1, 1)


class Layer(msgspec.Struct, frozen=True, tag_field="kind"):
    """One step of a network. The name is the source's own word for it (`conv1`, `fire2`, `fc6`)."""

    name: str

    @property
    def parameters(self) -> int:
        """Learnable numbers: weights, biases, batch norm's scales and shifts."""
        return sum(part.parameters for part in self.parts().values())

    def parts(self) -> dict[str, "Conv | BatchNorm"]:
        """The simple layers inside this one, by state-dict name; empty for a simple layer."""
        return {}

    def output(self, shape: Shape) -> Shape:
        """The output shape for one input of `shape`."""
        return shape

    def macs(self, shape: Shape) -> int:
        """Multiply-accumulates of convolutions and dense layers for one input of `shape`, biases not counted."""
        return 0


class Conv(Layer, frozen=True, tag="conv"):
    """A square convolution with bias."""

    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of the weights: outputs, inputs of each, kernel height and width."""
        return self.outputs, self.inputs, self.kernel, self.kernel

    @property
    def weights(self) -> int:
        return math.prod(self.shape)

    @property
    def parameters(self) -> int:
        return self.weights + self.outputs

    def output(self, shape: Shape) -> Shape:
        if shape[0] != self.inputs:
            raise BadInput(f"{self.name} takes {self.inputs} channels, not {shape[0]}")
        height, width = ((size + 2 * self.padding - self.kernel) // self.stride + 1 for size in shape[1:])
        return self.outputs, height, width

    def macs(self, shape: Shape) -> int:
        return self.weights * math.prod(self.output(shape)[1:])


class Depthwise(Conv, frozen=True, tag="depthwise"):
    """A convolution with bias that filters each channel by itself: as many outputs as inputs."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return self.outputs, 1, self.kernel, self.kernel


class Strip(Conv, frozen=True, tag="strip"):
    """A convolution with bias of `kernel` x 1 (`upright`) or 1 x `kernel`, which keeps height and width."""

    upright: bool = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        height, width = (self.kernel, 1) if self.upright else (1, self.kernel)
        return self.outputs, self.inputs, height, width

    def output(self, shape: Shape) -> Shape:
        return self.outputs, *shape[1:]


class Linear(Layer, frozen=True, tag="linear"):
    """A dense layer with bias, over all numbers of its input."""

    inputs: int
    outputs: int

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the weights: outputs, inputs."""
        return self.outputs, self.inputs

    @property
    def weights(self) -> int:
        return math.prod(self.shape)

    @property
    def parameters(self) -> int:
        return self.weights + self.outputs

    def output(self, shape: Shape) -> Shape:
        if math.prod(shape) != self.inputs:
            raise BadInput(f"{self.name} takes {self.inputs} numbers, not {math.prod(shape)}")
        return self.outputs, 1, 1

    def macs(self, shape: Shape) -> int:
        return self.weights


class BatchNorm(Layer, frozen=True, tag="batch-norm"):
    """Batch normalisation with a scale and a shift for each channel."""

    inputs: int
    eps: float = 1e-5

    @property
    def parameters(self) -> int:
        return 2 * self.inputs


class ReLU(Layer, frozen=True, tag="relu"):
    """max(0, x)."""


class Dropout(Layer, frozen=True, tag="dropout"):
    """Sets each number to zero with probability `p` while training."""

    p: float = 0.5


class MaxPool(Layer, frozen=True, tag="max-pool"):
    """Maximum over square windows. `ceil`: a window may hang over the edge (Caffe, Chainer), else it is dropped."""

    kernel: int
    stride: int
    padding: int = 0
    ceil: bool = False

    def output(self, shape: Shape) -> Shape:
        channels, height, width = shape
        return channels, self._size(height), self._size(width)

    def _size(self, size: int) -> int:
        span = size + 2 * self.padding - self.kernel
        steps = -(-span // self.stride) if self.ceil else span // self.stride
        # A window must begin inside the image or its leading padding, as torch has it.
        if self.ceil and steps * self.stride >= size + self.padding:
            steps -= 1
        return steps + 1


class AveragePool(Layer, frozen=True, tag="average-pool"):
    """Averages to a map of `size` x `size`, whatever comes in (1 = global average)."""

    size: int = 1

    def output(self, shape: Shape) -> Shape:
        return shape[0], self.size, self.size


class FireModule(Layer, frozen=True):
    """Base class of both kinds of fire module: a squeeze and two expand convolutions, all keeping height and width."""

    inputs: int
    squeeze: int
    expand1x1: int
    expand3x3: int

    @property
    def outputs(self) -> int:
        return self.expand1x1 + self.expand3x3

    def output(self, shape: Shape) -> Shape:
        if shape[0] != self.inputs:
            raise BadInput(f"{self.name} takes {self.inputs} channels, not {shape[0]}")
        return self.outputs, *shape[1:]

    def macs(self, shape: Shape) -> int:
        weights = sum(part.weights for part in self.parts().values() if isinstance(part, Conv))
        return weights * math.prod(shape[1:])


class Fire(FireModule, frozen=True, tag="fire"):
    """A fire module: a 1x1 squeeze, then 1x1 and 3x3 expand branches side by side, ReLU after each (section 3.2).

    bypass: `identity` adds the input to the output, `conv` adds a 1x1 convolution of it (section 6); no ReLU follows.
    squeeze_norm, expand_norm: batch norm between convolution and ReLU. A branch of width 0 does not exist.
    separable: the 3x3 filters are a depthwise 3x3 convolution and a 1x1 convolution, with nothing between the two.
    """

    bypass: Literal["none", "identity", "conv"] = "none"
    squeeze_norm: bool = False
    expand_norm: bool = False
    separable: bool = False

    def parts(self) -> dict[str, "Conv | BatchNorm"]:
        parts: dict[str, Conv | BatchNorm] = {"squeeze": Conv("squeeze1x1", self.inputs, self.squeeze)}
        if self.squeeze_norm:
            parts["squeeze_norm"] = BatchNorm("squeeze1x1/bn", self.squeeze)
        for kernel, width in ((1, self.expand1x1), (3, self.expand3x3)):
            if not width:
                continue
            key = f"expand{kernel}x{kernel}"
            if kernel == 3 and self.separable:
                parts["depthwise3x3"] = Depthwise("depthwise3x3", self.squeeze, self.squeeze, 3, padding=1)
                parts[key] = Conv(key, self.squeeze, width)
            else:
                parts[key] = Conv(key, self.squeeze, width, kernel, padding=kernel // 2)
            if self.expand_norm:
                parts[f"{key}_norm"] = BatchNorm(f"{key}/bn", width)
        if self.bypass == "conv":
            parts["bypass"] = Conv("bypass1x1", self.inputs, self.outputs)
        return parts


class PreactFire(FireModule, frozen=True, tag="preact-fire"):
    """A fire module of three batch norm - ReLU - convolution units; each expand branch has its own batch norm.

    skip: the input is added to the concatenated output; nothing follows the sum (nutszebra/squeeze_net).
    """

    skip: bool = False
    eps: float = 1e-5

    def parts(self) -> dict[str, "Conv | BatchNorm"]:
        return {
            "squeeze_norm": BatchNorm("squeeze1x1/bn", self.inputs, self.eps),
            "squeeze": Conv("squeeze1x1", self.inputs, self.squeeze),
            "expand1x1_norm": BatchNorm("expand1x1/bn", self.squeeze, self.eps),
            "expand1x1": Conv("expand1x1", self.squeeze, self.expand1x1),
            "expand3x3_norm": BatchNorm("expand3x3/bn", self.squeeze, self.eps),
            "expand3x3": Conv("expand3x3", self.squeeze, self.expand3x3, 3, padding=1),
        }


class SqueezeNextBlock(Layer, frozen=True, tag="squeezenext-block"):
    """A block of SqueezeNext: 1x1 to half and to a quarter of the outputs, 3x1 and 1x3 (or 1x3 and 3x1) at half, 1x1.

    Batch norm and ReLU follow each convolution. The input is added, through a 1x1 convolution with batch norm and ReLU
    where channels or stride differ, and a ReLU follows the sum.

    upright: the 3x1 filters come before the 1x3 ones.
    """

    inputs: int
    outputs: int
    stride: int = 1
    upright: bool = True

    def parts(self) -> dict[str, "Conv | BatchNorm"]:
        half, quarter = self.outputs // 2, self.outputs // 4
        names = ("3x1", "1x3") if self.upright else ("1x3", "3x1")
        convolutions = [
            Conv("squeeze1", self.inputs, half, stride=self.stride),
            Conv("squeeze2", half, quarter),
            Strip(names[0], quarter, half, 3, upright=self.upright),
            Strip(names[1], half, half, 3, upright=not self.upright),
            Conv("expand", half, self.outputs),
        ]
        if self.inputs != self.outputs or self.stride > 1:
            convolutions.append(Conv("shortcut", self.inputs, self.outputs, stride=self.stride))
        parts: dict[str, Conv | BatchNorm] = {}
        for conv in convolutions:
            key = f"strip{conv.name}" if isinstance(conv, Strip) else conv.name
            parts[key] = conv
            parts[f"{key}_norm"] = BatchNorm(f"{conv.name}/bn", conv.outputs)
        return parts

    def output(self, shape: Shape) -> Shape:
        if shape[0] != self.inputs:
            raise BadInput(f"{self.name} takes {self.inputs} channels, not {shape[0]}")
        height, width = ((size - 1) // self.stride + 1 for size in shape[1:])
        return self.outputs, height, width

    def macs(self, shape: Shape) -> int:
        # The first convolution and the shortcut bring the map to its final size: all of them work at that.
        weights = sum(part.weights for part in self.parts().values() if isinstance(part, Conv))
        return weights * math.prod(self.output(shape)[1:])


AnyLayer = Conv | Linear | BatchNorm | ReLU | Dropout | MaxPool | AveragePool | Fire | PreactFire | SqueezeNextBlock


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """A network, resolved: its layers in three groups, named as torchvision names them, and how weights begin.

    initialisation: a name of `network.INITIALISATIONS`.
    pixels: the only height and width that the network takes; 0 = any that its maps survive.
    """

    features: tuple[AnyLayer, ...]
    avgpool: tuple[AveragePool, ...] = ()
    classifier: tuple[AnyLayer, ...]
    initialisation: str = "torch"
    pixels: int = 0

    @property
    def layers(self) -> tuple[AnyLayer, ...]:
        return self.features + self.avgpool + self.classifier

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def channels(self) -> int:
        """Channels of the input; for a network of dense layers alone, from the pixels it takes."""
        first = next(layer for layer in self.layers if isinstance(layer, Conv | Linear))
        return first.inputs if isinstance(first, Conv) else first.inputs // self.pixels**2

    @property
    def classes(self) -> int:
        return next(layer.outputs for layer in reversed(self.layers) if isinstance(layer, Conv | Linear))

    def unnamed(self) -> "Architecture":
        """The same layers without their names: equal for networks that compute the same thing."""

        def strip(layers: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(msgspec.structs.replace(layer, name="") for layer in layers)

        return msgspec.structs.replace(
            self, features=strip(self.features), avgpool=strip(self.avgpool), classifier=strip(self.classifier)
        )

    def trace(self, shape: Shape) -> Iterator[tuple[AnyLayer, Shape, Shape]]:
        """Each layer with its input and output shape, for one input of `shape`.

        Raises BadInput where the input does not fit, with the layer that refuses it.
        """
        given = "x".join(map(str, shape))
        if self.pixels and shape[1:] != (self.pixels, self.pixels):
            raise BadInput(f"input {given}: the network takes {self.pixels}x{self.pixels} pixels only")
        for layer in self.layers:
            try:
                output = layer.output(shape)
            except BadInput as error:
                raise BadInput(f"input {given}: {error}") from None
            if min(output) < 1:
                raise BadInput(f"input {given} is too small: nothing is left of it at {layer.name}")
            yield layer, shape, output
            shape = output

    def macs(self, shape: Shape) -> int:
        """Multiply-accumulates for one input of `shape`."""
        return sum(layer.macs(taken) for layer, taken, _ in self.trace(shape))

    def paths(self) -> dict[str, str]:
        """State-dict prefixes by the layers' published names: `fire2/squeeze1x1` -> `features.3.squeeze`."""
        return {name: prefix for prefix, (name, _) in self.named_parts().items()}

    def named_parts(self) -> "dict[str, tuple[str, Conv | Linear | BatchNorm]]":
        """The simple layers with parameters by state-dict prefix, in the state dict's order, with published names."""
        found: dict[str, tuple[str, Conv | Linear | BatchNorm]] = {}
        for group in ("features", "classifier"):
            for index, layer in enumerate(getattr(self, group)):
                for key, part in layer.parts().items():
                    found[f"{group}.{index}.{key}"] = f"{layer.name}/{part.name}", part
                if isinstance(layer, Conv | Linear | BatchNorm):
                    found[f"{group}.{index}"] = layer.name, layer
        return found
