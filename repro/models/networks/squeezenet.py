"""SqueezeNet with everything that the paper, the report and cmasch/squeezenet change in it.

Sources: the paper's Table 1, section 5 (metaparameters) and section 6 (bypass); the official Caffe files (version 1.1,
padding and ReLU at conv10); the report's sections 6.3 to 6.5 (batch norm, removed fires, squeeze and expand fire
modules); cmasch/squeezenet (`compression`).

Map sizes with the published stem (conv1, then after each pool):
    1.0: 227 -> 111 -> 55 -> 27 -> 13; 224 -> 109 -> 54 -> 27 -> 13
    1.1: 227 -> 113 -> 56 -> 28 -> 14; 224 -> 111 -> 55 -> 27 -> 13
With `stem="cifar"` only conv1's padding changes (1.0: from 0 to 3; 1.1: from 0 to 1), so every parameter count and
state-dict shape stays: 32 -> 16 -> 8 -> 4 -> 2, where the published stem ends at 1x1.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from repro.errors import BadInput

from ..layers import AnyLayer, Architecture, AveragePool, BatchNorm, Conv, Dropout, Fire, MaxPool, ReLU
from ..options import Count, Initialisation, Options, Positive, Probability, Stem
from ..registry import network

FIRES = range(2, 10)
# Squeeze widths of fires 2 to 9 (Table 1); the expand layer has four times as many 1x1 and as many 3x3 filters.
SQUEEZE = (16, 16, 32, 32, 48, 48, 64, 64)
# A max pool follows each of these; pool 1 is the one after conv1.
POOLS = {"1.0": (1, 4, 8), "1.1": (1, 3, 5)}

METAPARAMETERS = ("squeeze_ratio", "pct3x3", "base_e", "incr_e", "freq")

Share = Annotated[float, Meta(gt=0, lt=1)]
Place = Literal["conv1", "squeeze", "expand", "conv10"]


class SqueezeNetOptions(Options, frozen=True, kw_only=True):
    """Options of `squeezenet`; the defaults are the paper's Table 1.

    bypass: `simple` wires the input around every fire module with as many outputs as inputs (fires 3, 5, 7, 9);
        `complex` does so too and puts a 1x1 convolution around the others (section 6, Table 3).
    remove: fire modules left out, by number; the next one takes the channels of the one before (report, 6.4).
    squeeze_factor, split: pairs of squeeze and expand fire modules instead of plain ones (report, 6.5, Figure 2).
        With s the plain squeeze width and q = s / factor, fires 2, 4, 6, 8 have widths (q, split q, (8 - split) q)
        and fires 3, 5, 7, 9 the mirrored (s, (8 - split) s, split s): split 6 is the report's 6:2 / 2:6.
    squeeze_ratio, pct3x3, base_e, incr_e, freq: the paper's metaparameters (section 5): fire i, counted from 0, has
        e = base_e + incr_e floor(i / freq) expand filters, pct3x3 of them 3x3, and squeeze_ratio e squeeze filters.
    batch_norm: where batch norm stands between convolution and ReLU (report, 6.3); `fire` = squeeze and expand.
    compression: cmasch/squeezenet's factor on conv1 and every squeeze width, truncated; expand stays 4 x squeeze.
    final_relu, conv10_padding, ceil_mode: the ReLU after conv10, conv10's padding (1 in the 1.0 Caffe release), and
        pools that round their size up (Caffe, torchvision) or down.
    pools: after which layers the three max pools stand (1 = conv1, 4 = fire4); empty = as the version has them.
    separable: the 3x3 filters of the expand layers are depthwise separable.
    initialisation: how weights begin; see `options.Initialisation`.
    """

    classes: Positive = 1000
    version: Literal["1.0", "1.1"] = "1.0"
    stem: Stem = "imagenet"
    pools: tuple[Literal[1, 2, 3, 4, 5, 6, 7, 8, 9], ...] = ()
    bypass: Literal["none", "simple", "complex"] = "none"
    remove: tuple[Literal[2, 3, 4, 5, 6, 7, 8, 9], ...] = ()
    squeeze_factor: Literal[1, 2, 4, 8] | None = None
    split: Annotated[int, Meta(ge=0, le=8)] = 6
    squeeze_ratio: Annotated[float, Meta(gt=0, le=1)] = 0.125
    pct3x3: Share = 0.5
    base_e: Positive = 128
    incr_e: Count = 128
    freq: Positive = 2
    batch_norm: tuple[Place, ...] = ()
    compression: Annotated[float, Meta(gt=0, le=1)] = 1.0
    separable: bool = False
    final_relu: bool = True
    conv10_padding: Count = 0
    ceil_mode: bool = True
    dropout: Probability = 0.5
    initialisation: Initialisation = "torchvision"

    @classmethod
    def spelt(cls, option: str, items: list[Any]) -> list[Any]:
        if option in ("remove", "pools"):
            names = [str(item).removeprefix("fire") for item in items]
            return ["1" if name == "conv1" and option == "pools" else name for name in names]
        groups = {"fire": ["squeeze", "expand"], "all": ["conv1", "squeeze", "expand", "conv10"]}
        return [name for item in items for name in groups.get(str(item), [item])]

    def canonical(self) -> "SqueezeNetOptions":
        """The published pools go without saying; removing fire3 leaves what removing fire2 leaves, and fire7 what fire6
        leaves: the lower number stands.
        """
        options = msgspec.structs.replace(self, pools=()) if self.pools == POOLS[self.version] else self
        network = squeezenet(options).unnamed()
        for number in self.remove:
            for lower in (n for n in FIRES if n < number and n not in options.remove):
                remove = tuple(sorted({*options.remove, lower} - {number}))
                other = msgspec.structs.replace(options, remove=remove)
                try:
                    same = squeezenet(other).unnamed() == network
                except BadInput:  # such as a simple bypass with no module left to wire it around
                    continue
                if same:
                    options = other
                    break
        return options


@network("squeezenet", pixels=227)
def squeezenet(options: SqueezeNetOptions) -> Architecture:
    """The layers of SqueezeNet with these options. Raises BadInput where they contradict each other."""
    _refuse_contradictions(options)
    old = options.version == "1.0"
    width = int((96 if old else 64) * options.compression)
    kernel = 7 if old else 3
    padding = 0 if options.stem == "imagenet" else kernel // 2
    features: list[AnyLayer] = [Conv("conv1", options.channels, width, kernel, 2, padding)]
    if "conv1" in options.batch_norm:
        features.append(BatchNorm("conv1/bn", width))
    features.append(ReLU("relu1"))
    pools = options.pools or POOLS[options.version]
    if 1 in pools:
        features.append(MaxPool("maxpool1", 3, 2, ceil=options.ceil_mode))
    for number, (squeeze, expand1x1, expand3x3) in zip(FIRES, widths(options), strict=True):
        if number not in options.remove:
            fire = Fire(
                f"fire{number}",
                width,
                squeeze,
                expand1x1,
                expand3x3,
                _bypass(options, width, expand1x1 + expand3x3),
                "squeeze" in options.batch_norm,
                "expand" in options.batch_norm,
                options.separable,
            )
            features.append(fire)
            width = fire.outputs
        if number in pools:
            features.append(MaxPool(f"maxpool{number}", 3, 2, ceil=options.ceil_mode))
    if options.bypass == "simple" and not any(isinstance(layer, Fire) and layer.bypass != "none" for layer in features):
        raise BadInput("squeezenet: bypass=simple: no fire module here has as many outputs as inputs")
    conv10 = Conv("conv10", width, options.classes, padding=options.conv10_padding)
    classifier: list[AnyLayer] = [Dropout("drop9", options.dropout), conv10]
    if "conv10" in options.batch_norm:
        classifier.append(BatchNorm("conv10/bn", options.classes))
    if options.final_relu:
        classifier.append(ReLU("relu10"))
    classifier.append(AveragePool("avgpool10"))
    return Architecture(features=tuple(features), classifier=tuple(classifier), initialisation=options.initialisation)


def widths(options: SqueezeNetOptions) -> list[tuple[int, int, int]]:
    """Filters of fires 2 to 9: squeeze, expand 1x1, expand 3x3."""
    if options.squeeze_factor is not None:
        fires = []
        for index, plain in enumerate(SQUEEZE):
            first = index % 2 == 0
            unit = plain // options.squeeze_factor if first else plain
            share = options.split if first else 8 - options.split
            fires.append((unit, share * unit, (8 - share) * unit))
        return fires
    if options.compression != 1:
        kept = [int(plain * options.compression) for plain in SQUEEZE]
        fires = [(squeeze, 4 * squeeze, 4 * squeeze) for squeeze in kept]
    else:
        fires = []
        for index in range(len(FIRES)):
            expand = options.base_e + options.incr_e * (index // options.freq)
            expand3x3 = round(expand * options.pct3x3)
            fires.append((round(expand * options.squeeze_ratio), expand - expand3x3, expand3x3))
    for number, fire in zip(FIRES, fires, strict=True):
        if min(fire) < 1:
            raise BadInput(f"squeezenet: fire{number} would have a layer without filters: {fire}")
    return fires


def _bypass(options: SqueezeNetOptions, inputs: int, outputs: int) -> Literal["none", "identity", "conv"]:
    if options.bypass == "none":
        return "none"
    if inputs == outputs:
        return "identity"
    return "conv" if options.bypass == "complex" else "none"


def _refuse_contradictions(options: SqueezeNetOptions) -> None:
    """Each of squeeze_factor, compression and the metaparameters sets the widths of the fires: only one may."""
    default = SqueezeNetOptions()

    def changed(*names: str) -> list[str]:
        return [name for name in names if getattr(options, name) != getattr(default, name)]

    setters = [changed(*names) for names in (("squeeze_factor",), ("compression",), METAPARAMETERS)]
    used = [names[0] for names in setters if names]
    if len(used) > 1:
        raise BadInput(f"squeezenet: {' and '.join(used)} contradict each other: each sets the widths of the fires")
    if changed("split") and options.squeeze_factor is None:
        raise BadInput("squeezenet: split belongs to squeeze and expand fire modules: give squeeze_factor too")
