"""The golden file: every published count, and every number measured again in two independent ways."""

import json
import math
from functools import partial
from typing import Any

import msgspec
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from repro.models import architecture, build, canonical, input_shape
from repro.models import golden as golden_module
from repro.models.fingerprint import fingerprint
from repro.models.golden import Golden, agree, encoded, golden, main

ENTRIES = golden()
MIB = 2**20
# Only counted here, to save time: `python -m repro.models.golden` runs these too.
COUNTED = {"vgg19-10", *(f"vgg19-10-keep-last-{k}" for k in range(2, 9))}
RUN = [name for name in ENTRIES if name not in COUNTED]

# The numbers of the sources, written out so that re-measuring the golden file cannot change them unseen.
PARAMETERS = {
    "squeezenet-1.0": 1_248_424,
    "squeezenet-1.1": 1_235_496,
    "squeezenet-simple-bypass": 1_248_424,
    "squeezenet-complex-bypass": 1_589_672,
    "squeezenet-sr-0.25": 1_967_080,
    "squeezenet-sr-0.5": 3_404_392,
    "squeezenet-sr-0.75": 4_841_704,
    "squeezenet-sr-1.0": 6_279_016,
    "squeezenet-sr-0.5-pct-0.01": 1_478_248,
    "squeezenet-sr-0.5-pct-0.125": 1_929_832,
    "squeezenet-sr-0.5-pct-0.25": 2_421_352,
    "squeezenet-sr-0.5-pct-0.75": 4_387_432,
    "squeezenet-sr-0.5-pct-0.99": 5_330_536,
    "squeezenet-10": 740_554,
    "squeezenet-10-without-2-5": 678_682,
    "squeezenet-10-without-2": 728_122,
    "squeezenet-10-without-5": 691_114,
    "squeezenet-10-factor-1": 740_554,
    "squeezenet-10-factor-2": 549_626,
    "squeezenet-10-factor-4": 488_722,
    "squeezenet-10-factor-8": 466_910,
    "squeezenet-10-factor-4-split-4": 373_522,
    "squeezenet-10-factor-4-split-5": 431_122,
    "squeezenet-10-factor-4-split-7": 546_322,
    "squeezenet-10-factor-4-split-8": 603_922,
    "squeezenet-10-bn-conv1": 740_554 + 192,
    "squeezenet-10-bn-fire": 740_554 + 5_760,
    "squeezenet-caffe": 1_248_424,
    "mini-squeezenet": 122_986,
    "preact-squeezenet": 747_146,
    "alexnet-10": 57_044_810,
    "vgg19-10": 139_611_210,
    "vgg19-10-squeezed": 121_816_650,
    "vgg19-10-squeezed-notebook": 121_816_650,
    "notebook-mlp": 979_402,
}
# cmasch/squeezenet's `compression`: 1.0 and 1.1 with 1,000 classes, 1.0 and 1.1 with 10.
COMPRESSION = {
    "1.0": (1_248_424, 1_235_496, 740_554, 727_626),
    "0.75": (801_880, 792_280, 420_730, 411_130),
    "0.5": (445_128, 438_792, 190_698, 184_362),
    "0.25": (178_168, 175_032, 50_458, 47_322),
    "0.125": (78_360, 76_800, 14_010, 12_450),
}
# Parameters fewer than VGG19's when the last k convolutions keep their 3x3 kernel (k = 0: all are 1x1).
VGG_DROP = (17_794_560, 15_697_408, 13_600_256, 11_503_104, 9_405_952, 7_308_800, 5_211_648, 3_114_496, 2_065_920)


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_the_sources_count(name: str, count: int) -> None:
    assert ENTRIES[name].parameters == count
    assert ENTRIES[name].bytes == 4 * count


@pytest.mark.parametrize("compression", COMPRESSION)
def test_compression_counts(compression: str) -> None:
    names = [f"squeezenet-{v}-compression-{compression}-{k}" for k in (1000, 10) for v in ("1.0", "1.1")]
    assert tuple(ENTRIES[name].parameters for name in names) == COMPRESSION[compression]


def test_squeezenext_counts() -> None:
    """Channel by channel from the authors' files, biases added: no part of `layers.py` is used."""

    def block(inputs: int, outputs: int, first: bool) -> int:
        half, quarter = outputs // 2, outputs // 4
        weights = inputs * half + half * quarter + 3 * quarter * half + 3 * half * half + half * outputs
        convolved = half + quarter + half + half + outputs
        if first:
            weights, convolved = weights + inputs * outputs, convolved + outputs
        return weights + 3 * convolved  # a bias, a scale and a shift each

    for name, counts, classes in (
        ("squeezenext-23", (6, 6, 8, 1), 1000),
        ("squeezenext-23v5", (2, 4, 14, 1), 1000),
        ("squeezenext-10-cifar", (6, 6, 8, 1), 10),
    ):
        total, inputs = 3 * 49 * 64 + 3 * 64, 64
        for count, outputs in zip(counts, (32, 64, 128, 256), strict=True):
            total += block(inputs, outputs, True) + (count - 1) * block(outputs, outputs, False)
            inputs = outputs
        total += 256 * 128 + 3 * 128 + 128 * classes + classes
        assert ENTRIES[name].parameters == total
    # 0.72 million are printed in the paper (from memory).
    assert round(ENTRIES["squeezenext-23"].parameters / 1e6, 2) == 0.72


def test_a_separable_network_saves_what_its_3x3_filters_lose() -> None:
    widths = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
    saved = sum(9 * squeeze * expand - (9 * squeeze + squeeze + squeeze * expand) for squeeze, expand in widths)
    assert 740_554 - ENTRIES["squeezenet-10-cifar-separable"].parameters == saved


def test_the_keep_last_table() -> None:
    names = ["vgg19-10-squeezed"] + [f"vgg19-10-keep-last-{k}" for k in range(1, 9)]
    assert tuple(139_611_210 - ENTRIES[name].parameters for name in names) == VGG_DROP
    assert [round(drop / 1e6) for drop in VGG_DROP].count(18) == 1  # so only k = 0 is the report's 18M


def test_the_squeezed_network_has_the_reports_share() -> None:
    assert ENTRIES["squeezenet-10-factor-4"].parameters / ENTRIES["squeezenet-10"].parameters == pytest.approx(
        0.66, abs=0.005
    )


def test_printed_sizes() -> None:
    """4.8 and 13 "MB" are MiB; 19 and 21 round to 10^6 bytes; 5.7 and the complex bypass's 7.7 are neither."""
    for name, unit in (
        ("squeezenet-1.0", "mebibytes"),
        ("squeezenet-sr-0.5", "mebibytes"),
        ("squeezenet-sr-0.75", "megabytes"),
        ("squeezenet-sr-0.5-pct-0.99", "megabytes"),
    ):
        printed = ENTRIES[name].published.megabytes
        digits = 1 if printed == 4.8 else 0
        sizes = {"megabytes": ENTRIES[name].megabytes, "mebibytes": ENTRIES[name].bytes / MIB}
        fits = [name for name, size in sizes.items() if round(size, digits) == printed]
        assert fits == [unit]
    bypass = ENTRIES["squeezenet-complex-bypass"]
    assert bypass.published.megabytes == 7.7
    assert (round(bypass.bytes / MIB, 2), round(bypass.megabytes, 2)) == (6.06, 6.36)
    assert round(ENTRIES["squeezenet-sr-0.5-pct-0.01"].bytes / MIB, 2) == 5.64


@pytest.mark.parametrize("name", ENTRIES)
def test_two_independent_counts(name: str) -> None:
    """The closed form, and torch's count on the built network (operations are twice the multiply-accumulates)."""
    entry = ENTRIES[name]
    resolved = architecture(entry.network, entry.options)
    maps: dict[str, tuple[int, ...]] = {}
    layers: dict[str, int] = {}

    def note(name: str, module: nn.Module, taken: Any, output: torch.Tensor) -> None:
        maps[name] = tuple(output.shape[1:])

    with torch.device("meta"):
        network = build(entry.network, **entry.options).eval()
        modules = [
            part for name in ("features", "avgpool", "classifier") for part in network.get_submodule(name).children()
        ]
        for layer, module in zip(resolved.layers, modules, strict=True):
            module.register_forward_hook(partial(note, layer.name))
            layers[layer.name] = sum(p.numel() for p in module.parameters())
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.empty(1, *entry.input))
    counted = sum(p.numel() for p in network.parameters())
    assert entry.parameters == resolved.parameters == counted
    assert entry.macs == resolved.macs(entry.input) == counter.get_total_flops() / 2
    assert entry.bytes == 4 * counted
    closed = {layer.name: output for layer, _, output in resolved.trace(entry.input)}
    # Dense layers have no map, and the dropout before the first one sees it flattened.
    assert {k: v for k, v in maps.items() if len(v) == 3} == {k: v for k, v in closed.items() if len(maps[k]) == 3}
    assert {k: math.prod(v) for k, v in maps.items()} == {k: math.prod(v) for k, v in closed.items()}
    assert {layer.name: layer.parameters for layer in resolved.layers} == layers

    published = entry.published
    assert published.parameters in (None, counted)
    assert {key: layers[key] for key in published.layers} == published.layers
    assert {key: closed[key] for key in published.maps} == published.maps


@pytest.mark.parametrize("name", RUN)
def test_forward_fingerprint(name: str) -> None:
    entry = ENTRIES[name]
    with torch.device("meta"):
        network = build(entry.network, **entry.options)
    assert agree(entry.fingerprint, tuple(fingerprint(network.to_empty(device="cpu"), entry.input)))


def test_fingerprints_tell_networks_apart() -> None:
    """Two entries have one fingerprint exactly when they are one network at one input."""
    seen: dict[tuple, str] = {}
    for name, entry in ENTRIES.items():
        what = (architecture(entry.network, entry.options).unnamed(), entry.input)
        for (other, size), known in seen.items():
            same = other == what[0] and size == what[1]
            assert agree(entry.fingerprint, ENTRIES[known].fingerprint) == same, (name, known)
        seen.setdefault(what, name)


def test_the_file_is_canonical() -> None:
    assert golden_module.FILE.read_bytes() == encoded(ENTRIES)
    for entry in ENTRIES.values():
        assert canonical(entry.network, entry.options) == entry.options
        assert entry.source


def test_every_network_is_pinned_at_its_own_input() -> None:
    from repro.models import NETWORKS

    pinned = {(e.network, e.input) for e in ENTRIES.values() if not e.options}
    assert pinned >= {(name, input_shape(name, {})) for name in NETWORKS}


def test_remeasuring_reports_and_writes(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    right = ENTRIES["mini-squeezenet"]
    wrong = msgspec.structs.replace(right, parameters=1, macs=2, fingerprint=(1.0,) * 5)
    file = tmp_path / "golden.json"
    monkeypatch.setattr(golden_module, "FILE", file)
    monkeypatch.setattr(golden_module, "golden", lambda: msgspec.json.decode(file.read_bytes(), type=dict[str, Golden]))
    file.write_bytes(encoded({"mini": wrong}))

    assert main([]) == 1
    printed = capsys.readouterr().out
    assert "mini: parameters 1 -> 122,986" in printed
    assert "mini: fingerprint" in printed
    assert json.loads(file.read_bytes())["mini"]["parameters"] == 1  # not written unless asked

    assert main(["--write"]) == 0
    assert main([]) == 0
    written = golden_module.golden()["mini"]
    assert agree(written.fingerprint, right.fingerprint)
    assert msgspec.structs.replace(written, fingerprint=right.fingerprint) == right
