"""The Python interface, as `import repro` offers it: records, histories and claims as DataFrames; networks; runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro import models
from repro.config.specification import Budget
from repro.planning import ablations, plan
from repro.records import Store
from repro.reporting.frames import COLUMNS, Folder, claims, histories, load, placed, rows

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

__all__ = ["build", "claims", "histories", "load", "run"]


def build(network: str, **options: Any) -> "nn.Module":
    """Build a network of the suite as a torch module, with new weights.

    Args:
        network: its name, such as `squeezenet`; `models.NETWORKS` has all.
        options: as `repro summary --help` lists them: `classes=10, bypass="simple"`.

    Raises:
        BadInput: the network or an option does not exist, or has a wrong value.
    """
    return models.build(network, **options)


def run(
    experiment: str,
    budget: Budget = "laptop",
    seeds: int | None = None,
    results: Folder = "results",
    data_dir: Folder = ".data",
    device: str = "auto",
    jobs: int | None = None,
) -> "pd.DataFrame":
    """Run what an experiment lacks, and return its rows of `load` at that budget.

    Args:
        experiment: its name, also of one that `repro ablate` kept, or the path of an experiment file of your own.
        seeds: of each variant; None = the experiment's own.
        jobs: runs at a time; None = one after the other, in this process.
    """
    from repro.cli.options import Launcher, Running
    from repro.cli.run import carry_out

    chosen, store = ablations.find(experiment, Path(results)), Store(Path(results))
    launcher = Launcher("local", jobs) if jobs else Launcher("here")
    settings = Running(
        budget, seeds, Path(data_dir), Path(results), device, {}, launcher, dry_run=False, fail_fast=True,
        output_format="text",
    )  # fmt: skip
    carry_out(plan.cells(chosen, budget, seeds), store, settings)
    import pandas as pd

    found = [
        row
        for record, place in placed(results, suite=[chosen])
        for row in rows(record, place)
        if place["experiment"] == chosen.name and place["budget"] == budget
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))
