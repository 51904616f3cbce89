"""Photographs that stay on disk: decoded and cropped to squares by worker processes while the network trains."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms

from repro.config.specification import axis_seed
from repro.data.photographs import opened
from repro.errors import Failure
from repro.processes import cores

Cut = Literal["squash", "caffe", "torchvision"]
# More decoding processes than this do not help one device.
MOST_WORKERS = 16


@dataclass(frozen=True)
class PhotographSet:
    """Photographs that stay on disk; to the training loop the same as `ImageSet`.

    names: files below `folder`, string [N]. labels: int64 [N], on the CPU. pixels: height and width that photographs
    are cut to. training: their cuts are random, and another one of its class stands in for one that is damaged; in a
    test set that is an error. device: where batches go. replaced: the damaged ones met so far.
    """

    folder: Path
    names: np.ndarray
    labels: Tensor
    pixels: int
    cut: Cut
    training: bool
    device: torch.device = torch.device("cpu")  # noqa: RUF009 (immutable)
    replaced: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Tensor | slice) -> "PhotographSet":
        chosen = index if isinstance(index, slice) else index.numpy()
        return self._changed(names=self.names[chosen], labels=self.labels[index])

    def to(self, device: torch.device | str) -> "PhotographSet":
        return self._changed(device=torch.device(device))

    def _changed(self, **what: object) -> "PhotographSet":
        # With a list of its own: runs share a data set, not what each of them met.
        return PhotographSet(**{**self.__dict__, "replaced": set(), **what})  # pyright: ignore[reportArgumentType]

    @property
    def size(self) -> int:
        """Height and width of the images in a batch."""
        return self.pixels

    def batches(
        self, rows: Iterable[Tensor], places: Iterable[Tensor] | None = None, seed: int = 0, epoch: int = 0
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Images, uint8 [B, 3, pixels, pixels], and labels, int64 [B], of each row of indices (int64 [B]).

        A training photograph's cut depends on seed, epoch and its place in the epoch (int64 [B]) alone, not on how many
        processes decode or train.

        Raises:
            Failure: a photograph cannot be read that is to be measured, or none of a class.
        """
        rows = list(rows)
        places = rows if places is None else places
        work = [list(zip(row.tolist(), place.tolist(), strict=True)) for row, place in zip(rows, places, strict=True)]
        decoder = Decoder(self, seed, epoch)
        workers = min(worker_count(), len(work))
        loader = DataLoader(
            decoder,  # pyright: ignore[reportArgumentType] (has the two methods that are used)
            batch_size=None,
            sampler=work,
            num_workers=workers,
            pin_memory=self.device.type == "cuda",
        )
        for images, labels, damaged in loader:
            if damaged and not self.training:
                raise Failure(f"{self.folder / damaged[0]} is damaged or no photograph: it cannot be measured")
            self.replaced.update(damaged)
            yield images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)


class Decoder:
    """The work of a decoding process: one batch at a time, from (index, place) pairs to images."""

    def __init__(self, photographs: PhotographSet, seed: int, epoch: int):
        self.photographs, self.seed, self.epoch = photographs, seed, epoch
        self.square = squares(photographs.cut, photographs.pixels, photographs.training)

    def __len__(self) -> int:
        return len(self.photographs)

    def __getitem__(self, batch: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor, list[str]]:
        """Images, labels, and the names of those that could not be read."""
        pixels = self.photographs.pixels
        images = np.zeros((len(batch), 3, pixels, pixels), np.uint8)
        damaged: list[str] = []
        for image, (index, place) in zip(images, batch, strict=True):
            # One photograph's cut is the same in whatever process and after whatever other it is made.
            torch.manual_seed(axis_seed(self.seed, f"cut/{place}", self.epoch))
            for candidate in self.candidates(index):
                try:
                    with opened(self.photographs.folder / self.photographs.names[candidate]) as photograph:
                        image[:] = np.asarray(self.square(photograph.convert("RGB"))).transpose(2, 0, 1)
                    break
                except Failure:
                    damaged.append(str(self.photographs.names[candidate]))
        labels = self.photographs.labels[torch.tensor([index for index, _ in batch])]
        return torch.from_numpy(images), labels, damaged

    def candidates(self, index: int) -> Iterator[int]:
        """A photograph, then what can stand for it: the others of its class, the nearest ones behind it first.

        Raises:
            Failure: there is no other left.
        """
        yield index
        if not self.photographs.training:
            return
        members = torch.nonzero(self.photographs.labels == self.photographs.labels[index]).flatten().tolist()
        own = members.index(index)
        yield from members[own + 1 :] + members[:own]
        folder = (self.photographs.folder / self.photographs.names[index]).parent
        raise Failure(f"none of the photographs in {folder} can be read")


def squares(cut: Cut, pixels: int, training: bool) -> Callable[[Image.Image], Image.Image]:
    """A photograph of any shape as a square of `pixels`, as `repro.config.specification.Data` has it; bilinear."""
    match cut:
        case "squash":
            steps = [transforms.Resize((pixels, pixels))]
        case "caffe":
            side = round(pixels * 256 / 227)
            crop = transforms.RandomCrop(pixels) if training else transforms.CenterCrop(pixels)
            steps = [transforms.Resize((side, side)), crop]
        case "torchvision" if training:
            steps = [transforms.RandomResizedCrop(pixels)]
        case "torchvision":
            steps = [transforms.Resize(round(pixels * 256 / 224)), transforms.CenterCrop(pixels)]
    return transforms.Compose(steps)


def worker_count() -> int:
    """Decoding processes for this one: the cores it may use, shared with the others that were started with it here."""
    return max(1, min(MOST_WORKERS, cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))))
