"""Names and options: one canonical form from text and from Python, nearest choices, contradictions refused."""

import json
import subprocess
import sys

import msgspec
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from repro.errors import BadInput
from repro.models import (
    NETWORKS,
    architecture,
    build,
    canonical,
    input_shape,
    macs,
    option_names,
    parameter_count,
    same_network,
)
from repro.models.layers import MaxPool


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("squeezenet", {"classes": "10", "bypass": "simple"}, {"bypass": "simple", "classes": 10}),
        ("squeezenet", {"remove": "fire5,fire2"}, {"remove": [2, 5]}),
        ("squeezenet", {"remove": "2, 5"}, {"remove": [2, 5]}),
        ("squeezenet", {"remove": [5, "fire2", 5]}, {"remove": [2, 5]}),
        ("squeezenet", {"remove": 2}, {"remove": [2]}),
        ("squeezenet", {"remove": "none"}, {}),
        ("squeezenet", {"remove": ()}, {}),
        ("squeezenet", {"batch_norm": "fire"}, {"batch_norm": ["expand", "squeeze"]}),
        ("squeezenet", {"batch_norm": "all"}, {"batch_norm": ["conv1", "conv10", "expand", "squeeze"]}),
        ("squeezenet", {"batch_norm": ["fire", "squeeze", "expand"]}, {"batch_norm": ["expand", "squeeze"]}),
        ("squeezenet", {"squeeze_factor": "4"}, {"squeeze_factor": 4}),
        ("squeezenet", {"squeeze_factor": "off"}, {}),
        ("squeezenet", {"squeeze_factor": 1}, {"squeeze_factor": 1}),
        ("squeezenet", {"version": 1.1}, {"version": "1.1"}),
        ("squeezenet", {"final_relu": "false", "dropout": 0}, {"dropout": 0.0, "final_relu": False}),
        ("squeezenet", {"classes": 1000, "stem": "imagenet", "dropout": "0.5"}, {}),
        ("vgg19", {"kernel": "1", "notebook_padding": "true"}, {"kernel": 1, "notebook_padding": True}),
    ],
)
def test_canonical(name: str, text: dict, value: dict) -> None:
    found = canonical(name, text)
    assert found == value
    assert list(found) == sorted(found)
    assert json.loads(json.dumps(found)) == found
    assert canonical(name, found) == found


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("squeeznet", {}, "unknown network 'squeeznet'; did you mean 'squeezenet'?"),
        ("squeezenet", {"bypas": "simple"}, "squeezenet: unknown option 'bypas'; did you mean 'bypass'?"),
        ("squeezenet", {"bypass": "simpel"}, "option bypass: unknown value 'simpel'; did you mean 'simple'?"),
        ("squeezenet", {"batch_norm": "conv1,expnad"}, "option batch_norm: unknown value 'expnad'; did you mean 'exp"),
        ("squeezenet", {"remove": "fire1"}, "option remove: unknown value '1'; choose from 2, 3, 4, 5, 6, 7, 8, 9"),
        ("squeezenet", {"squeeze_factor": 3}, "option squeeze_factor: unknown value '3'; choose from 1, 2, 4, 8"),
        ("squeezenet", {"classes": 0}, "squeezenet: option classes: invalid value 0: expected a whole number >= 1"),
        ("squeezenet", {"classes": True}, "option classes: invalid value True"),
        (
            "squeezenet",
            {"classes": 10**23},
            f"option classes: invalid value {10**23}: expected a whole number <= 1000000",
        ),
        ("squeezenet", {"base_e": 2**63}, f"option base_e: invalid value {2**63}: expected"),
        ("squeezenet", {"classes": "ten"}, "option classes: invalid value 'ten': expected a whole number, got text"),
        ("squeezenet", {"final_relu": "maybe"}, "option final_relu: invalid value 'maybe': expected true or false"),
        ("squeezenet", {"pct3x3": 1.0}, "option pct3x3: invalid value 1.0: expected a number < 1.0"),
        ("squeezenet", {"dropout": "nan"}, "option dropout: invalid value 'nan'"),
        ("squeezenet", {"batch_norm": [["conv1"]]}, "option batch_norm: unknown value"),
        ("vgg19", {"stem": "cifar"}, "vgg19: unknown option 'stem'"),
        # Options that contradict each other.
        ("squeezenet", {"squeeze_factor": 4, "pct3x3": 0.25}, "squeeze_factor and pct3x3 contradict each other"),
        ("squeezenet", {"squeeze_factor": 4, "compression": 0.5}, "squeeze_factor and compression contradict"),
        ("squeezenet", {"compression": 0.5, "freq": 4, "base_e": 64}, "compression and base_e contradict each other"),
        ("squeezenet", {"split": 4}, "give squeeze_factor too"),
        ("squeezenet", {"squeeze_factor": 4, "bypass": "simple"}, "no fire module here has as many outputs as inputs"),
        ("squeezenet", {"remove": "3,5,7,9", "bypass": "simple"}, "no fire module here"),
        ("squeezenet", {"compression": 0.05}, "fire2 would have a layer without filters"),
        ("vgg19", {"keep_last": 2}, "give kernel=1 too"),
        ("vgg19", {"notebook_padding": True}, "give kernel=1 too"),
        ("vgg19", {"kernel": 1, "keep_last": 2, "notebook_padding": True}, "contradict each other"),
    ],
)
def test_refused(name: str, options: dict, message: str) -> None:
    with pytest.raises(BadInput) as error:
        canonical(name, options)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_one_network_under_several_names() -> None:
    def squeezenet(**options: object) -> tuple[str, dict[str, object]]:
        return "squeezenet", options

    assert same_network(squeezenet(remove="2"), squeezenet(remove="3"))
    assert same_network(squeezenet(remove="2,5"), squeezenet(remove="3,5"))
    assert not same_network(squeezenet(remove="2,5"), squeezenet(remove="2,4"))
    # Mirrored 4:4 pairs at factor 1 are plain fire modules; the report's 6:2 pairs have as many parameters but differ.
    assert same_network(squeezenet(), squeezenet(squeeze_factor=1, split=4))
    assert not same_network(squeezenet(), squeezenet(squeeze_factor=1))
    assert parameter_count("squeezenet") == parameter_count("squeezenet", squeeze_factor=1)
    assert not same_network(squeezenet(), squeezenet(initialisation="caffe"))
    assert not same_network(squeezenet(), squeezenet(dropout=0))


def test_nothing_but_build_imports_torch() -> None:
    code = (
        "import sys; from repro import models; from repro.models import golden, strategies, summary\n"
        "golden.golden(); strategies.strategies(); summary.summarise('vgg19', {'kernel': 1})\n"
        "models.macs('alexnet', (3, 224, 224)); models.same_network(('alexnet', {}), ('vgg19', {}))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_input_that_does_not_fit() -> None:
    with pytest.raises(BadInput, match=r"squeezenet: input 3x16x16 is too small: nothing is left of it at maxpool8"):
        macs("squeezenet", (3, 16, 16))
    with pytest.raises(BadInput, match=r"squeezenet: input 1x227x227: conv1 takes 3 channels, not 1"):
        macs("squeezenet", (1, 227, 227))
    with pytest.raises(BadInput, match=r"notebook-mlp: input 3x32x32: the network takes 28x28 pixels only"):
        macs("notebook-mlp", (3, 32, 32))


def test_input_shape() -> None:
    assert input_shape("squeezenet", {}) == (3, 227, 227)
    assert input_shape("squeezenet", {"stem": "cifar", "channels": "1"}) == (1, 32, 32)
    assert input_shape("notebook-mlp", {"pixels": 32}) == (3, 32, 32)


SHARES = st.floats(0.02, 0.98).map(lambda share: round(share, 3))
WIDTHS = st.one_of(
    st.fixed_dictionaries({"squeeze_factor": st.sampled_from([1, 2, 4, 8])}, optional={"split": st.integers(0, 8)}),
    st.fixed_dictionaries({"compression": st.sampled_from([1.0, 0.75, 0.5, 0.3, 0.125])}),
    st.fixed_dictionaries(
        {},
        optional={
            "squeeze_ratio": SHARES,
            "pct3x3": SHARES,
            "base_e": st.integers(32, 200),
            "incr_e": st.integers(0, 200),
            "freq": st.integers(1, 8),
        },
    ),
)
OTHERS = st.fixed_dictionaries(
    {"classes": st.integers(1, 50)},
    optional={
        "version": st.sampled_from(["1.0", "1.1"]),
        "stem": st.sampled_from(["imagenet", "cifar"]),
        "bypass": st.sampled_from(["none", "simple", "complex"]),
        "remove": st.sets(st.integers(2, 9)).map(sorted),
        "batch_norm": st.sets(st.sampled_from(["conv1", "squeeze", "expand", "conv10"])).map(sorted),
        "final_relu": st.booleans(),
        "ceil_mode": st.booleans(),
        "conv10_padding": st.integers(0, 1),
        "channels": st.sampled_from([1, 3]),
    },
)


@settings(max_examples=40, deadline=None)
@given(WIDTHS, OTHERS)
def test_closed_form_equals_what_is_built(widths: dict, others: dict) -> None:
    """Parameters, output sizes and the round trip through text, for any SqueezeNet that may be asked for."""
    options = widths | others
    try:
        canonical("squeezenet", options)
    except BadInput:
        assume(False)
    with torch.device("meta"):
        network = build("squeezenet", **options).eval()
        shape = (options.get("channels", 3), 64, 64)
        assert network(torch.empty(2, *shape)).shape == (2, options["classes"])
        maps = network.get_submodule("features")(torch.empty(1, *shape)).shape[1:]
    resolved = architecture("squeezenet", options)
    assert sum(p.numel() for p in network.parameters()) == parameter_count("squeezenet", **options)
    assert next(taken for layer, taken, _ in resolved.trace(shape) if layer == resolved.classifier[0]) == tuple(maps)
    assert set(network.state_dict()) >= {f"{path}.weight" for path in resolved.paths().values()}

    text = {k: ",".join(map(str, v)) if isinstance(v, list) else str(v).lower() for k, v in options.items()}
    assert canonical("squeezenet", text) == canonical("squeezenet", options)
    assert msgspec.convert(msgspec.to_builtins(resolved), type(resolved)) == resolved
    hash(resolved)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2), st.booleans(), st.integers(4, 40))
def test_pool_sizes_are_torchs(kernel: int, stride: int, padding: int, ceil: bool, size: int) -> None:
    assume(padding <= kernel // 2 and kernel <= size + 2 * padding)
    pooled = nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)(torch.empty(1, 1, size, size + 1, device="meta"))
    assert MaxPool("pool", kernel, stride, padding, ceil).output((1, size, size + 1)) == tuple(pooled.shape[1:])


@pytest.mark.parametrize("name", NETWORKS)
def test_common_options(name: str) -> None:
    assert {"classes", "channels"} <= set(option_names(name))
    resolved = architecture(name, {"classes": "7", "channels": 1})
    assert (resolved.classes, resolved.channels) == (7, 1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"remove": "3"}, {"remove": [2]}),
        ({"remove": "7"}, {"remove": [6]}),
        ({"remove": "3,5"}, {"remove": [2, 5]}),
        ({"remove": "4"}, {"remove": [4]}),
        # With squeeze and expand fire modules neighbours differ, so nothing may be renamed.
        ({"remove": "3", "squeeze_factor": 4}, {"remove": [3], "squeeze_factor": 4}),
        # The candidates tried on the way contradict the bypass, the options themselves do not.
        ({"remove": "4,5,6,7,8,9", "bypass": "simple"}, {"remove": [4, 5, 6, 7, 8, 9], "bypass": "simple"}),
    ],
)
def test_options_of_the_same_network_have_one_canonical_form(options: dict, expected: dict) -> None:
    assert canonical("squeezenet", options) == expected
    assert same_network(("squeezenet", options), ("squeezenet", expected))
