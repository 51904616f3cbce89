"""Training steps as one CUDA graph.

A step of a small network is some three hundred kernels of a few microseconds each; launching them one by one from
Python takes longer than running them, most of all at the notebooks' batch of 4. Captured once, the whole step is
launched at one stroke.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from repro.data.batches import Draws, epoch_draws

if TYPE_CHECKING:
    from repro.training.loop import Trainee

WARM_UP = 3  # steps that let libraries choose kernels and allocate before the capture


def captured(trainee: "Trainee") -> Callable[..., None]:
    """`trainee.step` as a captured graph: same arguments, same effect, same numbers.

    Weights, buffers and optimiser state are as before the call: what the warm-up steps changed is put back.
    """
    rates = [torch.as_tensor(group["lr"]) for group in trainee.optimizer.param_groups]
    assert all(rate.is_cuda for rate in rates), "the graph would keep the first step's learning rate"
    batch, device = trainee.run.recipe.batch, trainee.device
    train = trainee.data.train
    first = torch.arange(batch, device=train.labels.device) % len(train)
    inputs = (*next(train.batches([first])), *epoch_draws(batch, 0, 0, trainee.run.recipe).to(device))
    trainee.network.train()
    weights = [tensor.clone() for tensor in trainee.network.state_dict().values()]
    before = {key: value.clone() for key, value in optimizer_tensors(trainee.optimizer).items()}
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            trainee.step(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    for tensor, value in zip(trainee.network.state_dict().values(), weights, strict=True):
        tensor.copy_(value)
    for key, tensor in optimizer_tensors(trainee.optimizer).items():
        # State that the first step made starts at zero, momentum and Adam's counters alike.
        tensor.copy_(before[key]) if key in before else tensor.zero_()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        trainee.step(*inputs)

    copied = (True, True, *Draws.used(trainee.run.recipe))

    def step(*arguments: Tensor) -> None:
        for place, value, used in zip(inputs, arguments, copied, strict=True):
            if used:
                place.copy_(value)
        graph.replay()

    return step


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[tuple[int, str], Tensor]:
    """The tensors of an optimiser's state, by position of the parameter and name."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return {
        (position, name): value
        for position, parameter in enumerate(parameters)
        for name, value in optimizer.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }
