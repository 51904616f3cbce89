"""Compare the project's loop with the plain one: images a second, share of the machine's rate, phases of a step."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from repro import models
from repro.benchmarking.clock import Turn
from repro.benchmarking.contender import PHASES
from repro.benchmarking.machine import MIB, describe, device_name, load
from repro.benchmarking.plain import Plain
from repro.benchmarking.project import MatrixProduct, Project
from repro.benchmarking.rounds import interleaved, ratio
from repro.benchmarking.runs import laptop_run, without_images
from repro.benchmarking.tables import Sheet
from repro.config.specification import Run
from repro.processes import Alone, cores
from repro.progress import Progress, silent
from repro.reporting.table import Column
from repro.training import devices

CHECKED = 5  # steps whose losses both sides are compared by


class Case(NamedTuple):
    """A case to be trained: network, height and width of its input, images a step."""

    network: str
    pixels: int
    batch: int


# Network and pixels: batches on a CPU, and on a GPU, where larger ones are at home. 128 are those of the report's
# experiments with preprocessing, 4 of its Table 1, 32 of the mini network's source; 64 of the laptop budget, 16 of the
# experiments that still have its former recipe.
BATCHES = {
    ("squeezenet", 32): ((128, 64, 16, 4), (128, 4)),
    ("squeezenet", 224): ((16,), (128,)),
    ("alexnet", 32): ((64,), (128,)),
    ("vgg19", 32): ((16, 64), (128,)),
    ("mini-squeezenet", 32): ((32,), (32,)),
}
CASES, GPU_CASES = (
    [Case(*trained, batch) for trained, batches in BATCHES.items() for batch in batches[place]] for place in (0, 1)
)
NETWORKS = tuple(dict.fromkeys(case.network for case in CASES))


def target(case: Case, device: str) -> float | None:
    """The speed-up over the plain loop that training has to reach."""
    if device == "cuda":
        return 10.0 if case.pixels == 32 else 3.0
    if case.network == "squeezenet" and case.pixels == 32:
        return 2.0
    return 1.5 if case.network in ("alexnet", "vgg19") else None


# Of the rate of a matrix product, on a CPU, where SqueezeNet trains on 32-pixel inputs.
TARGET_SHARE = 0.6


def run_of(case: Case, precision: str, synthetic: bool) -> Run:
    """The case as a run: the laptop budget's recipe with flips and padded crops, and a constant learning rate."""
    settings = {
        "data.synthetic": synthetic,
        "data.train_images": 0,
        "recipe.batch": case.batch,
        "recipe.schedule": "constant",
        "recipe.flip": True,
        "recipe.crop_padding": 4,
        "recipe.precision": precision,
    }
    return laptop_run(case.network, settings, case.pixels)


def operations(run: Run) -> dict[str, int]:
    """Floating-point operations for one image of convolutions and dense layers, by kind of work.

    Two for each multiply-accumulate. Training takes three passes: forward, the gradient of the weights, the gradient of
    the input; the first layer has no use for the third.
    """
    architecture = models.architecture(run.model.name, run.model.options)
    size = (architecture.channels, run.data.pixels, run.data.pixels)
    macs = architecture.macs(size)
    return {"training": 2 * (3 * macs - architecture.layers[0].macs(size)), "evaluation": 2 * macs}


class Measured(NamedTuple):
    """The measurements of a case, round by round.

    turns: by work and side. products: of the matrix product, in operations.
    peaks: bytes, by side. steps: seconds of each phase, by side. losses: of the first steps, by side.
    """

    case: Case
    run: Run
    turns: dict[str, dict[str, list[Turn]]]
    products: list[Turn]
    peaks: dict[str, int]
    steps: dict[str, dict[str, float]]
    losses: dict[str, list[float]]


SIDES = ("plain", "repro")
WORKS = ("training", "evaluation")


def measure(
    networks: Sequence[str] = (),
    seconds: float = 1.5,
    rounds: int = 5,
    device: str = "auto",
    data_dir: Path = Path(".data"),
    progress: Progress = silent,
    cases: Sequence[Case] | None = None,
) -> list[Sheet]:
    """Measure case after case, each in rounds of turns: see docs/benchmark.md.

    Args:
        networks: only cases of these; all where empty.
        seconds: of a turn.
        progress: gets a line for each measurement.
        cases: instead of those that the device has.
    """
    chosen, _ = devices.choose(device)
    kind = chosen.type
    precision = "bfloat16" if kind == "cuda" else "float32"
    synthetic = without_images(data_dir)
    notes = [f"{load()}."]
    found = []
    with Alone(MatrixProduct, kind, cores(), precision) as product:
        for case in cases or (GPU_CASES if kind == "cuda" else CASES):
            if not networks or case.network in networks:
                progress(f"{case.network} at {case.pixels} pixels, batch {case.batch}")
                run = run_of(case, precision, synthetic)
                found.append(measure_case(case, run, data_dir, kind, seconds, rounds, product))
    machine = describe(device_name(kind))
    return [speed(found, kind, machine, notes), steps(found, kind, machine, notes)]


def measure_case(
    case: Case, run: Run, data_dir: Path, device: str, seconds: float, rounds: int, product: Alone
) -> Measured:
    """Both sides of a case in fresh processes; one works while the other waits."""
    with (
        Alone(Plain, run, data_dir, device, cores(), cores()) as plain,
        Alone(Project, run, data_dir, device, cores()) as project,
    ):
        sides = {"plain": plain, "repro": project}
        keys = [(work, name) for work in WORKS for name in SIDES]
        verbs = {"training": "train", "evaluation": "evaluate"}
        turns = [partial(sides[name].call, verbs[work], seconds) for work, name in keys]
        *found, products = interleaved([*turns, partial(product.call, "multiply", seconds / 2)], rounds)
        phases = {name: side.call("phases", seconds) for name, side in sides.items()}
        # On a GPU what is held there counts.
        peaks = {name: side.call("device_memory") or side.peak_memory() for name, side in sides.items()}
        # Last, because it takes a second network.
        losses = {name: side.call("losses", CHECKED) for name, side in sides.items()}
    by_work: dict[str, dict[str, list[Turn]]] = {work: {} for work in WORKS}
    for (work, name), turn in zip(keys, found, strict=True):
        by_work[work][name] = turn
    return Measured(case, run, by_work, products, peaks, phases, losses)


def rates(turns: Sequence[Turn]) -> list[float]:
    """Amounts a second, round by round."""
    return [turn.rate for turn in turns]


def loss_difference(losses: dict[str, list[float]]) -> float:
    """The largest relative difference between the two sides' losses of a step."""
    return max(abs(a - b) / abs(a) for a, b in zip(losses["plain"], losses["repro"], strict=True))


def label(case: Case) -> dict[str, Any]:
    """The cells that say which case a row is of."""
    return {"network": case.network, "pixels": case.pixels, "batch": case.batch}


def speed_row(measured: Measured, work: str, device: str) -> dict[str, Any]:
    """One network at one kind of work, on both sides."""
    plain, ours = (rates(measured.turns[work][side]) for side in SIDES)
    achieved = [rate * operations(measured.run)[work] for rate in ours]
    first = work == WORKS[0]
    return {
        **label(measured.case),
        "work": work,
        "plain": median(plain),
        "repro": median(ours),
        "ratio": ratio(ours, plain),
        "target": target(measured.case, device) if first else None,
        "gflops": median(achieved) / 1e9,
        "share": ratio(achieved, rates(measured.products)),
        "plain_mib": measured.peaks["plain"] / MIB if first else None,
        "repro_mib": measured.peaks["repro"] / MIB if first else None,
        "loss_difference": loss_difference(measured.losses) if first else None,
        "precision": measured.run.recipe.precision,
        "synthetic": measured.run.data.synthetic,
        "plain_rounds": plain,
        "repro_rounds": ours,
        "product_gflops_rounds": [rate / 1e9 for rate in rates(measured.products)],
    }


def speed(found: Sequence[Measured], device: str, machine: str, notes: Sequence[str]) -> Sheet:
    """Images a second of both sides, their ratio, and the project's share of a matrix product's rate."""
    rows = [speed_row(measured, work, device) for measured in found for work in WORKS]
    columns = [
        Column("network"),
        Column("pixels", align="right"),
        Column("batch", align="right"),
        Column("work"),
        Column("plain", "plain, images/s", "right", ",.0f"),
        Column("repro", "repro, images/s", "right", ",.0f"),
        Column("ratio", "times as fast", "right"),
        Column("target", align="right", format=".1f"),
        Column("gflops", "GFLOP/s", "right", ",.0f"),
        Column("share", "of a matrix product", "right"),
        Column("plain_mib", "plain, MiB", "right", ",.0f"),
        Column("repro_mib", "repro, MiB", "right", ",.0f"),
        Column("loss_difference", "losses differ by", "right", ".0e"),
    ]
    product = median([rate / 1e9 for measured in found for rate in rates(measured.products)] or [0.0])
    where = "by tensors on the GPU" if device == "cuda" else "resident set of the process, without the loader's workers"
    return Sheet(
        f"training-{device}",
        "The loop against a plain torchvision loop: same network, batch and recipe, all cores, in turns",
        columns,
        rows,
        machine,
        [
            "Images a second: median over rounds. Ratios: geometric mean over rounds and its 95 % t interval.",
            f"Of a matrix product: of its rate in the same round, {product:,.0f} GFLOP/s in the median. "
            f"Target for SqueezeNet's training at 32 pixels on a CPU: {TARGET_SHARE:.2f}.",
            f"MiB: the most memory held: {where}.",
            f"Losses of the first {CHECKED} steps from the same weights and batches, without dropout and augmentation.",
            images_note(found),
            *notes,
        ],
    )


def steps(found: Sequence[Measured], device: str, machine: str, notes: Sequence[str]) -> Sheet:
    """A table of the time of a training step by phase, on both sides."""
    rows = []
    for measured in found:
        for side in SIDES:
            phases = {phase: 1000 * seconds for phase, seconds in measured.steps[side].items()}
            rows.append({**label(measured.case), "side": side, "step": sum(phases.values()), **phases})
    columns = [
        Column("network"),
        Column("pixels", align="right"),
        Column("batch", align="right"),
        Column("side"),
        *(Column(name, f"{name}, ms", "right", ",.1f") for name in ("step", *PHASES)),
    ]
    eager = " On a GPU: eager, waiting for the device after each phase, so longer than the captured step."
    return Sheet(
        f"steps-{device}",
        "Where the time of a training step goes",
        columns,
        rows,
        machine,
        [
            "Data: until the network's input is there; plain: waiting for the loader, whose workers read on meanwhile.",
            "Backward: the loss too. Other: counting correct answers, reading the loss." + eager * (device == "cuda"),
            *notes,
        ],
    )


def images_note(found: Sequence[Measured]) -> str:
    """A note on which images were used."""
    stand_ins = any(measured.run.data.synthetic for measured in found)
    return "Images: " + ("synthetic stand-ins of CIFAR-10, as many" if stand_ins else "CIFAR-10") + "."
