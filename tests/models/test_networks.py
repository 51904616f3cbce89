"""The torch modules: torchvision's outputs, sizes, gradients, bypasses and initialisations."""

import itertools
from typing import cast

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from repro.errors import BadInput
from repro.models import NETWORKS, architecture, build, canonical, option_names
from repro.models.layers import Architecture, AveragePool, Conv, Linear, MaxPool
from repro.models.network import INITIALISATIONS, Fire, Network, PreactFire, SqueezeNextBlock


@pytest.mark.parametrize(
    ("theirs", "name", "options", "pixels"),
    [
        ("squeezenet1_0", "squeezenet", {}, 224),
        ("squeezenet1_0", "squeezenet", {}, 227),
        ("squeezenet1_1", "squeezenet", {"version": "1.1"}, 224),
        ("alexnet", "alexnet", {}, 224),
        ("vgg19", "vgg19", {}, 224),
    ],
)
def test_torchvision_agrees(theirs: str, name: str, options: dict, pixels: int) -> None:
    """The same weights, taken over by name, give the same outputs."""
    torch.manual_seed(1)
    with torch.device("meta"):
        reference = getattr(torchvision.models, theirs)().eval()
        network = build(name, **options).eval()
    reference.to_empty(device="cpu")
    with torch.no_grad():
        for key, parameter in reference.named_parameters():
            bound = 0.1 if key.endswith("bias") else (6 / parameter[0].numel()) ** 0.5
            parameter.uniform_(-bound, bound)
    network.load_state_dict(reference.state_dict(), strict=True, assign=True)
    image = torch.randn(1, 3, pixels, pixels)
    with torch.no_grad():
        expected = reference(image)
        torch.testing.assert_close(network(image), expected, atol=1e-5, rtol=1e-5)
    assert expected.abs().max() > 0.1


@pytest.mark.parametrize(
    ("theirs", "options"), [("squeezenet1_0", {}), ("squeezenet1_1", {"version": "1.1", "classes": 10})]
)
def test_a_seed_draws_torchvisions_weights(theirs: str, options: dict) -> None:
    torch.manual_seed(1)
    reference = getattr(torchvision.models, theirs)(num_classes=options.get("classes", 1000)).state_dict()
    torch.manual_seed(1)
    for key, ours in build("squeezenet", **options).state_dict().items():
        assert torch.equal(ours, reference[key]), key


SMALL = [
    ("squeezenet", {"stem": "cifar", "version": version, **more})
    for version, more in itertools.product(
        ("1.0", "1.1"),
        (
            {},
            {"bypass": "complex"},
            {"remove": "2,5"},
            {"remove": "2,3,4,5,6,7,8,9"},
            {"squeeze_factor": 2, "split": 8},
        ),
    )
] + [
    ("squeezenet", {"stem": "cifar", "batch_norm": "all", "bypass": "simple", "final_relu": False}),
    ("squeezenet", {"stem": "cifar", "separable": True, "bypass": "simple"}),
    ("squeezenet", {"stem": "cifar", "pools": "2,6,9"}),
    ("squeezenext", {"stem": "cifar"}),
    ("mini-squeezenet", {}),
    ("preact-squeezenet", {"stem": "cifar", "unit": "conv-bn-relu"}),
    ("preact-squeezenet", {"unit": "conv-relu", "initialisation": "he"}),
    ("preact-squeezenet", {"stem": "cifar"}),
    ("traditional-cnn", {}),
    ("traditional-cnn", {"batch_norm": True}),
    ("notebook-mlp", {"pixels": 32}),
]


@pytest.mark.parametrize(("name", "options"), SMALL)
def test_at_32_pixels_every_weight_learns(name: str, options: dict) -> None:
    """Forward and backward in training mode: in-place ReLUs spoil no gradient, and no layer is left out."""
    torch.manual_seed(0)
    steady = {"dropout": 0} if "dropout" in option_names(name) else {}
    network = build(name, classes=10, **steady, **options)
    with torch.no_grad():
        for key, parameter in network.named_parameters():
            if key.endswith("bias"):
                parameter.fill_(0.2)  # no narrow layer is dead by chance
    logits = network.train()(torch.randn(4, 3, 32, 32))
    assert logits.shape == (4, 10)
    logits.square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("alexnet", {"stem": "cifar"}),
        ("vgg19", {}),
        ("vgg19", {"kernel": 1}),
        ("vgg19", {"kernel": 1, "keep_last": 3}),
        ("vgg19", {"kernel": 1, "notebook_padding": True}),
    ],
)
def test_large_networks_run_at_32_pixels(name: str, options: dict) -> None:
    with torch.device("meta"):
        assert build(name, classes=10, **options)(torch.empty(2, 3, 32, 32)).shape == (2, 10)


@pytest.mark.parametrize("name", [n for n in NETWORKS if "stem" in option_names(n)])
def test_the_cifar_stem_keeps_every_shape(name: str) -> None:
    with torch.device("meta"):
        published, small = build(name), build(name, stem="cifar")
    assert [(k, v.shape) for k, v in published.state_dict().items()] == [
        (k, v.shape) for k, v in small.state_dict().items()
    ]
    differ = [
        key
        for (key, a), b in zip(published.named_modules(), small.modules(), strict=True)
        if not list(a.children()) and repr(a) != repr(b)
    ]
    assert differ == ["features.0"]


@pytest.mark.parametrize("name", NETWORKS)
def test_head_is_the_last_learnable_layer(name: str) -> None:
    with torch.device("meta"):
        network = build(name, classes=7)
    last = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)][-1]
    assert network.head is last
    assert last.weight.shape[0] == 7


def test_head_with_batch_norm_after_it() -> None:
    network = build("squeezenet", classes=7, batch_norm="all")
    assert isinstance(network.head, nn.Conv2d)
    assert type(network.get_submodule("classifier.2")) is nn.BatchNorm2d


def test_channels_last_gives_the_same_outputs() -> None:
    for name, options in (("squeezenet", {"stem": "cifar", "bypass": "complex"}), ("traditional-cnn", {})):
        network = build(name, **options).eval()
        images = torch.randn(2, 3, 32, 32)
        with torch.no_grad():
            expected = network(images)
            network = network.to(memory_format=torch.channels_last)
            found = network(images.to(memory_format=torch.channels_last))
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_the_notebooks_network_refuses_other_sizes() -> None:
    network = build("notebook-mlp")
    assert network(torch.zeros(1, 3, 28, 28)).shape == (1, 10)
    with pytest.raises(BadInput, match="takes 28x28 pixels, not 32x32; set its option pixels"):
        network(torch.zeros(1, 3, 32, 32))


def fires(network: nn.Module) -> dict[int, Fire]:
    found = [module for module in network.modules() if isinstance(module, Fire)]
    return dict(zip(range(2, 10), found, strict=True))


def test_simple_bypass_adds_the_input_after_the_relu() -> None:
    torch.manual_seed(0)
    network = build("squeezenet", bypass="simple")
    assert [number for number, fire in fires(network).items() if fire.shortcut == "identity"] == [3, 5, 7, 9]
    fire = fires(network)[5]
    x = torch.randn(1, 256, 5, 5)
    squeezed = fire.squeeze(x).relu()
    plain = torch.cat([fire.expand1x1(squeezed).relu(), fire.expand3x3(squeezed).relu()], 1)
    torch.testing.assert_close(fire(x.clone()), plain + x)


def test_complex_bypass_convolves_where_widths_differ() -> None:
    network = build("squeezenet", bypass="complex")
    shapes = {n: tuple(f.bypass.weight.shape) for n, f in fires(network).items() if f.shortcut == "conv"}
    assert shapes == {2: (128, 96, 1, 1), 4: (256, 128, 1, 1), 6: (384, 256, 1, 1), 8: (512, 384, 1, 1)}
    fire = fires(network)[4]
    x = torch.randn(1, 128, 5, 5)
    expected = fire.bypass(x)
    fire.shortcut = "none"
    torch.testing.assert_close(expected + fire(x.clone()), _with(fire, "conv", x))


def _with(fire: Fire, shortcut: str, x: torch.Tensor) -> torch.Tensor:
    fire.shortcut = shortcut
    return fire(x)


def test_squeeze_and_expand_fire_modules_have_the_notebooks_widths() -> None:
    network = build("squeezenet", squeeze_factor=4)
    widths = [
        (f.squeeze.out_channels, f.expand1x1.out_channels, f.expand3x3.out_channels) for f in fires(network).values()
    ]
    assert widths == [
        (4, 24, 8),
        (16, 32, 96),
        (8, 48, 16),
        (32, 64, 192),
        (12, 72, 24),
        (48, 96, 288),
        (16, 96, 32),
        (64, 128, 384),
    ]


def test_batch_norm_stands_between_convolution_and_relu() -> None:
    torch.manual_seed(0)
    network = build("squeezenet", batch_norm="fire").train()
    fire = fires(network)[2]
    out = fire(torch.randn(8, 96, 6, 6))
    assert out.min() == 0
    # Statistics of the convolution itself reached the running mean: it is not the mean of rectified values.
    means = fire.expand3x3_norm.running_mean
    assert means is not None
    assert (means < 0).any()
    assert all(type(m) is nn.BatchNorm2d for n, m in network.named_modules() if n.endswith("_norm"))


def test_preact_fire_normalises_each_branch_for_itself() -> None:
    torch.manual_seed(0)
    network = build("preact-squeezenet").eval()
    modules = [m for m in network.modules() if isinstance(m, PreactFire)]
    assert [m.skip for m in modules] == [False, True] * 4
    fire = modules[1]
    for norm in (m for m in fire.modules() if isinstance(m, nn.BatchNorm2d)):
        assert norm.eps == 2e-5
        norm.running_mean = torch.randn(norm.num_features)
        norm.running_var = torch.rand(norm.num_features) + 0.5
    x = torch.randn(2, 128, 6, 6)

    def unit(x: torch.Tensor, norm: nn.BatchNorm2d, conv: nn.Conv2d) -> torch.Tensor:
        normed = functional.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=2e-5)
        return functional.conv2d(normed.clamp(min=0), conv.weight, conv.bias, padding=conv.kernel_size[0] // 2)

    squeezed = unit(x, fire.squeeze_norm, fire.squeeze)
    left = unit(squeezed, fire.expand1x1_norm, fire.expand1x1)
    right = unit(squeezed, fire.expand3x3_norm, fire.expand3x3)
    torch.testing.assert_close(fire(x.clone()), torch.cat([left, right], 1) + x, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "key", "deviation"),
    [
        ("squeezenet", {}, "features.7.expand3x3.weight", (2 / (32 * 9)) ** 0.5),  # Kaiming: gain sqrt(2)
        ("squeezenet", {}, "classifier.1.weight", 0.01),
        ("squeezenet", {"initialisation": "caffe"}, "features.7.expand3x3.weight", (1 / (32 * 9)) ** 0.5),
        ("squeezenet", {"initialisation": "caffe"}, "classifier.1.weight", 0.01),
        ("squeezenet", {"initialisation": "glorot"}, "classifier.1.weight", (2 / (512 + 1000)) ** 0.5),
        ("mini-squeezenet", {}, "features.6.squeeze.weight", (2 / (256 + 32)) ** 0.5),
        ("preact-squeezenet", {}, "features.6.expand3x3.weight", (2 / 32) ** 0.5),
        ("preact-squeezenet", {"initialisation": "he"}, "features.6.expand3x3.weight", (2 / (32 * 9)) ** 0.5),
        ("squeezenet", {"initialisation": "he"}, "classifier.1.weight", (2 / 512) ** 0.5),
        ("squeezenext", {}, "features.12.strip3x1.weight", (2 / (16 * 3)) ** 0.5),
    ],
)
def test_initialisation(name: str, options: dict, key: str, deviation: float) -> None:
    torch.manual_seed(0)
    state = build(name, **options).state_dict()
    assert state[key].std().item() == pytest.approx(deviation, rel=0.03)
    assert state[key].mean().abs() < deviation / 20
    assert all((state[k] == 0).all() for k in state if k.endswith("bias"))


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), [(16, 64, 3), (96, 16, 1), (48, 192, 1)])
def test_the_orthonormal_initialisation_is_the_sources(inputs: int, outputs: int, kernel: int) -> None:
    """nutszebra/trainer: singular vectors of a Gaussian matrix, then mean 0 and variance 2 / inputs."""
    torch.manual_seed(0)
    layer = nn.Conv2d(inputs, outputs, kernel)
    INITIALISATIONS["orthogonal"](layer, False)
    weight = layer.weight.detach().flatten(1).double()
    assert weight.mean().abs() < 1e-6
    assert weight.var(correction=0).item() == pytest.approx(2 / inputs, rel=1e-5)
    # All singular values are one, but for what taking away the mean does; a Gaussian matrix's spread by far more.
    values = torch.linalg.svdvals(weight)
    assert values.std() / values.mean() < 0.02
    gaussian = torch.linalg.svdvals(torch.randn(weight.shape, dtype=torch.float64))
    assert gaussian.std() / gaussian.mean() > 0.1


def test_a_separable_fire_filters_each_squeezed_channel_by_itself() -> None:
    torch.manual_seed(0)
    fire = fires(build("squeezenet", separable=True))[4]
    x = torch.randn(1, 128, 6, 6)
    squeezed = fire.squeeze(x).relu()
    filtered = [
        functional.conv2d(squeezed[:, [c]], weight.unsqueeze(0), bias.view(1), padding=1)
        for c, (weight, bias) in enumerate(zip(*fire.depthwise3x3.parameters(), strict=True))
    ]
    right = functional.conv2d(torch.cat(filtered, 1), fire.expand3x3.weight, fire.expand3x3.bias).relu()
    torch.testing.assert_close(fire(x.clone()), torch.cat([fire.expand1x1(squeezed).relu(), right], 1))


def test_a_squeezenext_block_is_the_authors() -> None:
    """Convolution, batch norm and ReLU five times, a shortcut with all three where sizes differ, ReLU after the sum."""
    torch.manual_seed(0)
    blocks = [m for m in build("squeezenext").modules() if isinstance(m, SqueezeNextBlock)]
    assert [index for index, block in enumerate(blocks) if block.projects] == [0, 6, 12, 20]
    assert [name for name in blocks[0].path if "strip" in name] == ["strip3x1", "strip1x3"]
    assert [name for name in blocks[1].path if "strip" in name] == ["strip1x3", "strip3x1"]
    block = blocks[6].eval()
    x = torch.randn(2, 32, 8, 8)

    def unit(name: str, x: torch.Tensor, stride: int = 1, padding: tuple[int, int] = (0, 0)) -> torch.Tensor:
        conv, norm = block.get_submodule(name), block.get_submodule(f"{name}_norm")
        assert isinstance(conv, nn.Conv2d)
        return norm(functional.conv2d(x, conv.weight, conv.bias, stride, padding)).relu()

    y = unit("squeeze2", unit("squeeze1", x, stride=2))
    y = unit("strip1x3", unit("strip3x1", y, padding=(1, 0)), padding=(0, 1))
    torch.testing.assert_close(block(x.clone()), (unit("expand", y) + unit("shortcut", x, stride=2)).relu())


def test_pools_move_and_the_published_places_go_without_saying() -> None:
    late = architecture("squeezenet", {"pools": "2,6,9", "classes": 10})
    assert [layer.name for layer in late.features if isinstance(layer, MaxPool)] == ["maxpool2", "maxpool6", "maxpool9"]
    assert canonical("squeezenet", {"pools": "1,4,8"}) == {}
    assert canonical("squeezenet", {"pools": [5, 3, 1], "version": "1.1"}) == {"version": "1.1"}


def test_vgg_initialisation() -> None:
    """Kaiming normal over the fan out, dense layers N(0, .01): on a network small enough to draw."""
    torch.manual_seed(0)
    network = Network(
        Architecture(
            features=(Conv("conv1", 3, 256, 3), Conv("conv2", 256, 128, 3)),
            avgpool=(AveragePool("avgpool"),),
            classifier=(Linear("fc", 128, 200),),
            initialisation="vgg",
        )
    )
    deviations = [p.std().item() for key, p in network.named_parameters() if key.endswith("weight")]
    assert deviations == pytest.approx([(2 / (256 * 9)) ** 0.5, (2 / (128 * 9)) ** 0.5, 0.01], rel=0.03)
    assert all((p == 0).all() for key, p in network.named_parameters() if key.endswith("bias"))


def test_a_seed_decides_the_weights() -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return cast(nn.Conv2d, build("mini-squeezenet").head).weight

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))
