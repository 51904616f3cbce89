"""The plain loop and the project's do the same work: same network, same losses; only how is different."""
# Every image set here is in memory.
# pyright: reportAttributeAccessIssue=false

import multiprocessing
from functools import cache
from pathlib import Path

import msgspec
import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from repro import data, models
from repro.benchmarking import contender, plain, project
from repro.benchmarking.contender import PHASES
from repro.benchmarking.plain import Plain
from repro.benchmarking.project import MatrixProduct, Project
from repro.benchmarking.training import Case, operations, run_of
from repro.config.specification import Data, Run

NOWHERE = Path("no-images")


@cache
def stand_ins() -> data.Dataset:
    return data.load(Data(name="cifar10", synthetic=True), NOWHERE)


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch):
    """Stand-ins as they are, not repeated to the size of CIFAR-10; the tests' own number of threads."""
    monkeypatch.setattr(plain, "images", lambda run, data_dir: stand_ins())
    monkeypatch.setattr(project, "images", lambda run, data_dir: stand_ins())
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def run_on_stand_ins(network: str, pixels: int = 32, batch: int = 8) -> Run:
    return run_of(Case(network, pixels, batch), "float32", synthetic=True)


def sides(run: Run) -> tuple[Plain, Project]:
    threads = torch.get_num_threads()
    return Plain(run, NOWHERE, "cpu", threads, workers=0), Project(run, NOWHERE, "cpu", threads)


@pytest.mark.parametrize("network", ["squeezenet", "mini-squeezenet"])
def test_both_loops_have_the_same_losses_from_the_same_weights_and_batches(network: str):
    theirs, ours = (each.losses(4) for each in sides(run_on_stand_ins(network)))
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert len(set(ours)) == 4


def test_the_losses_of_sgd_agree_too():
    run = run_on_stand_ins("mini-squeezenet")
    run = msgspec.structs.replace(
        run, recipe=msgspec.structs.replace(run.recipe, optimizer="sgd", learning_rate=0.05, weight_decay=1e-3)
    )
    theirs, ours = (each.losses(4) for each in sides(run))
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_losses_that_differ_are_seen():
    """Another learning rate on one side shows from the second step on."""
    run = run_on_stand_ins("mini-squeezenet")
    theirs, _ = sides(run)
    _, ours = sides(msgspec.structs.replace(run, recipe=msgspec.structs.replace(run.recipe, learning_rate=3e-3)))
    a, b = theirs.losses(3), ours.losses(3)
    assert a[0] == pytest.approx(b[0], rel=1e-5)
    assert a[2] != pytest.approx(b[2], rel=1e-3)


@pytest.mark.parametrize(("network", "pixels"), [("squeezenet", 224), ("squeezenet", 32), ("alexnet", 32)])
def test_the_plain_network_is_the_same_function(network: str, pixels: int):
    """torchvision's network with the run's stem and weights gives the logits of this project's."""
    run = contender.without_chance(run_on_stand_ins(network, pixels))
    theirs = plain.network(run).eval()
    images = torch.randn(2, 3, pixels, pixels, generator=torch.Generator().manual_seed(1))
    ours = models.build(network, **run.model.options).eval()
    ours.load_state_dict(theirs.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(theirs(images), ours(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", ["squeezenet", "mini-squeezenet"])
def test_operations_are_those_that_torch_counts(network: str):
    """One step as torch's own counter has it: forward, and backward without the gradient of the images."""
    run = run_on_stand_ins(network)
    module = plain.network(run)
    images, labels = torch.randn(2, 3, 32, 32), torch.tensor([0, 1])
    with FlopCounterMode(display=False) as counter:
        with torch.no_grad():
            module(images)
        evaluated = counter.get_total_flops()
        functional.cross_entropy(module(images), labels).backward()
    trained = counter.get_total_flops() - evaluated
    assert {"training": trained, "evaluation": evaluated} == {k: 2 * v for k, v in operations(run).items()}


def test_turns_and_phases_of_both_sides():
    for each in sides(run_on_stand_ins("mini-squeezenet", batch=4)):
        before = [parameter.clone() for parameter in each.network.parameters()]
        turn = each.train(0.01, warm_up=0)
        assert turn.amount % 4 == 0
        assert turn.rate > 0
        assert any(not torch.equal(a, b) for a, b in zip(before, each.network.parameters(), strict=True))
        tested = each.evaluate(0.01, warm_up=0)
        assert tested.amount > 0
        phases = each.phases(0.01, warm_up=0)
        assert tuple(phases) == PHASES
        assert min(phases.values()) > 0
        assert phases["backward"] > phases["other"]
        # Hooks that stayed would slow the turns that follow.
        assert not each.network._forward_hooks
        assert not each.network._forward_pre_hooks


def test_workers_end_with_the_turn():
    """A loader that reads on would take processor time from the other side."""
    loop = Plain(run_on_stand_ins("mini-squeezenet", batch=4), NOWHERE, "cpu", torch.get_num_threads(), workers=1)
    loop.train(0.01, warm_up=0)
    assert multiprocessing.active_children() == []


def test_stand_ins_are_repeated_to_the_size_of_the_real_set():
    found = contender.images(
        Run(
            model=run_on_stand_ins("squeezenet").model,
            data=Data(name="mnist", synthetic=True),
            recipe=run_on_stand_ins("squeezenet").recipe,
        ),
        NOWHERE,
    )
    assert (len(found.train), len(found.test)) == (60_000, 10_000)
    assert torch.equal(found.train.images[:5], found.train.images[2_000:2_005])


def test_a_matrix_product_counts_its_operations():
    turn = MatrixProduct("cpu", torch.get_num_threads(), size=64).multiply(0.001, warm_up=0)
    assert turn.amount % (2 * 64**3) == 0
    assert turn.rate > 1e6
