"""Another project's coder: its files are read back, and its absence is one line."""

import sys

import numpy as np
import pytest

from repro.config.specification import Compression
from repro.errors import Failure
from repro.formats import nncodec
from repro.running.kinds.compression import layers_of, stored

from ..compression import examples


def test_without_its_package_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncodec", None)
    with pytest.raises(Failure, match=r"^the coder nncodec needs its package") as caught:
        nncodec.encode(examples.network(), -32)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")  # of its own dependencies
def test_a_finer_step_is_a_larger_file_and_a_smaller_error() -> None:
    pytest.importorskip("nncodec", reason="nncodec is not installed, see repro/formats/nncodec.py")
    original = examples.network()
    sizes, errors = [], []
    for qp in (-40, -20):
        file = stored(original, Compression(coder="nncodec", qp=qp))
        header, layers = layers_of(file, original)
        assert header == len(file.data)
        assert sum(layer.weights + layer.outputs for layer in layers) == original.parameters
        sizes.append(header)
        pairs = zip(original.arrays().values(), file.network.arrays().values(), strict=True)
        errors.append(max(float(np.abs(a - b).max()) for a, b in pairs))
    assert sizes[0] > sizes[1]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("wrong", [{"coder": "nncodec"}, {"coder": "huffman", "qp": -30}])
def test_qp_belongs_to_it_alone(wrong: dict) -> None:
    with pytest.raises(ValueError, match="nncodec"):
        Compression(**wrong)
