"""Records for the tests of this folder and others: of a training with its history, a compressed file, weights."""

import msgspec

from repro.config.specification import NUMERICS, PROTOCOLS, Data, Model, Recipe, Run
from repro.planning import experiments
from repro.records import Epoch, Measurement, Record
from repro.records.compressed import Answers, CompressedRecord, Layer
from repro.records.weights import WeightsRecord

RUN = Run(model=Model(name="squeezenet", options={"classes": 10}), data=Data(name="cifar10"), recipe=Recipe())
HISTORY = [
    Epoch(
        epoch=1, learning_rate=0.1, train_loss=2.0, train_accuracy=0.25, test_loss=1.5, test_accuracy=0.5,
        active_logits=0.75, seconds=3.0,
    )
]  # fmt: skip


def record(run: Run = RUN, checksum: str = "abc", **changes) -> Record:
    measurement = Measurement(
        protocol=PROTOCOLS["described"], correct=[3, 4], total=[10, 5], loss=1.0, active_logits=0.5, epoch=1
    )
    made = Record(
        identity=run.identity(checksum),
        run=run,
        checksum=checksum,
        numerics=NUMERICS,
        status="done",
        parameters=7,
        measurements={"described": measurement},
        seconds=3.0,
        images_per_second=100.0,
        finished="2026-01-01T00:00:00+00:00",
        environment={"device": "cpu"},
    )
    return msgspec.structs.replace(made, **changes)


def compressed_record(variant: str, size: int, lost: float, **changes) -> CompressedRecord:
    """A file of the released SqueezeNet as a variant of `paper-table2` makes it, with five layers."""
    how = experiments.find("paper-table2").variant(variant).compress
    assert how
    names = ("conv1", "fire2/expand3x3", "fire6/squeeze1x1", "fire9/expand3x3", "conv10")
    layers = tuple(
        Layer(
            layer=name, weights=1_000, kept=400, outputs=10, values=32, codebook=64, tables=5, codes=300, index=150,
            biases=20, reach=1.0, histogram=(1,) * 61,
        )
        for name in names
    )  # fmt: skip
    answers = Answers(
        images="photographs", checksum="", total=100, top1=70, top5=90, hits="", against=71, lost=lost, low=lost - 1,
        high=lost + 1, agreement=0.9, divergence=0.01 * lost, divergence_low=0.008 * lost, divergence_high=0.02 * lost,
        lost5=lost / 2, low5=0.0, high5=lost,
    )  # fmt: skip
    made = CompressedRecord(
        experiment="paper-table2", variant=variant, compression=how, source="", network="squeezenet", price=0.0,
        parameters=1_248_424, bytes=size, header=max(0, size - 5 * 539), sha256="", layers=layers, answers=answers,
        encode_seconds=1.0, decode_seconds=0.1, finished="2026-01-01", environment={"device_name": "a"},
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def weights_record(**changes) -> WeightsRecord:
    """zshancock's weights, right on 7 of 15 images."""
    experiment = experiments.find("published-weights")
    variant = experiment.variant("mini-squeezenet")
    run = experiments.resolve(experiment, variant, "paper")
    assert variant.weights
    measurement = Measurement(
        protocol=PROTOCOLS["described"], correct=[3, 4], total=[10, 5], loss=1.0, active_logits=0.5, epoch=0, top5=15
    )
    made = WeightsRecord(
        experiment=experiment.name, variant=variant.name, file=variant.weights.file, sha256=variant.weights.sha256,
        model=run.model, data=run.data, checksum="abc", numerics=NUMERICS, parameters=7, measurement=measurement,
        hits="fe00", seconds=1.0, finished="2026-01-01", environment={"device_name": "a"},
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)
