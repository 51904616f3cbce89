"""Estimate what runs on photographs that stay on disk cost on one GPU and on many. Imports no torch."""

from collections.abc import Iterable
from typing import NamedTuple

from repro import data, models
from repro.config.specification import Run
from repro.planning import plan
from repro.planning.plan import Step
from repro.records import Store

GPUS = (1, 8, 64)


class Cost(NamedTuple):
    """The cost of a run on a number of GPUs.

    images: trained on and measured. hours: of the whole run, if so many GPUs are so many times as fast. photographs:
    read and decoded a second. read: bytes a second from the disk. sent: bytes a second that each GPU sends to the
    others, for the gradients to be averaged around a ring.
    """

    run: Run
    gpus: int
    images: int
    hours: float
    photographs: float
    read: float
    sent: float

    @property
    def gpu_hours(self) -> float:
        return self.hours * self.gpus


def streamed(steps: Iterable[Step]) -> list[Run]:
    """The runs of a plan that are still to be done on photographs too many for the memory."""
    return [
        step.run
        for step in steps
        if step.state != "done" and not step.run.data.synthetic and data.DATASETS[step.run.data.name].published_bytes
    ]


def costs(run: Run, store: Store) -> list[Cost]:
    """A run's cost on 1, 8 and 64 GPUs, at the rate of its network's newest record from a GPU, or a typical one."""
    info = data.DATASETS[run.data.name]
    seconds = plan.cost(run) / plan.measured_rate(store, "cuda")(run)
    trained, tested = plan.images(run)
    # What a network of a study's own sends is not known before it is built.
    own = not models.defined(run.model.name)
    gradients = 0 if own else 4 * models.parameter_count(run.model.name, **run.model.options)
    steps = trained / run.recipe.batch
    size = info.published_bytes / (info.train + info.test)
    return [
        Cost(
            run=run,
            gpus=gpus,
            images=trained + tested,
            hours=seconds / gpus / 3600,
            photographs=(trained + tested) * gpus / seconds,
            read=size * (trained + tested) * gpus / seconds,
            sent=gradients * 2 * (gpus - 1) / gpus * steps * gpus / seconds,
        )
        for gpus in GPUS
    ]


def measured_on_a_gpu(run: Run, store: Store) -> bool:
    """Whether a record of the run's network from a GPU says how fast it is."""
    key = plan.rate_key(run)
    return any(plan.rate_key(r.run) == key and r.environment.get("device") == "cuda" for r in store.all)
