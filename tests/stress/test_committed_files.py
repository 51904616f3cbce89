"""The compressed files whose records are committed, made again at the price that was found, and read by two readers.

The files are not committed themselves. Other processors sum in another order, which moves a weight here and there: then
a file has other bytes, and hardly more or fewer of them.
"""

import hashlib
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from repro.compression.rounding import Rounder
from repro.formats import files, released
from repro.planning import experiments
from repro.records import Store, compressed
from repro.running.calibrating import calibrated
from repro.running.images import images_for
from repro.running.kinds.compression import compressed as compress

from ..compression import examples
from ..conftest import CHECKOUT
from ..formats import independent


def test_files_made_again_by_their_records_are_read_by_the_independent_reader(data_dir: Path, full, count):
    if not (data_dir / released.FILE).is_file():
        pytest.skip("compressed_SqueezeNet.net is not here: put it into .data/weights")
    original, store, same = released.read(data_dir / released.FILE), Store(CHECKOUT / "results"), 0

    @cache
    def rounder(number: int) -> Rounder:
        seen = images_for(original, original.inputs, data_dir, "calibration", number)
        return Rounder(original, calibrated(original, seen), seen.prepare(seen.images))

    chosen = [
        one for one in experiments.find("paper-table2").variants if one.compress and one.compress.coder == "context"
    ]
    for variant in chosen:
        how = variant.compress
        assert how
        record = compressed.find(store, "paper-table2", variant.name, how)
        assert record
        network, _ = compress(original, replace(how, max_bytes=0, price=record.price), rounder, print)
        data = files.encode(network, "context")
        assert abs(len(data) / record.bytes - 1) < 0.005
        same += hashlib.sha256(data).hexdigest() == record.sha256
        assert examples.same(files.decode(data, "it"), network)
        name, options, tensors = independent.read(data)
        assert (name, options) == (network.network, network.options)
        assert [one.tobytes() for one in tensors] == [one.tobytes() for one in network.arrays().values()]
    count("files of the frontier made again and read alike by the independent reader", len(chosen))
    count("- of these the same, byte for byte, as their records say", same)
