"""Another project's coder: its files are read back, and its absence is one line."""

import sys

import numpy as np
import pytest

from repro.config.specification import Compression
from repro.errors import Failure
from repro.formats import nnc
from repro.running.kinds.compression import written

from ..compression import examples


def test_without_its_package_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncodec", None)
    with pytest.raises(Failure, match=r"^the coder nncodec needs its package") as caught:
        nnc.encode(examples.network(), -32)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")  # of its own dependencies
def test_a_finer_step_is_a_larger_file_and_a_smaller_error() -> None:
    pytest.importorskip("nncodec", reason="nncodec is not installed, see repro/formats/nnc.py")
    original = examples.network()
    sizes, errors = [], []
    for qp in (-40, -20):
        file = written(original, Compression(coder="nncodec", qp=qp), original)
        assert file.header == file.bytes
        assert sum(layer.weights + layer.outputs for layer in file.layers) == original.parameters
        sizes.append(file.bytes)
        pairs = zip(original.arrays().values(), file.network.arrays().values(), strict=True)
        errors.append(max(float(np.abs(a - b).max()) for a, b in pairs))
    assert sizes[0] > sizes[1]
    assert errors[0] < errors[1]


@pytest.mark.parametrize("wrong", [{"coder": "nncodec"}, {"coder": "huffman", "qp": -30}])
def test_qp_belongs_to_it_alone(wrong: dict) -> None:
    with pytest.raises(ValueError, match="nncodec"):
        Compression(**wrong)
