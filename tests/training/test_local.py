"""Runs in processes of their own: what they tell reaches the audience of the plan."""

from multiprocessing import Pipe
from types import SimpleNamespace
from typing import Any

from repro.planning.specification import Data, Model, Recipe, Run
from repro.training.local import Job, Relay, Worker, hear

PRIOR = Run(model=Model(name="mini-squeezenet"), data=Data(name="cifar10"), recipe=Recipe())


def test_a_run_that_is_trained_again_first_is_watched_before_the_run_itself():
    near, far = Pipe()
    told: list[tuple[Any, ...]] = []
    step: Any = SimpleNamespace(run="itself")
    process: Any = None  # none is needed to hear what was said
    audience: Any = SimpleNamespace(
        restores=lambda step, prior: lambda *state: told.append((prior, *state)),
        watch=lambda step: lambda *state: told.append((step.run, *state)),
    )
    relay, worker = Relay(far), Worker(Job(step), 0, process)
    relay.restores(step, PRIOR)(0, 32, 64, 2.3, 0.1)
    relay.watch(step)(0, 64, 64, 2.0, 0.2)
    while near.poll():
        assert hear(near, worker, audience)
    assert told == [(PRIOR, 0, 32, 64, 2.3, 0.1), ("itself", 0, 64, 64, 2.0, 0.2)]
