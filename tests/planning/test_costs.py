"""What runs cost: seconds still needed, bytes between GPUs, files to make, the batches of a short stage."""

from pathlib import Path

import msgspec
import pytest

from repro import models
from repro.planning import experiments, plan
from repro.planning.costs import GPUS, costs
from repro.planning.experiments import Stage
from repro.records import Store

CHECKOUT = Path(__file__).parents[2]


def test_gradients_are_averaged_around_a_ring(tmp_path: Path):
    experiment = experiments.find("imagenet")
    run = experiments.resolve(experiment, experiment.variants[0], "paper")
    found = costs(run, Store(tmp_path))
    assert [cost.gpus for cost in found] == list(GPUS)
    trained, tested = plan.images(run)
    size = 4 * models.parameter_count(run.model.name, **run.model.options)
    for cost in found:
        seconds = 3600 * cost.hours
        assert cost.gpu_hours == pytest.approx(found[0].hours)
        assert cost.photographs == pytest.approx((trained + tested) / seconds)
        # Of n GPUs each sends its share, a part in n, n - 1 times to be summed and n - 1 times to be shared.
        steps = trained / run.recipe.batch / seconds
        assert cost.sent == pytest.approx(2 * (cost.gpus - 1) * size / cost.gpus * steps)


def test_what_is_done_needs_no_time():
    cells = plan.cells(experiments.find("preprocessing"), "laptop")
    store = Store(CHECKOUT / "results")
    steps = [step for step in plan.plan(cells, store, CHECKOUT / ".data") if step.state == "done"]
    assert steps
    assert plan.estimates(steps, store, "cpu") == [0.0] * len(steps)


def test_only_variants_that_are_compressed_make_files(tmp_path: Path):
    experiment = experiments.find("paper-table2")
    made = [variant.name for variant in experiment.work.due(experiment, Store(tmp_path), tmp_path).variants]
    assert "squeezenet-6bit" in made
    assert "alexnet-svd" not in made
    assert made == [variant.name for variant in experiment.variants if variant.compress]


@pytest.mark.parametrize(("steps", "expected"), [(0, None), (10, 5)])
def test_a_stage_of_less_than_one_pass_is_an_epoch_of_fewer_batches(steps: int, expected: int | None):
    experiment = experiments.find("preprocessing")
    run = experiments.resolve(experiment, experiment.variants[0], "laptop")
    run = msgspec.structs.replace(run, recipe=msgspec.structs.replace(run.recipe, epochs=2, steps=steps))
    stage = experiments.following(run, Stage(bits=5, epochs=0.25), "")
    batches = experiments.pass_images(run) // run.recipe.batch
    assert stage.recipe.epochs == 1
    assert stage.recipe.steps == (expected or round(batches / 2))
