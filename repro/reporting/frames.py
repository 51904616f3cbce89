"""Records, histories and claims as pandas DataFrames."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.config.specification import BUDGETS
from repro.planning import ablations, experiments, plan
from repro.planning.experiments import Experiment
from repro.records import Record, Store

if TYPE_CHECKING:
    import pandas as pd

Folder = str | os.PathLike[str]

COLUMNS = (
    "experiment", "variant", "label", "budget", "seed", "protocol", "accuracy", "top5", "loss", "network", "data",
    "pixels", "epochs", "batch", "learning_rate", "precision", "parameters", "seconds", "images_per_second", "status",
    "finished", "run",
)  # fmt: skip


def placed(
    results: Folder, store: Store | None = None, suite: list[Experiment] | None = None
) -> list[tuple[Record, dict[str, Any]]]:
    """Every record with each row of an experiment that it is for; once, with None, where it is for none."""
    store = store or Store(Path(results))
    places: dict[bytes, list[dict[str, Any]]] = {}
    for experiment in suite or ablations.everything(Path(results)):
        for budget in BUDGETS:
            for cell in plan.cells(experiment, budget):
                names = {"experiment": experiment.name, "variant": cell.variant.name, "label": cell.variant.title}
                places.setdefault(cell.runs[0].without_seed(), []).append({**names, "budget": budget})
    none: dict[str, Any] = dict.fromkeys(("experiment", "variant", "label", "budget"))
    return [(record, place) for record in store.all for place in places.get(record.run.without_seed(), [none])]


def rows(record: Record, place: dict[str, Any]) -> list[dict[str, Any]]:
    """One row of `load` for each protocol that a run was measured by."""
    run, recipe = record.run, record.run.recipe
    shared = {
        **place, "seed": run.seed, "network": run.model.name, "data": run.data.name, "pixels": run.data.pixels,
        "epochs": recipe.epochs, "batch": recipe.batch, "learning_rate": recipe.learning_rate,
        "precision": recipe.precision, "parameters": record.parameters, "seconds": record.seconds,
        "images_per_second": record.images_per_second, "status": record.status, "finished": record.finished,
        "run": record.identity,
    }  # fmt: skip
    return [
        {
            **shared,
            "protocol": protocol,
            "accuracy": found.balanced_accuracy if run.data.balanced else found.accuracy,
            "top5": None if found.top5 is None else 100 * found.top5 / sum(found.total),
            "loss": found.loss,
        }
        for protocol, found in record.measurements.items()
    ]


def load(results: Folder = "results") -> "pd.DataFrame":
    """Read all records of a results folder: one row per run, protocol and row of an experiment that the run is for.

    Columns: `experiment`, `variant`, `label` and `budget` (None for runs that no experiment of the suite asks for),
    `seed`, `protocol`, `accuracy` (percent; the mean over classes where the run draws them in equal number), `top5`
    (percent), `loss`, `network`, `data`, `pixels`, `epochs`, `batch`, `learning_rate`, `precision`, `parameters`,
    `seconds`, `images_per_second`, `status`, `finished`, `run` (its identity).
    """
    import pandas as pd

    return pd.DataFrame(
        [row for record, place in placed(results) for row in rows(record, place)], columns=list(COLUMNS)
    )


def histories(results: Folder = "results") -> "pd.DataFrame":
    """Read what each epoch of all runs gave: accuracies in percent, losses, learning rate, seconds.

    One row per run, epoch and row of an experiment that the run is for; the columns of `load` that name a run are here
    too.
    """
    import msgspec
    import pandas as pd

    store = Store(Path(results))
    found = []
    for record, place in placed(results, store):
        for epoch in store.history(record):
            values = msgspec.structs.asdict(epoch)
            for name in ("train_accuracy", "test_accuracy"):
                values[name] *= 100
            found.append({**place, "seed": record.run.seed, **values, "status": record.status, "run": record.identity})
    return pd.DataFrame(found)


def claims(results: Folder = "results", data_dir: Folder = ".data") -> "pd.DataFrame":
    """Judge all claims: one row per claim, with the verdict, what it rests on, and the numbers behind it."""
    import pandas as pd

    from repro.judging.rows import claim_rows

    store = Store(Path(results))
    found = [row for experiment in experiments.everything() for row in claim_rows(experiment, store, Path(data_dir))]
    return pd.DataFrame(found)
