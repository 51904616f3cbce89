r"""Files of NNCodec, Fraunhofer's reference for ISO/IEC 15938-17: another coder of networks, to compare with.

The package `nncodec` is not among this project's extras: it asks for NumPy 1. Without that condition it runs as it is:

    pip install --no-deps nncodec opencv-python-headless ptflops torchmetrics lightning-utilities scikit-learn joblib \
        threadpoolctl cloudpickle tqdm
"""

import tempfile
from pathlib import Path

import numpy as np

from repro.errors import Failure
from repro.formats.shared import CompressedNetwork


def encode(network: CompressedNetwork, qp: int) -> bytes:
    """The bit stream at a quantisation parameter: a weight's step is about 2**(qp / 4); biases keep their default.

    Everything else is NNCodec's default: trellis quantisation, no retraining, no images.

    Raises:
        Failure: nncodec is not installed.
    """
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in network.arrays().items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "network.nnc")
        _codec().compress(arrays, str(file), qp=qp, use_dq=True, row_skipping=True, verbose=False)
        return file.read_bytes()


def decode(data: bytes, network: CompressedNetwork) -> CompressedNetwork:
    """The network in a bit stream that `encode` made of `network`, whose names and options the stream does not carry.

    Raises:
        Failure: nncodec is not installed.
    """
    found = _codec().decompress(bytearray(data))
    tensors = {name: np.asarray(found[name], np.float32) for name in network.tensors}
    return CompressedNetwork(network.network, network.options, tensors, network.inputs)


def _codec():
    try:
        from nncodec import nnc  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise Failure(f"the coder nncodec needs its package, see repro/formats/nnc.py ({error})") from error
    return nnc
