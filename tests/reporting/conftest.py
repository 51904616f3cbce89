"""Invented records: what a results folder looks like after runs, without running any."""

import math
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import pytest

from repro import data, models
from repro.config.specification import NUMERICS, PROTOCOLS, Budget, Run
from repro.planning import plan
from repro.planning.experiments import Experiment
from repro.records import Epoch, Measurement, Record, Store

IMAGES = 10_000


@pytest.fixture(scope="session")
def fill() -> Callable[..., list[Record]]:
    """`write_records`."""
    return write_records


def write_records(
    results: Path, experiment: Experiment, budget: Budget, data_dir: Path, seeds: int | None = None,
    skip: Iterable[str] = (), failing: float = 0.0,
) -> list[Record]:  # fmt: skip
    """Write a record for every run of an experiment at a budget, but for the variants in `skip`.

    failing: the share of runs that collapse (two thirds of them) or diverge.
    """
    store = Store(results)
    written = []
    for cell in plan.cells(experiment, budget, seeds):
        if cell.variant.name in skip:
            continue
        for run in cell.runs:
            # A run that other experiments use too keeps the protocols that they asked for.
            before = store.find(run, data.checksum(run.data, data_dir))
            protocols = {*cell.protocols, *(before.measurements if before else ())}
            record, history = invent(run, budget, sorted(protocols), data_dir, failing)
            store.save(record, history)
            written.append(record)
    return written


def invent(
    run: Run, budget: Budget, protocols: Iterable[str], data_dir: Path, failing: float = 0.0
) -> tuple[Record, list[Epoch]]:
    """A record and a history that look like a training; the same run gives the same."""
    classes = len(data.DATASETS[run.data.name].classes)
    cell = random.Random(msgspec.json.encode(msgspec.structs.replace(run, seed=0), order="deterministic"))
    draw = random.Random(f"{cell.random()}/{run.seed}")
    final = 1 / classes + (0.85 - 1 / classes) * cell.uniform(0.55, 0.98) + draw.gauss(0, 0.008)
    dead = draw.random() < failing
    diverged = dead and draw.random() < 1 / 3
    epochs = run.recipe.epochs if not diverged else max(1, run.recipe.epochs // 2)
    history = []
    for epoch in range(1, epochs + 1):
        grown = 1 - math.exp(-4 * epoch / run.recipe.epochs)
        share = 1 / classes if dead else 1 / classes + (final - 1 / classes) * grown + draw.gauss(0, 0.004)
        history.append(
            Epoch(
                epoch=epoch, learning_rate=run.recipe.learning_rate,
                train_loss=math.nan if diverged and epoch == epochs else math.log(classes) * (1 - share),
                train_accuracy=1 / classes if dead else min(1.0, share * 1.03),
                test_loss=math.log(classes) * (1 - share), test_accuracy=share,
                active_logits=0.0 if dead else 0.4, seconds=7.5,
            )
        )  # fmt: skip
    measurements = {}
    for protocol in protocols:
        lower = 0.0 if PROTOCOLS[protocol].mode == "eval" else 0.06 if PROTOCOLS[protocol].batch == 1 else 0.03
        if diverged and protocol != "described":
            continue
        share = history[-1].test_accuracy - (0 if dead else lower)
        total = [IMAGES // classes] * classes
        measurements[protocol] = Measurement(
            protocol=PROTOCOLS[protocol], correct=[round(share * n) for n in total], total=total,
            loss=None if diverged else 1.0, active_logits=0.3, epoch=epochs,
        )  # fmt: skip
    checksum = data.checksum(run.data, data_dir) or "invented"
    record = Record(
        identity=run.identity(checksum), run=run, checksum=checksum, numerics=NUMERICS,
        status="diverged" if diverged else "collapsed" if dead else "done",
        parameters=models.parameter_count(run.model.name, **run.model.options), measurements=measurements,
        seconds=7.5 * epochs, images_per_second=900.0, finished=f"2026-11-{10 + run.seed % 20:02d}T12:00:00+00:00",
        environment={
            "repro": "0.1.0", "python": "3.11.9", "torch": "2.15.0", "platform": "Linux", "threads": 2,
            "device": "cuda" if budget == "paper" else "cpu", "commit": "0123456789abcdef0123456789abcdef01234567",
            "device_name": "a graphics processor" if budget == "paper" else "a processor", "dirty": False,
        },
    )  # fmt: skip
    return record, history
