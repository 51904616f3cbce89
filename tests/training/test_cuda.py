"""Training on CUDA, where there is a GPU: graphs against eager steps, runs that go on, scores."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from repro import data
from repro.config.specification import Data, Model, Recipe, Run
from repro.data.augment import Pipeline
from repro.models import build
from repro.running import classification
from repro.training.checkpoint import Checkpoint
from repro.training.graph import captured, optimizer_tensors
from repro.training.loop import Trainee, train
from repro.training.recipe import learning_rate, set_learning_rate

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA here")

CUDA = torch.device("cuda")
# Ten steps an epoch. No dropout: a graph and another device draw otherwise.
RUN = Run(
    model=Model(name="mini-squeezenet", options={"dropout": 0.0}),
    data=Data(name="cifar10", synthetic=True, train_images=160, pixels=32),
    recipe=Recipe(schedule="one-cycle", learning_rate=3e-3, batch=16, epochs=3, flip=True, crop_padding=2),
)
OPTIMIZERS = {"adam": {"optimizer": "adam"}, "sgd": {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.03}}


@pytest.fixture(params=OPTIMIZERS)
def run(request: pytest.FixtureRequest) -> Run:
    return msgspec.structs.replace(RUN, recipe=msgspec.structs.replace(RUN.recipe, **OPTIMIZERS[request.param]))


def weights(trainee: Trainee) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in trainee.network.parameters()]).clone()


def losses(trainee: Trainee, step: Callable[..., None]) -> list[float]:
    """Of each step of the first epoch, as if that were the whole run."""
    trainee.network.train()
    steps, _, batches = trainee.batches(0)
    found = []
    for index, batch in enumerate(batches):
        set_learning_rate(trainee.optimizer, learning_rate(trainee.run.recipe, index, steps, steps))
        trainee.loss.zero_()
        step(*batch)
        found.append(float(trainee.loss))
    return found


def test_a_graph_does_what_its_steps_do(run: Run, tmp_path: Path):
    """The learning rate included, which is another one at each step."""
    dataset = data.load(run.data, tmp_path)
    eager, graph = Trainee(run, dataset, CUDA), Trainee(run, dataset, CUDA)
    before = weights(eager)
    expected = losses(eager, eager.step)
    assert losses(graph, captured(graph)) == pytest.approx(expected, rel=1e-3)
    assert (weights(graph) - weights(eager)).norm() < 0.05 * (weights(eager) - before).norm()


@pytest.mark.parametrize("steps", [0, 2])
def test_capturing_leaves_weights_and_optimiser_as_they_are(run: Run, tmp_path: Path, steps: int):
    trainee = Trainee(run, data.load(run.data, tmp_path), CUDA)
    trainee.network.train()
    for _, batch in zip(range(steps), trainee.batches(0)[2], strict=False):
        trainee.step(*batch)
    before = weights(trainee)
    state = {key: value.clone() for key, value in optimizer_tensors(trainee.optimizer).items()}
    captured(trainee)
    assert torch.equal(weights(trainee), before)
    for key, value in optimizer_tensors(trainee.optimizer).items():
        assert torch.equal(value, state.get(key, torch.zeros_like(value))), key


@pytest.mark.parametrize(("first", "then"), [("cuda", "cuda"), ("cpu", "cuda"), ("cuda", "cpu")])
def test_a_run_cut_off_goes_on_there_or_elsewhere(run: Run, tmp_path: Path, first: str, then: str):
    class Killed(Exception):
        pass

    def kill(epoch: int, *_: object) -> None:
        if epoch == 1:
            raise Killed

    dataset, epochs = data.load(run.data, tmp_path), []
    record, history, _ = train(run, dataset, (), CUDA, Checkpoint(tmp_path / "whole.pt"))
    assert "captured graph" in record.environment["path"]
    with pytest.raises(Killed):
        train(run, dataset, (), torch.device(first), Checkpoint(tmp_path / "cut.pt"), kill)
    checkpoint = Checkpoint(tmp_path / "cut.pt")
    _, again, _ = train(run, dataset, (), torch.device(then), checkpoint, lambda epoch, *_: epochs.append(epoch))
    assert epochs[0] == 1
    assert [epoch.train_loss for epoch in again] == pytest.approx([e.train_loss for e in history], rel=0.01)


def test_scores_are_those_of_the_cpu():
    torch.manual_seed(0)
    network, pipeline = build("mini-squeezenet"), Pipeline(32, 3, (0.5,) * 3, (0.25,) * 3)
    images = torch.randint(0, 256, (8, 3, 40, 40), dtype=torch.uint8)
    here = classification.scores(network, images, pipeline)
    assert torch.allclose(classification.scores(network, images, pipeline, CUDA), here, atol=1e-4)
