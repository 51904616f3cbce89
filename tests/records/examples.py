"""A record and its history for the tests of this folder."""

import msgspec

from repro.planning.specification import NUMERICS, PROTOCOLS, Data, Model, Recipe, Run
from repro.records import Epoch, Measurement, Record

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
