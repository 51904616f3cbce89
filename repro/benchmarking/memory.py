"""Measure how much memory a run on CIFAR-10 needs, from reading the images to writing the weights."""

from collections.abc import Sequence
from pathlib import Path

from repro.benchmarking.machine import MIB, describe, device_name, load
from repro.benchmarking.runs import laptop_run, without_images
from repro.benchmarking.subprocess_runs import carried_out
from repro.benchmarking.tables import Sheet
from repro.config.specification import Run
from repro.processes import cores
from repro.progress import Progress, silent
from repro.reporting.table import Column
from repro.training import devices

NETWORKS = ("squeezenet", "mini-squeezenet", "alexnet", "vgg19")
TARGET = 2048  # MiB, of a run on a CPU
STEPS, TESTED = 4, 512  # as few steps and test images as show the peak: every buffer is as large as it gets
PER_PARAMETER = 16  # bytes while Adam trains: weight, gradient and two averages in float32


def measure(
    networks: Sequence[str] = (),
    device: str = "auto",
    data_dir: Path = Path(".data"),
    progress: Progress = silent,
) -> list[Sheet]:
    """The most memory that the laptop budget's run of each network holds."""
    kind = devices.choose(device)[0].type
    synthetic = without_images(data_dir)
    busy = load()
    rows = []
    for network in NETWORKS:
        if networks and network not in networks:
            continue
        progress(f"memory of {network}")
        run = shortened(network, synthetic)
        outcome = carried_out([run], data_dir, kind, cores())
        rows.append(
            {
                "network": network,
                "batch": run.recipe.batch,
                "parameters": outcome.parameters,
                "mib": outcome.memory / MIB,
                "target": TARGET if kind == "cpu" else None,
                "least_mib": PER_PARAMETER * outcome.parameters / MIB,
            }
        )
    columns = [
        Column("network"),
        Column("batch", align="right"),
        Column("parameters", align="right", format=",d"),
        Column("mib", "most held, MiB", "right", ",.0f"),
        Column("target", "target, MiB", "right", ",d"),
        Column("least_mib", "of it weights and optimiser, MiB", "right", ",.0f"),
    ]
    notes = [
        "The laptop budget's run in a fresh process, from reading all images to writing checkpoint and weights, "
        f"cut to {STEPS} steps and {TESTED} test images. "
        + ("Synthetic stand-ins: real images take 146 MiB more." if synthetic else "CIFAR-10."),
        f"Weights and optimiser: {PER_PARAMETER} bytes a parameter, the least that Adam takes in float32.",
        f"{busy}.",
    ]
    title = "The most memory that a run on CIFAR-10 holds"
    return [Sheet(f"memory-{kind}", title, columns, rows, describe(device_name(kind)), notes)]


def shortened(network: str, synthetic: bool) -> Run:
    """The laptop budget's run of a network, with few images of all those that are read."""
    batch = laptop_run(network, {}).recipe.batch
    settings = {
        "data.synthetic": synthetic,
        "data.train_images": STEPS * batch,
        "data.holdout": TESTED,
        "recipe.epochs": 1,
    }
    return laptop_run(network, settings)
