"""Weights read from every kind of file, refused where they do not fit or would run code, and written back."""

import os
import pickle
import struct
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn
from torchvision import models as torchvision_models

from repro.errors import BadInput, Failure
from repro.formats import caffe
from repro.formats.weights import import_weights, load, save
from repro.models import architecture, build

NETWORK, OPTIONS = "squeezenet", {"classes": 10, "compression": 0.125, "stem": "cifar"}
KERAS_NAMES = {"squeeze1x1": "squeeze", "expand1x1": "expand_1x1", "expand3x3": "expand_3x3"}


@pytest.fixture
def module() -> nn.Module:
    """A small SqueezeNet whose biases are not zero, so that a lost bias shows."""
    torch.manual_seed(1)
    module = build(NETWORK, **OPTIONS).eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.1)
    return module


def arrays(module: nn.Module, network: str = NETWORK, options: dict = OPTIONS) -> dict[str, list[np.ndarray]]:
    """Weight and bias of each layer by its published name, in torch's layout."""
    state = module.state_dict()
    paths = architecture(network, options).paths()
    return {layer: [state[f"{path}.{kind}"].numpy() for kind in ("weight", "bias")] for layer, path in paths.items()}


def same(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks hold the same numbers."""
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# --- writers of the foreign files -------------------------------------------------------------------------------------


def write_caffemodel(path: Path, layers: dict[str, list[np.ndarray]], legacy: bool = False, groups: int = 1) -> None:
    """A .caffemodel of either generation; the old one pads every shape to four numbers with leading ones."""
    net = caffe.message_class("NetParameter")(name="test")
    for name, blobs in layers.items():
        layer = (net.layers if legacy else net.layer).add(name=name, type=4 if legacy else "Convolution")
        if groups > 1:
            layer.convolution_param.group = groups
        for array in blobs:
            blob = layer.blobs.add(data=array.ravel().tolist())
            if legacy:
                padded = (1, 1, 1, 1, *array.shape)[-4:]
                blob.num, blob.channels, blob.height, blob.width = padded
            else:
                blob.shape.dim.extend(array.shape)
    path.write_bytes(net.SerializeToString())


def write_keras(path: Path, layers: dict[str, list[np.ndarray]], whole: bool = False, third: bool = False) -> None:
    """A Keras .h5, weights alone or a whole model, with the first seed's layer names or the third's."""
    h5py = pytest.importorskip("h5py", reason="the keras extra is not installed")
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        names = []
        for layer, (weight, bias) in layers.items():
            fire, slash, part = layer.partition("/")
            name = f"{fire}_{KERAS_NAMES[part]}" if third and slash else layer
            name = "conv" if layer == "conv1" and not third else name
            names.append(name)
            group = root.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            group.create_dataset(f"{name}/kernel:0", data=weight.transpose(2, 3, 1, 0))
            group.create_dataset(f"{name}/bias:0", data=bias)
        root.create_group("maxpool1").attrs["weight_names"] = np.array([], dtype="S1")
        root.attrs["layer_names"] = [name.encode() for name in [*names, "maxpool1"]]


WRITERS: dict[str, Callable[[Path, nn.Module], None]] = {
    ".pth": lambda path, module: torch.save(module.state_dict(), path),
    ".pt": lambda path, module: torch.save(
        {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in module.state_dict().items()}}, path
    ),
    ".safetensors": lambda path, module: safetensors.torch.save_file(module.state_dict(), path),
    ".h5": lambda path, module: write_keras(path, arrays(module)),
    ".hdf5": lambda path, module: write_keras(path, arrays(module), whole=True, third=True),
    ".caffemodel": lambda path, module: write_caffemodel(path, arrays(module)),
}


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_kind_of_file_gives_its_weights_back(suffix: str, module: nn.Module, tmp_path: Path):
    path = tmp_path / f"weights{suffix}"
    WRITERS[suffix](path, module)
    imported = import_weights(path, NETWORK, OPTIONS)
    assert same(imported.module, module)
    assert not imported.module.training


def test_an_old_caffemodel_gives_its_weights_back(module: nn.Module, tmp_path: Path):
    path = tmp_path / "old.caffemodel"
    write_caffemodel(path, arrays(module), legacy=True)
    assert same(import_weights(path, NETWORK, OPTIONS).module, module)


def test_an_old_dense_layer_is_a_matrix(tmp_path: Path):
    path = tmp_path / "old.caffemodel"
    weight, bias = np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(3, dtype=np.float32)
    write_caffemodel(path, {"fc8": [weight, bias]}, legacy=True)
    (layer,) = caffe.read(path)
    np.testing.assert_array_equal(layer.arrays[0], weight)
    np.testing.assert_array_equal(layer.arrays[1], bias)


def field(number: int, content: bytes | int) -> bytes:
    """One field on the wire: a varint key, then a varint, or a length and that many bytes."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Seven bits to a byte, lowest first; the highest bit says that more follow."""
    rest, low = value >> 7, value & 127
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


@pytest.mark.parametrize("legacy", [False, True])
def test_a_caffemodel_encoded_by_hand_is_read(legacy: bool, tmp_path: Path):
    """The bytes follow Caffe's caffe.proto and the wire format alone, fields that are not read included."""
    numbers = struct.pack("<6f", 1, 2, 3, 4, 5, -6.5)
    if legacy:
        blob = field(1, 1) + field(2, 3) + field(3, 1) + field(4, 2) + field(5, numbers)
        layer = field(2, b"data") + field(4, b"conv1") + field(5, 4) + field(6, blob) + field(10, field(5, 2))
        net = field(1, b"by hand") + field(2, layer)
    else:
        blob = field(5, numbers) + field(7, field(1, varint(1) + varint(3) + varint(1) + varint(2)))
        layer = field(1, b"conv1") + field(2, b"Convolution") + field(3, b"data") + field(7, blob)
        net = field(1, b"by hand") + field(100, layer + field(106, field(1, 1) + field(5, 2)))
    path = tmp_path / "hand.caffemodel"
    path.write_bytes(net)
    (read,) = caffe.read(path)
    assert (read.name, read.groups) == ("conv1", 2)
    np.testing.assert_array_equal(read.arrays[0], np.array([1, 2, 3, 4, 5, -6.5], np.float32).reshape(1, 3, 1, 2))


def test_keras_kernels_are_turned_from_hwio(tmp_path: Path):
    """Output 4 of the expand layer sees input 2 through the kernel's row 0, column 1."""
    h5py = pytest.importorskip("h5py", reason="the keras extra is not installed")
    from repro.formats import keras

    kernel = np.zeros((3, 3, 5, 6), np.float32)
    kernel[0, 1, 2, 4] = 7
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file.attrs["layer_names"] = [b"layer"]
        file.create_group("layer").attrs["weight_names"] = [b"layer/kernel:0"]
        file["layer"].create_dataset("layer/kernel:0", data=kernel)
    found = keras.read(tmp_path / "one.h5")["layer"]["weight"]
    assert found.shape == (6, 5, 3, 3)
    assert found[4, 2, 0, 1] == 7


def test_the_first_seed_s_keras_file_fits_its_network(tmp_path: Path):
    module = build("mini-squeezenet")
    write_keras(tmp_path / "mini.h5", arrays(module, "mini-squeezenet", {}))
    imported = import_weights(tmp_path / "mini.h5", "mini-squeezenet", {})
    assert same(imported.module, module)
    assert imported.notes == ("Keras takes RGB images from 0 to 1",)


def test_torchvision_s_squeezenet_computes_the_same_here(tmp_path: Path):
    theirs = torchvision_models.squeezenet1_1(num_classes=10).eval()
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    ours = import_weights(tmp_path / "theirs.pth", "squeezenet", {"version": "1.1", "classes": 10}).module
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images), rtol=0, atol=1e-5)


def test_layers_of_alexnet_and_vgg19_have_caffe_s_names():
    alexnet, vgg19 = architecture("alexnet", {}).paths(), architecture("vgg19", {}).paths()
    assert [alexnet[f"conv{i}"] for i in range(1, 6)] == [f"features.{i}" for i in (0, 3, 6, 8, 10)]
    assert [alexnet[f"fc{i}"] for i in (6, 7, 8)] == [f"classifier.{i}" for i in (1, 4, 6)]
    assert (vgg19["conv1_1"], vgg19["conv5_4"], vgg19["fc8"]) == ("features.0", "features.34", "classifier.6")


def test_the_reader_is_told_of_channel_order_and_pools(module: nn.Module, tmp_path: Path):
    write_caffemodel(tmp_path / "a.caffemodel", arrays(module))
    assert len(import_weights(tmp_path / "a.caffemodel", NETWORK, OPTIONS).notes) == 1
    floor = OPTIONS | {"ceil_mode": False}
    assert "rounds the size of pooled maps up" in import_weights(tmp_path / "a.caffemodel", NETWORK, floor).notes[1]


def test_importing_draws_nothing_from_torch_s_generator(module: nn.Module, tmp_path: Path):
    torch.save(module.state_dict(), tmp_path / "a.pth")
    before = torch.random.get_rng_state()
    import_weights(tmp_path / "a.pth", NETWORK, OPTIONS)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_batch_norm_s_counter_may_be_missing(tmp_path: Path):
    options = OPTIONS | {"batch_norm": ["conv1"]}
    module = build(NETWORK, **options)
    state = {name: value for name, value in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert len(state) == len(module.state_dict()) - 1
    torch.save(state, tmp_path / "a.pth")
    assert same(import_weights(tmp_path / "a.pth", NETWORK, options).module, module)


# --- refusing ---------------------------------------------------------------------------------------------------------


class Hostile:
    """Unpickling this creates a file."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_hostile_pickle_is_refused_unrun(zipped: bool, tmp_path: Path):
    marker, path = tmp_path / "marker", tmp_path / "hostile.pth"
    torch.save({"features.0.weight": Hostile(marker)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(Failure, match=r"asks to run \w+\.mkdir: refused") as caught:
        import_weights(path, NETWORK, OPTIONS)
    assert "\n" not in str(caught.value)
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists(), "the file is harmless, so the test shows nothing"


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"state_dict": 3}, {"a": {"b": torch.zeros(1)}}, {"a": "text"}])
def test_a_pth_of_other_things_is_refused(content: object, tmp_path: Path):
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(Failure, match="not a state dict"):
        import_weights(tmp_path / "a.pth", NETWORK, OPTIONS)


def test_tensors_without_numbers_are_refused(module: nn.Module, tmp_path: Path):
    torch.save({name: tensor.to("meta") for name, tensor in module.state_dict().items()}, tmp_path / "a.pth")
    with pytest.raises(Failure, match="not a state dict"):
        import_weights(tmp_path / "a.pth", NETWORK, OPTIONS)


@pytest.mark.parametrize("protocol", range(6))
def test_a_plain_pickle_as_pth_is_refused_without_a_warning(protocol: int, tmp_path: Path):
    (tmp_path / "a.pth").write_bytes(pickle.dumps({"features.0.weight": [1.0]}, protocol))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(Failure, match=r"a\.pth is damaged"):
            import_weights(tmp_path / "a.pth", NETWORK, OPTIONS)
    assert not warned


@pytest.mark.parametrize("kind", ["link", "link above", "storage", "virtual"])
def test_a_keras_file_that_leads_out_of_itself_is_refused(kind: str, module: nn.Module, tmp_path: Path):
    h5py = pytest.importorskip("h5py", reason="the keras extra is not installed")
    write_keras(tmp_path / "other.h5", arrays(module))
    write_keras(tmp_path / "a.h5", arrays(module))
    name, place = "conv/kernel:0", "conv/conv/kernel:0"
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        shape = file[place].shape
        if kind == "link above":
            del file["conv"]
            file["conv"] = h5py.ExternalLink("other.h5", "conv")
        else:
            del file[place]
        if kind == "link":
            file[place] = h5py.ExternalLink("other.h5", place)
        elif kind == "storage":
            file.create_dataset(place, shape, "f4", external=[(str(tmp_path / "other.h5"), 0, h5py.h5f.UNLIMITED)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout(shape, "f4")
            layout[:] = h5py.VirtualSource("other.h5", place, shape)
            file.create_virtual_dataset(place, layout)
    where = {"link": f"{place} is a link to", "link above": "conv is a link to"}.get(kind, f"{name} of conv lies in")
    with pytest.raises(Failure, match=rf"a\.h5: {where} another file, which is not read$"):
        import_weights(tmp_path / "a.h5", NETWORK, OPTIONS)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("damage", ["half", "garbage", "empty", "folder", "missing"])
def test_a_damaged_file_is_one_line(suffix: str, damage: str, module: nn.Module, tmp_path: Path):
    path = tmp_path / f"weights{suffix}"
    WRITERS[suffix](path, module)
    content = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "missing":
        garbage = np.random.default_rng(0).bytes(5000)
        path.write_bytes({"half": content[: len(content) // 2], "garbage": garbage, "empty": b""}[damage])
    with pytest.raises(Failure) as caught:
        import_weights(path, NETWORK, OPTIONS)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", WRITERS)
def test_another_shape_is_named_with_both_shapes(suffix: str, module: nn.Module, tmp_path: Path):
    path = tmp_path / f"weights{suffix}"
    WRITERS[suffix](path, module)
    with pytest.raises(Failure) as caught:
        import_weights(path, NETWORK, OPTIONS | {"classes": 7})
    assert "conv10 weight is [10, 64, 1, 1] in the file and [7, 64, 1, 1] in the network" in str(caught.value)
    assert "conv10 bias is [10] in the file and [7] in the network" in str(caught.value)
    assert "fire" not in str(caught.value)


def test_missing_and_unexpected_layers_are_named(module: nn.Module, tmp_path: Path):
    layers = arrays(module)
    layers["fire10/squeeze1x1"] = layers.pop("fire3/expand3x3")
    write_caffemodel(tmp_path / "a.caffemodel", layers)
    with pytest.raises(Failure) as caught:
        import_weights(tmp_path / "a.caffemodel", NETWORK, OPTIONS)
    assert "fire3/expand3x3 weight is missing; fire3/expand3x3 bias is missing" in str(caught.value)
    assert "fire10/squeeze1x1 weight is not in the network" in str(caught.value)


def test_a_long_list_of_differences_is_cut(module: nn.Module, tmp_path: Path):
    torch.save({}, tmp_path / "a.pth")
    with pytest.raises(Failure, match=r"conv1 weight is missing; .*; and 48 more$"):
        import_weights(tmp_path / "a.pth", NETWORK, OPTIONS)


def test_a_caffemodel_whose_blob_has_another_size_than_its_shape_is_damaged(tmp_path: Path):
    net = caffe.message_class("NetParameter")()
    net.layer.add(name="conv1").blobs.add(data=[1, 2, 3]).shape.dim.extend([2, 2])
    (tmp_path / "a.caffemodel").write_bytes(net.SerializeToString())
    with pytest.raises(Failure, match=r"damaged: conv1 states the shape \[2, 2\] and holds 3 numbers"):
        import_weights(tmp_path / "a.caffemodel", NETWORK, OPTIONS)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ([1] * 65, "states a shape of 65 dimensions"),
        ([3] * 100_000, "states a shape of 100,000 dimensions"),
        ([0, 2**62, 2**62], r"states the shape \[0, 4611686018427387904, 4611686018427387904\] and holds 0 numbers"),
        ([-1, -1], r"states the shape \[-1, -1\] and holds 1 numbers"),
        ([2**62] * 8, "and holds 1 numbers"),
    ],
)
def test_a_caffemodel_of_impossible_shapes_is_refused_at_once(shape: list[int], words: str, tmp_path: Path):
    net = caffe.message_class("NetParameter")()
    blob = net.layer.add(name="conv1").blobs.add(data=[] if shape[0] == 0 else [1])
    blob.shape.dim.extend(shape)
    (tmp_path / "a.caffemodel").write_bytes(net.SerializeToString())
    began = time.monotonic()
    with pytest.raises(Failure, match=words) as caught:
        import_weights(tmp_path / "a.caffemodel", NETWORK, OPTIONS)
    assert time.monotonic() - began < 5
    assert len(str(caught.value)) < 1000


def test_a_caffemodel_of_countless_layers_is_refused_at_once(tmp_path: Path):
    net = caffe.message_class("NetParameter")()
    for index in range(200_000):
        net.layer.add(name=f"layer{index}").blobs.add(data=[1]).shape.dim.append(1)
    (tmp_path / "a.caffemodel").write_bytes(net.SerializeToString())
    began = time.monotonic()
    with pytest.raises(Failure, match=r"a\.caffemodel has 200,000 layers; at most 10,000 are read$"):
        import_weights(tmp_path / "a.caffemodel", NETWORK, OPTIONS)
    assert time.monotonic() - began < 5


def test_convolutions_in_groups_are_refused(tmp_path: Path):
    write_caffemodel(tmp_path / "a.caffemodel", {"conv2": [np.zeros((4, 2, 1, 1), np.float32)]}, groups=2)
    with pytest.raises(Failure, match=r"convolutions in groups \(conv2 in 2\)"):
        import_weights(tmp_path / "a.caffemodel", "alexnet", {})


def test_keras_files_are_not_read_into_dense_networks(tmp_path: Path):
    with pytest.raises(BadInput, match="networks without dense layers only"):
        import_weights(tmp_path / "a.h5", "vgg19", {})


def test_an_unknown_suffix_names_a_near_one(tmp_path: Path):
    with pytest.raises(BadInput, match=r"'\.safetensor'; did you mean '\.safetensors'\?"):
        import_weights(tmp_path / "a.safetensor", NETWORK, OPTIONS)


@pytest.mark.parametrize(
    ("package", "suffix", "extra"), [("h5py", ".h5", "keras"), ("google.protobuf", ".caffemodel", "caffe")]
)
def test_a_missing_package_names_its_extra(
    package: str, suffix: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    caffe.message_class.cache_clear()
    monkeypatch.setitem(sys.modules, package, None)
    path = tmp_path / f"a{suffix}"
    path.touch()
    with pytest.raises(Failure, match=rf"pip install 'squeezenet-repro\[{extra}\]'"):
        import_weights(path, NETWORK, OPTIONS)


# --- keeping ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ("squeezenet", OPTIONS),
        ("squeezenet", {"classes": 3, "bypass": "complex", "remove": "2,fire5", "batch_norm": ["conv1", "squeeze"]}),
        ("mini-squeezenet", {}),
        ("preact-squeezenet", {}),
    ],
)
def test_a_saved_network_is_rebuilt_from_its_file_alone(network: str, options: dict, tmp_path: Path):
    module = build(network, **options)
    save(module, tmp_path / "kept.safetensors", network, options)
    again = load(tmp_path / "kept.safetensors")
    assert same(again, module)
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(again(images), module.eval()(images))


def test_the_file_says_what_it_holds(module: nn.Module, tmp_path: Path):
    save(module, tmp_path / "kept.safetensors", NETWORK, OPTIONS)
    with safetensors.safe_open(tmp_path / "kept.safetensors", "pt") as file:
        metadata = file.metadata()
    assert metadata["network"] == NETWORK
    assert metadata["options"] == '{"classes": 10, "compression": 0.125, "stem": "cifar"}'


def test_saving_under_wrong_options_keeps_the_old_file(module: nn.Module, tmp_path: Path):
    path = tmp_path / "kept.safetensors"
    save(module, path, NETWORK, OPTIONS)
    before = path.read_bytes()
    with pytest.raises(Failure, match="conv10 weight"):
        save(module, path, NETWORK, OPTIONS | {"classes": 7})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.glob("*.safetensors*")] == [path.name]


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {"network": "squeezenet"},
        {"network": "squeezenet", "options": "{"},
        {"network": "squeezenet", "options": "[]"},
    ],
)
def test_a_file_that_does_not_say_its_network_is_refused(metadata: dict | None, module: nn.Module, tmp_path: Path):
    safetensors.torch.save_file(module.state_dict(), tmp_path / "a.safetensors", metadata)
    with pytest.raises(Failure, match="does not say which network it holds"):
        load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"options": "[" * 100_000 + "]" * 100_000}, "does not say which network it holds"),
        ({"inputs": "[" * 100_000 + "]" * 100_000}, "does not say which network it holds"),
        ({"network": "squeezenot"}, "holds a network that is not known here: unknown network 'squeezenot'"),
        ({"options": f'{{"classes": {10**23}}}'}, "holds a network that is not known here: squeezenet: option classes"),
    ],
)
def test_a_file_that_says_what_cannot_be_is_refused(changes: dict, words: str, module: nn.Module, tmp_path: Path):
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file(module.state_dict(), path, {"network": NETWORK, "options": "{}", **changes})
    with pytest.raises(Failure, match=rf"a\.safetensors {words}") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_kept_file_is_one_line(tmp_path: Path):
    (tmp_path / "a.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(Failure, match=r"^\S+a\.safetensors is damaged or not a safetensors file$"):
        load(tmp_path / "a.safetensors")


def test_a_disk_that_fills_up_while_weights_are_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fill(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half a file")
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", fill)
    with pytest.raises(Failure, match=r"cannot write .*w\.safetensors: .*No space left"):
        save(build("mini-squeezenet"), tmp_path / "w.safetensors", "mini-squeezenet", {})
    assert list(tmp_path.iterdir()) == []
