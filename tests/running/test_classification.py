"""What a network answers: who is right, how sure that is, what is lost between two networks."""

import numpy as np
import pytest
import torch
from torch import nn

from repro.data.augment import Pipeline
from repro.rules.statistics import paired_loss
from repro.running import classification
from repro.training.evaluation import BATCH_VALUES


def test_right_among_the_highest() -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0], [0.0, 1.0, 2.0, 3.0]])
    labels = torch.tensor([1, 1])
    assert classification.right(logits, labels).tolist() == [False, False]
    assert classification.right(logits, labels, 2).tolist() == [True, False]
    assert classification.right(logits, labels, 3).tolist() == [True, True]


def test_equal_scores_gain_what_chance_does() -> None:
    """Where all scores are zero behind a ReLU, as many classes are among the first as there are places."""
    for classes in (10, 1000):
        logits, labels = torch.zeros(classes, classes), torch.arange(classes)
        assert classification.right(logits, labels, 5).sum() == 5
        assert classification.right(logits, labels).sum() == 1


def test_shares_have_wilsons_interval() -> None:
    found = classification.Share(9, 10)
    assert found.percent == 90
    # Newcombe 1998, by the closed form.
    assert found.interval.low == pytest.approx(59.58, abs=0.01)
    assert found.interval.high == pytest.approx(98.21, abs=0.01)
    assert str(found) == "90.0 % [59.6, 98.2] (9 of 10)"


def test_paired_loss_is_agresti_and_mins() -> None:
    before = np.array([True] * 70 + [False] * 30)
    after = before.copy()
    after[:6] = False  # six lost
    after[70:72] = True  # two gained
    lost, interval = paired_loss(before, after)
    assert lost == pytest.approx(4)
    middle, deviation = 4 / 102, np.sqrt(9 - 16 / 102) / 102
    assert interval.low == pytest.approx(100 * (middle - 1.96 * deviation), abs=1e-3)
    assert interval.high == pytest.approx(100 * (middle + 1.96 * deviation), abs=1e-3)
    assert paired_loss(before, before)[0] == 0


def test_the_interval_covers_what_it_says() -> None:
    """Of 2,000 draws of 300 images, about 95 % of intervals hold the true loss."""
    rng = np.random.default_rng(0)
    lost, gained, inside = 0.05, 0.02, 0
    for _ in range(2_000):
        kind = rng.choice(4, 300, p=[lost, gained, 0.6, 0.33])
        before, after = (kind == 0) | (kind == 2), (kind == 1) | (kind == 2)
        _, interval = paired_loss(before, after)
        inside += interval.low <= 100 * (lost - gained) <= interval.high
    assert 0.935 <= inside / 2_000 <= 0.975


def test_caffe_takes_bgr_less_its_means() -> None:
    image = torch.tensor([10, 20, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    assert classification.caffe(image).flatten().tolist() == [30 - 104, 20 - 117, 10 - 123]


def test_scores_are_the_networks_in_evaluation_mode() -> None:
    network = nn.Sequential(nn.Dropout(0.9), nn.Flatten(), nn.Linear(12, 4))
    images = torch.arange(60, dtype=torch.uint8).view(5, 3, 2, 2)
    found = classification.scores(network, images, lambda x: x.float())
    assert torch.allclose(found, network[2](images.float().flatten(1)))
    assert classification.divergence(found, found) == 0
    assert classification.divergence(found, found.flip(1)) > 0
    # Afterwards the network can still be trained.
    network(images.float()).sum().backward()


def test_what_prepares_images_goes_to_their_device(monkeypatch: pytest.MonkeyPatch) -> None:
    class Network(nn.Module):
        """Answers zeros to images on the `meta` device, which is on every machine and is not the CPU."""

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            assert inputs.is_meta
            return torch.zeros(len(inputs), 4)

    monkeypatch.setitem(BATCH_VALUES, "meta", 2**10)
    pipeline, images = Pipeline(16, 3, (0.5,) * 3, (0.25,) * 3), torch.zeros(5, 3, 20, 20, dtype=torch.uint8)
    assert classification.scores(Network(), images, pipeline, torch.device("meta")).shape == (5, 4)
