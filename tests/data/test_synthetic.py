"""The stand-ins: no linear model finds their classes, the strength of their waves does, and they never change."""

import hashlib

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from repro.data import DATASETS, synthetic
from repro.data.augment import resize


def linear_accuracy(name: str, weight_decay: float) -> float:
    """Test accuracy of multinomial logistic regression on the pixels as a network sees them, at 32x32."""
    (images, labels), (test_images, test_labels) = synthetic.make(DATASETS[name])
    inputs, test_inputs = (
        resize(torch.from_numpy(pixels).float(), 32).flatten(1) / 64 - 2 for pixels in (images, test_images)
    )
    classes = int(labels.max()) + 1
    weights = torch.zeros(inputs.shape[1], classes, requires_grad=True)
    biases = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, biases], max_iter=25, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(inputs @ weights + biases, torch.from_numpy(labels))
        value = value + weight_decay * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)  # pyright: ignore[reportArgumentType]
    found = (test_inputs @ weights + biases).argmax(1)
    return (found == torch.from_numpy(test_labels)).float().mean().item()


@pytest.mark.parametrize("weight_decay", [0.1, 1.0])  # less and more of it give lower accuracies
@pytest.mark.parametrize("name", DATASETS)
def test_a_linear_model_stays_low(name, weight_decay):
    assert linear_accuracy(name, weight_decay) < (0.65 if name == "bike-ship" else 0.5)


@pytest.mark.parametrize("name", DATASETS)
def test_the_strength_of_each_wave_tells_the_classes_apart(name):
    """Learnable: the nearest class by mean amplitude spectrum, whatever the phase, is nearly always right."""
    train, test = ((images[:500], labels[:500]) for images, labels in synthetic.make(DATASETS[name]))

    def spectra(images: np.ndarray) -> np.ndarray:
        grey = images.mean(axis=1)
        amplitudes = np.abs(np.fft.rfft2(grey - grey.mean(axis=(1, 2), keepdims=True))).reshape(len(images), -1)
        return amplitudes / np.linalg.norm(amplitudes, axis=1, keepdims=True)

    means = np.stack([spectra(train[0][train[1] == label]).mean(axis=0) for label in range(train[1].max() + 1)])
    found = (spectra(test[0]) @ means.T).argmax(axis=1)
    assert (found == test[1]).mean() > 0.95


@pytest.mark.parametrize("name", DATASETS)
def test_images_are_what_they_were(name):
    """Golden hashes. When they change on purpose, `catalogue.SYNTHETIC` has to change with them."""
    train, test = synthetic.make(DATASETS[name])
    assert hashlib.sha256(train[0].tobytes() + test[0].tobytes()).hexdigest()[:16] == GOLDEN[name]


GOLDEN = {
    "imagenet": "ccaf98a38281dbb4",
    "cifar10": "678fadc49047f128",
    "mnist": "7c9d1680af518c60",
    "modified-mnist": "b8de85598046a803",
    "bike-ship": "a1a0e5fed001f7f3",
}


def test_training_and_test_images_differ():
    train, test = synthetic.textures(20, 10, 1, 8, seed=0)[0], synthetic.textures(20, 10, 1, 8, seed=1)[0]
    assert not (train == test).all(axis=(1, 2, 3)).any()
