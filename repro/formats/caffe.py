"""Read `.caffemodel` files: a protocol buffer of which six messages matter here.

The messages are declared at run time, so neither Caffe nor a generated module is needed. Fields that are not declared
are skipped by their wire type. Both generations of files are read: `layer` (named types, blobs with a `shape`) and the
older `layers` (numbered types, blobs with `num`, `channels`, `height` and `width`).
"""

import math
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from repro.errors import Failure, to_install

LAYERS = 10_000  # of a file, at most; the networks here have fewer than 200
DIMENSIONS = 8  # of a blob, at most; the blobs of convolutions and dense layers have up to four

# message: {field: (number, type, repeated)}, as in Caffe's caffe.proto.
MESSAGES: dict[str, dict[str, tuple[int, str, bool]]] = {
    "NetParameter": {
        "name": (1, "string", False),
        "layers": (2, "V1LayerParameter", True),
        "layer": (100, "LayerParameter", True),
    },
    "LayerParameter": {
        "name": (1, "string", False),
        "type": (2, "string", False),
        "blobs": (7, "BlobProto", True),
        "convolution_param": (106, "ConvolutionParameter", False),
    },
    "V1LayerParameter": {
        "name": (4, "string", False),
        "type": (5, "int32", False),
        "blobs": (6, "BlobProto", True),
        "convolution_param": (10, "ConvolutionParameter", False),
    },
    "ConvolutionParameter": {"group": (5, "uint32", False)},
    "BlobProto": {
        "num": (1, "int32", False),
        "channels": (2, "int32", False),
        "height": (3, "int32", False),
        "width": (4, "int32", False),
        "data": (5, "float", True),
        "shape": (7, "BlobShape", False),
    },
    "BlobShape": {"dim": (1, "int64", True)},
}


class Layer(NamedTuple):
    """A layer with weights: [C_out, C_in / groups, height, width] or [out, in], then the bias [C_out] if it has one."""

    name: str
    arrays: list[np.ndarray]
    groups: int


@cache
def message_class(name: str) -> Any:
    """The class that reads and writes one of `MESSAGES`. Raises Failure where protobuf is not installed."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError as error:
        raise Failure(f"reading .caffemodel files needs protobuf: {to_install('caffe')}") from error
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for message, fields in MESSAGES.items():
        declaration = file.message_type.add(name=message)
        for field, (number, kind, repeated) in fields.items():
            entry = declaration.field.add(name=field, number=number, label=3 if repeated else 1)
            if kind in MESSAGES:
                entry.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
                entry.type_name = f".caffe.{kind}"
            else:
                entry.type = getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind.upper()}")
                entry.options.packed = repeated
    # A pool of its own: the process-wide one may hold the declarations of a real Caffe.
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"caffe.{name}"))


def read(path: Path) -> list[Layer]:
    """The layers with weights, in the file's order.

    Raises:
        Failure: the file is not readable, not a whole .caffemodel, has more than `LAYERS` layers, or holds a blob of
            another size than it states.
    """
    net = message_class("NetParameter")()
    from google.protobuf.message import DecodeError  # once protobuf is known to be there

    try:
        net.ParseFromString(path.read_bytes())
    except OSError as error:
        raise Failure(f"cannot read {path}: {error.strerror or error}") from error
    except DecodeError as error:
        raise Failure(f"{path} is damaged or not a .caffemodel file") from error
    count = len(net.layer) + len(net.layers)
    if count > LAYERS:
        raise Failure(f"{path} has {count:,} layers; at most {LAYERS:,} are read")
    layers = [
        Layer(
            layer.name,
            [array(blob, layer.name, path) for blob in layer.blobs[:2]],  # no layer here has a third
            layer.convolution_param.group or 1,
        )
        for layer in [*net.layer, *net.layers]
        if layer.blobs
    ]
    if not layers:
        raise Failure(f"{path} holds no layer with weights (Caffe's upgrade_net_proto_binary converts files of 2013)")
    return layers


def array(blob: Any, layer: str, path: Path) -> np.ndarray:
    """A blob's numbers, float32. The leading ones with which old files pad vectors and matrices are dropped."""
    if blob.HasField("shape"):
        shape = list(blob.shape.dim)
    else:
        shape = [blob.num, blob.channels, blob.height, blob.width]
        if shape[:2] == [1, 1]:
            shape = shape[3:] if shape[2] == 1 else shape[2:]
    # Checked before anything is multiplied: of hostile files, the product alone could take hours.
    if len(shape) > DIMENSIONS:
        raise Failure(f"{path} is damaged: {layer} states a shape of {len(shape):,} dimensions")
    count = len(blob.data)
    # A size of 0 is no layer's, and would let the other sizes be anything.
    if min(shape, default=1) < 1 or math.prod(shape) != count:
        raise Failure(f"{path} is damaged: {layer} states the shape {shape} and holds {count} numbers")
    return np.fromiter(blob.data, np.float32, count).reshape(shape)
