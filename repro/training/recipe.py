"""From a recipe to an optimiser and a learning rate for every step."""

from collections.abc import Iterable

import torch
from torch import nn

from repro.config.specification import Recipe


def learning_rate(recipe: Recipe, step: int, steps: int, steps_per_epoch: int) -> float:
    """The learning rate of one step.

    Args:
        step: counted from 0 over the whole run.
        steps: of the whole run.
        steps_per_epoch: where `step` milestones, given in epochs, fall.
    """
    peak = recipe.learning_rate
    match recipe.schedule:
        case "constant":
            return peak
        case "step":
            passed = sum(step >= milestone * steps_per_epoch for milestone in recipe.milestones)
            return peak * recipe.gamma**passed
        case "linear":
            return peak * (1 - step / steps)
        case "one-cycle":
            rising = max(1, round(recipe.warmup * steps))
            if step < rising:
                return peak * (step + 1) / rising
            return peak * (steps - step) / max(1, steps - rising)


def optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter], device: torch.device) -> torch.optim.Optimizer:
    """SGD, Adam or AdamW as the recipe says, in one fused kernel per step.

    Weight decay acts on every parameter, biases and batch-norm scales too, as in Caffe, Chainer and torch's defaults.
    On CUDA the learning rate is a tensor on the device, so that a captured graph sees it change.
    """
    cuda = device.type == "cuda"
    rate = torch.tensor(recipe.learning_rate, device=device) if cuda else recipe.learning_rate
    fused = device.type in ("cpu", "cuda")
    if recipe.optimizer in ("adam", "adamw"):
        kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
        decay = recipe.weight_decay
        return kind(parameters, lr=rate, eps=recipe.epsilon, weight_decay=decay, fused=fused, capturable=cuda)
    return torch.optim.SGD(parameters, lr=rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group this learning rate, in place where it lives on the device."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
