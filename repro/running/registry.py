"""Functions that measure the variants of experiments that train nothing, by the kind of experiment."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repro.planning.experiments import Experiment, Variant
from repro.progress import Progress
from repro.records import Store

if TYPE_CHECKING:
    import torch

# Measures variants that are due, with a line for each step; returns how many failed.
CarryOut = Callable[[Experiment, Sequence[Variant], Store, Path, "torch.device", Progress], int]

KINDS: dict[str, CarryOut] = {}


def register(name: str) -> Callable[[CarryOut], CarryOut]:
    """Make known what measures the variants of a kind of experiment."""

    def known(carry_out: CarryOut) -> CarryOut:
        if name in KINDS:
            raise ValueError(f"two measure experiments of kind {name}")
        KINDS[name] = carry_out
        return carry_out

    return known
