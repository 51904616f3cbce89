"""Experiments of kind `weights`: published weights are imported and measured on test images; nothing is trained."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from repro import data
from repro.config.specification import NUMERICS, PROTOCOLS, Data
from repro.data import ImageSet, find, weights
from repro.data.augment import Pipeline
from repro.data.catalogue import DatasetInfo, moments
from repro.data.streaming import PhotographSet
from repro.errors import Failure
from repro.formats.weights import import_weights
from repro.planning import experiments
from repro.planning.experiments import Experiment, Variant
from repro.progress import Progress
from repro.records import Store, variants
from repro.records.environment import describe
from repro.records.weights import WeightsRecord
from repro.running.registry import register
from repro.training.evaluation import measure


@register("weights")
def carry_out(
    experiment: Experiment,
    due: Sequence[Variant],
    store: Store,
    data_dir: Path,
    device: torch.device,
    progress: Progress,
) -> int:
    """Measure variants; records are written one by one. The number of variants that failed, each named in a line."""
    failures = 0
    for variant in due:
        try:
            record = measured(experiment, variant, data_dir, device)
            variants.save(store.folder.parent, record)
        except Failure as failure:
            progress(f"{experiment.name}/{variant.name}: {failure}")
            failures += 1
        else:
            progress(f"{variant.name}: {record.measurement.accuracy:.2f} % of {record.total:,} images")
    return failures


def measured(experiment: Experiment, variant: Variant, data_dir: Path, device: torch.device) -> WeightsRecord:
    """The record of one variant.

    Raises:
        Failure: the file is another one than was published, does not fit the network, or images are not here.
    """
    assert variant.weights is not None
    run = experiments.resolve(experiment, variant, "paper")
    sha256 = weights.verified(variant.weights, data_dir)
    path = data_dir / weights.FOLDER / variant.weights.file
    network = import_weights(path, run.model.name, run.model.options).module
    network = network.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    began = time.monotonic()
    images, info = test_images(run.data, data_dir)
    mean, std = moments(run.data.normalisation, info.mean, info.std)
    channels = run.model.options.get("channels", 3)
    pipeline = Pipeline(run.data.pixels, channels, mean, std, reverse=run.data.normalisation == "caffe").to(device)
    hits: list[Tensor] = []
    measurement = measure(
        network,
        images.to(device),
        pipeline,
        PROTOCOLS["described"],
        len(info.classes),
        seed=0,
        epoch=0,
        seen=lambda logits, labels: hits.append((logits.argmax(1) == labels).cpu()),
    )
    checksum = weights.checksum(run.data, data_dir)
    assert checksum is not None  # the images are here
    return WeightsRecord(
        experiment=experiment.name,
        variant=variant.name,
        file=variant.weights.file,
        sha256=sha256,
        model=run.model,
        data=run.data,
        checksum=checksum,
        numerics=NUMERICS,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        measurement=measurement,
        hits=np.packbits(torch.cat(hits).numpy()).tobytes().hex(),
        seconds=time.monotonic() - began,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=describe(device.type, "float32"),
    )


def test_images(spec: Data, root: Path) -> tuple[ImageSet | PhotographSet, DatasetInfo]:
    """The images to measure on, and what their data set is; see `repro.data.weights`."""
    source = find(spec.name)
    if not source.tested_on:
        dataset = data.load(spec, root)
        assert isinstance(dataset.test, ImageSet)
        return dataset.test, dataset.info
    names, labels = zip(*weights.photographs(spec, root), strict=True)
    cut = spec.cut if weights.whole(len(names), spec.name) else "squash"
    folder = weights.folder(spec, root)
    photographs = PhotographSet(folder, np.array(names), torch.tensor(labels), spec.pixels, cut, training=False)
    return photographs, source.info
