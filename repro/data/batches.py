"""The order and the augmentation of one epoch.

Both depend on (seed, epoch) alone and are drawn on the CPU: any epoch can be recomputed without those before it, and
it is the same on every device.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from repro.config.specification import Recipe, axis_seed
from repro.errors import BadInput


class Draws(NamedTuple):
    """Random numbers for the augmentation of some images: one value for each, [count].

    flips: bool. dy, dx: int64, where the crop begins, downwards and to the right. size: int64, pixels to which the
    image is resized before it is cut. interpolation: int64, 0 = nearest, 1 = bilinear, 2 = bicubic. shear: float32,
    radians. zoom_y, zoom_x: float32, how many pixels of the image a step downwards or to the right takes.
    """

    flips: Tensor
    dy: Tensor
    dx: Tensor
    size: Tensor
    interpolation: Tensor
    shear: Tensor
    zoom_y: Tensor
    zoom_x: Tensor

    @staticmethod
    def used(recipe: Recipe) -> tuple[bool, ...]:
        """The names of the fields that a recipe uses, in their order."""
        cut, bent = bool(recipe.crop or recipe.crop_padding), bool(recipe.shear or recipe.zoom)
        return recipe.flip, cut, cut, bool(recipe.crop), bool(recipe.crop), bent, bent, bent

    def split(self, count: int) -> "list[Draws]":
        """The draws in parts of `count` images."""
        return [Draws(*part) for part in zip(*(values.split(count) for values in self), strict=True)]

    def to(self, device: torch.device) -> "Draws":
        return Draws(*(values.to(device) for values in self))


def epoch_order(
    labels: Tensor, batch: int, seed: int, epoch: int, balanced: bool = False, steps: int = 0, independent: bool = False
) -> Tensor:
    """The images of each batch of an epoch: indices, int64 [steps, batch] on the CPU.

    Every image comes once, in random order; the images that do not fill the last batch are left out of this pass.
    With `balanced`, every class is drawn as often as the largest one: an image of a smaller class comes again only
    when all others of its class have come. With `steps`, an epoch is that many batches of one pass after another: it
    goes on where the epoch before it stopped. With `independent`, each batch is drawn from all images anew.
    """
    drawn = len(labels)
    if balanced:
        classes = labels.cpu().unique(return_counts=True)[1]
        drawn = len(classes) * int(classes.max())
    whole = drawn // batch
    if whole == 0:
        raise BadInput(f"a batch of {batch} is larger than the training set of {drawn} images")
    steps = steps or whole
    if independent:
        generator = torch.Generator().manual_seed(axis_seed(seed, "order", epoch))
        return torch.stack([one_pass(labels, generator, balanced)[:batch] for _ in range(steps)])
    first, last = epoch * steps, (epoch + 1) * steps  # batches, counted over the whole run
    passes = []
    for number in range(first // whole, -(-last // whole)):
        generator = torch.Generator().manual_seed(axis_seed(seed, "order", number))
        passes.append(one_pass(labels, generator, balanced)[: whole * batch].view(whole, batch))
    skipped = first // whole * whole
    return torch.cat(passes)[first - skipped : last - skipped]


def one_pass(labels: Tensor, generator: torch.Generator, balanced: bool = False) -> Tensor:
    """All images in random order, int64; with `balanced` those of smaller classes several times."""
    if balanced:
        labels = labels.cpu()
        members = [torch.nonzero(labels == label).flatten() for label in labels.unique()]
        most = max(len(images) for images in members)
        drawn = torch.cat([_repeat(images, most, generator) for images in members])
    else:
        drawn = torch.arange(len(labels))
    return drawn[torch.randperm(len(drawn), generator=generator)]


def _repeat(images: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """`count` of `images` in random order: all of them once, then all of them again, and so on."""
    rounds = -(-count // len(images))
    shuffled = [images[torch.randperm(len(images), generator=generator)] for _ in range(rounds)]
    return torch.cat(shuffled)[:count]


def epoch_draws(count: int, seed: int, epoch: int, recipe: Recipe, axis: str = "augmentation") -> Draws:
    """The augmentation of an epoch's `count` samples, in the order in which they are drawn; on the CPU.

    What the recipe leaves out is drawn as nothing: no flip, no offset, zooms of 1. Switching one augmentation on or off
    leaves the draws of the others as they were.
    """
    generator = torch.Generator().manual_seed(axis_seed(seed, axis, epoch))
    place = torch.rand(3, count, generator=generator, dtype=torch.float64)
    shape = torch.rand(5, count, generator=generator, dtype=torch.float64)
    low, high = recipe.resize or (0, 0)
    size = low + (shape[0] * (high - low + 1)).long()
    # Where the crop may begin: anywhere in the padding, or anywhere inside the resized image.
    room = size - recipe.crop if recipe.crop else torch.tensor(2 * recipe.crop_padding)
    dy, dx = (place[1:] * (room + 1)).long()
    angle = math.radians(recipe.shear) if recipe.shear_unit == "degrees" else recipe.shear
    shear, zoom_y, zoom_x = (2 * shape[2:] - 1) * torch.tensor([[angle], [recipe.zoom], [recipe.zoom]]).double()
    return Draws(
        flips=(place[0] < 0.5) & recipe.flip,
        dy=dy,
        dx=dx,
        size=size,
        # A quarter each for nearest and bilinear, a half for bicubic, which the source lists under two names.
        interpolation=(shape[1] * 4).long().clamp(max=2),
        shear=shear.float(),
        zoom_y=(1 + zoom_y).float(),
        zoom_x=(1 + zoom_x).float(),
    )
