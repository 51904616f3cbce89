"""Protocols: fast measurement against what the protocol says, image by image."""

from pathlib import Path

import pytest
import torch
from torch import nn

from repro import data, models
from repro.config.specification import Data, Model, Protocol, Recipe, Run
from repro.data import ImageSet
from repro.data.augment import Pipeline
from repro.training.evaluation import among_highest, first_dead_layer, measure
from repro.training.loop import Trainee


def network(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(3)
    norm = nn.BatchNorm2d(8)
    # Running statistics that differ from any batch's, so that using the wrong ones shows.
    running = {"running_mean": torch.full((8,), 2.0), "running_var": torch.full((8,), 9.0)}
    norm.load_state_dict(norm.state_dict() | running)
    head = [nn.Dropout(dropout), nn.Conv2d(8, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(nn.Conv2d(3, 8, 3), norm, nn.ReLU(), *head)


def images(count: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    pixels = torch.randint(0, 256, (count, 3, 8, 8), generator=generator, dtype=torch.uint8)
    return pixels, torch.randint(0, 4, (count,), generator=generator)


PIPELINE = Pipeline(8, 3, (0.5,) * 3, (0.25,) * 3)


def measured(built: nn.Module, protocol: Protocol, seed: int = 0):
    return measure(built, ImageSet(*images()), PIPELINE, protocol, 4, seed, 1)


def test_train_mode_with_a_test_batch_of_one_is_what_one_image_at_a_time_gives():
    built = network()
    pixels, labels = images()
    right = 0
    slow = network().train()
    for index in range(len(pixels)):
        logits = slow(PIPELINE(pixels[index : index + 1]))
        right += int(logits.argmax(1) == labels[index])
    found = measured(built, Protocol(mode="train", batch=1))
    assert sum(found.correct) == right
    assert found.accuracy != measured(built, Protocol()).accuracy


def test_train_mode_takes_statistics_from_the_test_batch():
    pixels, labels = images()
    slow = network().train()
    right = sum(
        int((slow(PIPELINE(pixels[start : start + 20])).argmax(1) == labels[start : start + 20]).sum())
        for start in range(0, 60, 20)
    )
    assert sum(measured(network(), Protocol(mode="train", batch=20)).correct) == right


@pytest.mark.parametrize("batch", [1, 20])
def test_measuring_in_train_mode_leaves_no_trace(batch: int):
    built = network(0.5).train()
    before = {name: value.clone() for name, value in built.state_dict().items()}
    state = torch.get_rng_state()
    measured(built, Protocol(mode="train", batch=batch))
    assert all(torch.equal(before[name], value) for name, value in built.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert built.training
    assert built[1].momentum == 0.1
    assert "forward" not in vars(built[1])


def test_dropout_is_drawn_from_the_runs_own_seed():
    built, protocol = network(0.5), Protocol(mode="train", batch=1)
    assert measured(built, protocol, seed=1) == measured(built, protocol, seed=1)
    assert measured(built, protocol, seed=1).loss != measured(built, protocol, seed=2).loss


def test_counts_add_up_and_percent_is_cut_where_the_protocol_says_so():
    found = measured(network(), Protocol(truncate=True))
    share = 100 * sum(found.correct) / 60
    assert sum(found.total) == 60
    assert found.accuracy == int(share)
    assert measured(network(), Protocol()).accuracy == pytest.approx(share)


def test_of_equal_scores_the_first_is_the_highest():
    """As for argmax; so a network that scores all classes alike is right as often as chance is, no more."""
    classes = torch.arange(10)
    alike = torch.zeros(10, 10)
    assert among_highest(alike, classes, 5).sum() == 5
    assert among_highest(alike, classes).tolist() == (alike.argmax(1) == classes).tolist()
    assert among_highest(torch.tensor([[0.0, 2.0, 2.0, 1.0]]), torch.tensor([2]), 2).all()
    assert not among_highest(torch.tensor([[0.0, 2.0, 2.0, 1.0]]), torch.tensor([2])).any()
    assert among_highest(torch.zeros(1, 3), torch.tensor([2]), 5).all()  # of three classes, all are


@pytest.mark.parametrize("levels", [3, 10**6])
def test_the_highest_are_those_of_argmax_and_topk(levels: int):
    """With 3 levels there are ties, which topk may settle as it likes."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randint(levels, (500, 12), generator=generator).float()
    labels = torch.randint(12, (500,), generator=generator)
    assert torch.equal(among_highest(logits, labels), logits.argmax(1) == labels)
    own = logits.gather(1, labels.unsqueeze(1))
    surely, possibly = (logits >= own).sum(1) <= 5, (logits > own).sum(1) < 5
    found = among_highest(logits, labels, 5)
    assert (surely <= found).all()
    assert (found <= possibly).all()
    alone = (logits == own).sum(1) == 1
    assert torch.equal(found[alone], (logits.topk(5).indices == labels.unsqueeze(1)).any(1)[alone])


def test_measured_in_float32_whatever_the_training_precision(tmp_path: Path):
    """Scores of 8 bits would be equal more often than not."""
    run = Run(
        model=Model(name="mini-squeezenet"),
        data=Data(name="cifar10", synthetic=True, train_images=64, holdout=32),
        recipe=Recipe(batch=16, precision="bfloat16"),
    )
    trainee = Trainee(run, data.load(run.data, tmp_path), torch.device("cpu"))
    seen: set[torch.dtype] = set()
    trainee.network.register_forward_hook(lambda _module, _inputs, output: seen.add(output.dtype))
    trainee.measure("described", 1)
    assert seen == {torch.float32}


@pytest.mark.parametrize("dead", ["", "fire5", "relu10"])
def test_the_first_dead_layer_is_found(dead):
    """A bias far below zero in front of a ReLU makes its output zero for every image."""
    torch.manual_seed(0)
    built = models.build("squeezenet", classes=4, stem="cifar")
    with torch.no_grad():
        if dead == "fire5":
            weights = built.state_dict()
            for part in ("expand1x1", "expand3x3"):
                weights[f"features.7.{part}.bias"].fill_(-1e6)
        if dead == "relu10":
            built.state_dict()["classifier.1.bias"].fill_(-1e6)
    pipeline = Pipeline(32, 3, (0.5,) * 3, (0.25,) * 3)
    pixels = torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8)
    built.train()
    assert first_dead_layer(built, ImageSet(pixels, torch.zeros(6)), pipeline) == dead
    assert built.training
    assert not any(module._forward_hooks for module in built.modules())
