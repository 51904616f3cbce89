"""Time encoding and decoding of the whole SqueezeNet by each coder, on one core."""

import time
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from repro import models
from repro.benchmarking.machine import describe, load
from repro.benchmarking.rounds import interleaved, median_interval
from repro.benchmarking.tables import Sheet
from repro.compression import prune, stages
from repro.errors import Failure
from repro.formats import coding, container, files, released
from repro.formats.files import FORMATS, Format
from repro.formats.shared import CompressedNetwork
from repro.progress import Progress, silent
from repro.reporting.table import Column

TARGETS = {"encode": 10.0, "decode": 0.5}  # seconds
ADAPTIVE = {"encode": 10.0, "decode": 1.5}  # of the coder context, which counts while it decodes


def measure(rounds: int, data_dir: Path, progress: Progress = silent) -> list[Sheet]:
    """Let every coder encode and decode the network as often as asked for, in turns, after once to warm up."""
    busy = load()
    network, words = subject(data_dir)
    coders: list[Format] = [coder for coder in FORMATS if available(coder)]
    progress(f"{len(coders)} coders, {rounds} times each")
    sizes = [len(files.encode(network, coder)) for coder in coders]
    found = interleaved([partial(there_and_back, network, coder) for coder in coders], rounds)
    rows = []
    for coder, size, taken in zip(coders, sizes, found, strict=True):
        row = {"coder": coder, "bytes": size}
        for way, seconds in zip(TARGETS, zip(*taken, strict=True), strict=True):
            low, high = median_interval(list(seconds))
            row |= {
                way: median(seconds),
                f"{way}_low": low,
                f"{way}_high": high,
                f"{way}_target": (ADAPTIVE if coder == "context" else TARGETS)[way],
            }
            row[f"{way}_rounds"] = list(seconds)
        rows.append(row)
    columns = [Column("coder"), Column("bytes", align="right", format=",d")]
    for way in TARGETS:
        columns += [
            Column(way, f"{way}, median s", "right", ".3f"),
            Column(f"{way}_low", "from", "right", ".3f"),
            Column(f"{way}_high", "to", "right", ".3f"),
            Column(f"{way}_target", "target, s", "right", ".1f"),
        ]
    notes = [
        f"{words}: {network.parameters:,} parameters, {network.nonzero:,} kept.",
        f"Processor time, {rounds} times each, in turns.",
        "From, to: the 95 % interval of the median, by the order of the values.",
        f"{busy}.",
    ]
    notes += [f"{coder}: its library is not installed." for coder in FORMATS if coder not in coders]
    return [Sheet("compression", "Compressing SqueezeNet, and back", columns, rows, describe(), notes)]


def there_and_back(network: CompressedNetwork, coder: Format) -> tuple[float, float]:
    """Processor seconds of encoding the network into a file's bytes, and of decoding these with every check."""
    began = time.process_time()
    data = files.encode(network, coder)
    encoded = time.process_time()
    files.decode(data, coder)
    return encoded - began, time.process_time() - encoded


def available(coder: Format) -> bool:
    """Whether what the coder needs is installed."""
    if coder == "ans":
        try:
            coding.constriction()
        except Failure:
            return False
    return True


def subject(data_dir: Path) -> tuple[CompressedNetwork, str]:
    """The released network, pruned and with 8-bit codes; where it is not here, one of random weights made like it."""
    path = data_dir / released.FILE
    if path.is_file():
        return released.read(path), "the released SqueezeNet"
    definition = models.architecture(released.NETWORK, released.OPTIONS)
    generator = np.random.default_rng(0)
    tensors = {
        name: generator.normal(size=shape).astype(np.float32)
        for name, shape in container.shapes_of(released.NETWORK, released.OPTIONS).items()
    }
    network = CompressedNetwork(released.NETWORK, released.OPTIONS, tensors, released.INPUTS)
    network = stages.share(stages.prune(network, prune.densities("table1", definition)), 8)
    return network, "a stand-in for the released SqueezeNet, of random weights"
