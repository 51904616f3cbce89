"""The order and the augmentation of one epoch.

Both depend on (seed, epoch) alone and are drawn on the CPU: any epoch can be recomputed without those before it, and
it is the same on every device.
"""

import torch
from torch import Tensor

from repro.errors import BadInput
from repro.planning.specification import axis_seed


def epoch_order(labels: Tensor, batch: int, seed: int, epoch: int, balanced: bool = False) -> Tensor:
    """Which images make up the batches of an epoch: indices, int64 [steps, batch] on the CPU.

    Every image comes once, in random order; the images that do not fill the last batch are left out of this epoch.
    With `balanced`, every class is drawn as often as the largest one: an image of a smaller class comes again only
    when all others of its class have come.
    """
    generator = torch.Generator().manual_seed(axis_seed(seed, "order", epoch))
    if balanced:
        labels = labels.cpu()
        members = [torch.nonzero(labels == label).flatten() for label in labels.unique()]
        most = max(len(images) for images in members)
        drawn = torch.cat([_repeat(images, most, generator) for images in members])
    else:
        drawn = torch.arange(len(labels))
    order = drawn[torch.randperm(len(drawn), generator=generator)]
    steps = len(order) // batch
    if steps == 0:
        raise BadInput(f"a batch of {batch} is larger than the training set of {len(order)} images")
    return order[: steps * batch].view(steps, batch)


def _repeat(images: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of `images` in random order: all of them once, then all of them again, and so on."""
    rounds = -(-count // len(images))
    shuffled = [images[torch.randperm(len(images), generator=generator)] for _ in range(rounds)]
    return torch.cat(shuffled)[:count]


def epoch_draws(
    count: int, seed: int, epoch: int, flip: bool = False, crop_padding: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """The augmentation of an epoch's `count` samples, in the order in which they are drawn; on the CPU.

    Returns flips, bool [count], and the crop's offsets dy and dx, int64 [count] in 0..2 x crop_padding. Switching one
    of the two augmentations off leaves the draws of the other as they were.
    """
    generator = torch.Generator().manual_seed(axis_seed(seed, "augmentation", epoch))
    uniform = torch.rand(3, count, generator=generator, dtype=torch.float64)
    flips = (uniform[0] < 0.5) & flip
    dy, dx = (uniform[1:] * (2 * crop_padding + 1)).long()
    return flips, dy, dx
