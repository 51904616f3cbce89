"""Costs of runs on ImageNet, on one GPU and on many, as `--dry-run` shows them below the plan."""

from repro import data
from repro.cli.progress import describe_run
from repro.planning import costs, plan
from repro.planning.plan import Step
from repro.records import Store
from repro.reporting.summary import duration
from repro.reporting.table import Column, Table

COLUMNS = [
    Column("run"),
    Column("gpus", "GPUs", "right"),
    Column("images", "images", "right"),
    Column("time", "time", "right"),
    Column("gpu_hours", "GPU-hours", "right"),
    Column("photographs", "photographs/s", "right"),
    Column("read", "from disk, MB/s", "right"),
    Column("sent", "gradients, MB/s a GPU", "right"),
]


def show_costs(steps: list[Step], store: Store) -> None:
    """A table of cost for one seed of each network and recipe, and the sum over all runs; nothing where none is big."""
    runs = costs.streamed(steps)
    if not runs:
        return
    cells = {run.without_seed(): run for run in runs}
    found = {key: costs.costs(run, store) for key, run in cells.items()}
    rows = [
        {
            "run": describe_run(cost.run.with_seed(0)).removesuffix(", seed 0") if cost.gpus == costs.GPUS[0] else "",
            "gpus": cost.gpus,
            "images": f"{cost.images / 1e6:,.1f} million",
            "time": duration(cost.hours * 3600),
            "gpu_hours": round(cost.gpu_hours, 1),
            "photographs": f"{cost.photographs:,.0f}",
            "read": f"{cost.read / 1e6:,.0f}",
            "sent": f"{cost.sent / 1e6:,.0f}",
        }
        for one in found.values()
        for cost in one
    ]
    total = sum(found[run.without_seed()][0].gpu_hours for run in runs)
    disk = sum(data.DATASETS[name].published_bytes for name in {run.data.name for run in runs})
    assumed = [run for run in cells.values() if not costs.measured_on_a_gpu(run, store)]
    notes = [
        f"All {len(runs)} runs: {total:,.0f} GPU-hours; disk: {disk / 1e9:,.0f} GB. Times on several GPUs are the time "
        "on one, divided: they hold as long as disk, decoding and network keep up with the last three columns."
    ]
    if assumed:
        rate = plan.TYPICAL_RATE["cuda"] / 1e12
        which = "No run" if len(assumed) == len(cells) else f"{len(assumed)} of {len(cells)} rows: no run of theirs"
        notes.append(
            f"{which} on a GPU is recorded in {store.folder}: {rate:g} trillion multiply-accumulates a second "
            "are assumed."
        )
    Table("Cost of one seed", COLUMNS, rows, notes=notes).print("text")
