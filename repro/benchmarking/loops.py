"""Compare training loops on SqueezeNet at 32 pixels: plain PyTorch, other libraries', the project's in both precisions.

All train the same network on the same images, with the laptop budget's batch and optimiser and with all cores.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch

from repro.benchmarking.clock import Turn
from repro.benchmarking.machine import describe, device_name, load
from repro.benchmarking.project import MatrixProduct, Project
from repro.benchmarking.rounds import interleaved, ratio
from repro.benchmarking.runs import without_images
from repro.benchmarking.tables import Sheet
from repro.benchmarking.training import Case, operations, rates, run_of
from repro.config.specification import Run
from repro.processes import Alone, cores
from repro.progress import Progress, silent
from repro.reporting.table import Column
from repro.training import devices

CASE = Case("squeezenet", 32, 64)
TARGET = 3.0  # times the plain loop, in bfloat16 with a process a core


class Loop(NamedTuple):
    """A way to train.

    needs: a module or program; where that is not installed the loop is left out, and the table says so.
    every_core: one process a core, each with a run of its own, as `repro run` works on a CPU.
    """

    title: str
    side: Callable[..., Any]
    precision: str = "float32"
    needs: str = ""
    every_core: bool = False


def loops() -> list[Loop]:
    """The plain loop first: it is what the others are compared with."""
    from repro.benchmarking import others
    from repro.benchmarking.plain import Plain

    return [
        Loop("plain", Plain),
        Loop("torchvision's reference: transforms v2 on tensors", others.Reference),
        Loop("timm's loader", others.Timm, needs="timm"),
        Loop("plain, torch.compile", others.Compiled, needs="g++"),
        Loop("repro, one process", Project),
        Loop("repro, a process a core", Project, every_core=True),
        Loop("repro, one process", Project, "bfloat16"),
        Loop("repro, a process a core", Project, "bfloat16", every_core=True),
    ]


def measure(
    seconds: float = 1.5,
    rounds: int = 5,
    data_dir: Path = Path(".data"),
    progress: Progress = silent,
    chosen: Sequence[Loop] | None = None,
) -> list[Sheet]:
    """Let every loop train in turns, on the CPU."""
    notes = [f"{load()}."]
    synthetic = without_images(data_dir)
    everything = chosen or loops()
    here = [loop for loop in everything if available(loop)]
    notes += [f"{loop.title}: {loop.needs} is not installed." for loop in everything if loop not in here]
    precisions = sorted({loop.precision for loop in here})
    with ExitStack() as stack:
        products = [stack.enter_context(Alone(MatrixProduct, "cpu", cores(), name)) for name in precisions]
        turns = []
        for loop in here:
            progress(f"{loop.title}, {loop.precision}")
            turns.append(partial(started(loop, run_of(CASE, loop.precision, synthetic), data_dir, stack), seconds))
        progress(f"{len(here)} loops, {rounds} times each")
        found = interleaved([*turns, *(partial(each.call, "multiply", seconds / 2) for each in products)], rounds)
    by_precision = dict(zip(precisions, found[len(here) :], strict=True))
    return [sheet(list(zip(here, found, strict=False)), by_precision, synthetic, notes)]


def available(loop: Loop) -> bool:
    """Whether the module or program that a loop needs is installed."""
    return not loop.needs or find_spec(loop.needs) is not None or shutil.which(loop.needs) is not None


def started(loop: Loop, run: Run, data_dir: Path, stack: ExitStack) -> Callable[[float], Turn]:
    """The loop in fresh processes, which end with `stack`: what takes a turn of so many seconds."""
    if loop.every_core:
        sides = [stack.enter_context(Alone(loop.side, run, data_dir, "cpu", 1)) for _ in range(cores())]
    else:
        workers = [] if loop.side is Project else [cores()]
        sides = [stack.enter_context(Alone(loop.side, run, data_dir, "cpu", cores(), *workers))]

    def turn(seconds: float) -> Turn:
        with ThreadPoolExecutor(len(sides)) as pool:
            return together(pool.map(lambda side: side.call("train", seconds), sides))

    return turn


def together(turns: Iterator[Turn]) -> Turn:
    """Turns that several processes took at the same time, as one: rates add up."""
    found = list(turns)
    seconds = max(turn.seconds for turn in found)
    return Turn(sum(turn.rate for turn in found) * seconds, seconds)


def sheet(
    found: list[tuple[Loop, list[Turn]]], products: dict[str, list[Turn]], synthetic: bool, notes: Sequence[str]
) -> Sheet:
    """A row a loop: images a second, how many times the plain loop's, share of a matrix product's rate."""
    plain = rates(found[0][1])
    work = operations(run_of(CASE, "float32", synthetic))["training"]
    rows = []
    for loop, turns in found:
        ours = rates(turns)
        achieved = [rate * work for rate in ours]
        rows.append(
            {
                "loop": loop.title,
                "precision": loop.precision,
                "images": median(ours),
                "ratio": ratio(ours, plain),
                "target": TARGET if loop.every_core and loop.precision == "bfloat16" else None,
                "share": ratio(achieved, rates(products[loop.precision])),
                "rounds": ours,
            }
        )
    columns = [
        Column("loop"),
        Column("precision"),
        Column("images", "images/s", "right", ",.0f"),
        Column("ratio", "times plain", "right"),
        Column("target", align="right", format=".1f"),
        Column("share", "of a matrix product", "right"),
    ]
    speeds = [f"{median(rates(turns)) / 1e9:,.0f} GFLOP/s in {name}" for name, turns in products.items()]
    supported = "has" if devices.has_bfloat16(torch.device("cpu")) else "has no"
    return Sheet(
        "loops-cpu",
        f"Loops in use today: SqueezeNet at {CASE.pixels} pixels, batches of {CASE.batch}, all cores, in turns",
        columns,
        rows,
        describe(device_name("cpu")),
        [
            "Images a second: median over rounds. Ratios: geometric mean over rounds and its 95 % t interval.",
            f"Of a matrix product: of its rate in the same precision and round; median {', '.join(speeds)}.",
            f"This processor {supported} instructions for bfloat16.",
            f"Images: {'synthetic stand-ins of CIFAR-10, as many' if synthetic else 'CIFAR-10'}.",
            *notes,
        ],
    )
