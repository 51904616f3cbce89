"""A loaded data set: its images and labels, and what is known of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from repro.data.catalogue import DatasetInfo

if TYPE_CHECKING:
    import torch

    from repro.data.catalogue import Arrays
    from repro.data.streaming import PhotographSet


@dataclass(frozen=True)
class ImageSet:
    """Images in memory. images: uint8 [N, C, H, W] at their own size; labels: int64 [N]."""

    images: "torch.Tensor"
    labels: "torch.Tensor"

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: "torch.Tensor | slice") -> "ImageSet":
        return ImageSet(self.images[index], self.labels[index])

    def to(self, device: "torch.device | str") -> "ImageSet":
        return ImageSet(self.images.to(device), self.labels.to(device))

    @property
    def size(self) -> int:
        """Height and width of the images."""
        return self.images.shape[-1]

    def batches(
        self,
        rows: "Iterable[torch.Tensor]",
        places: "Iterable[torch.Tensor] | None" = None,
        seed: int = 0,
        epoch: int = 0,
    ) -> "Iterator[tuple[torch.Tensor, torch.Tensor]]":
        """Images and labels of each row of indices (int64 [B], on the images' device).

        What else a `PhotographSet` wants to know makes no difference here, where images are not cut as they are read.
        """
        for row in rows:
            yield self.images[row], self.labels[row]


@dataclass(frozen=True)
class Dataset:
    """The training set of a run and the set it is measured on; `info` has the counts of both.

    Images are in memory but for ImageNet's, which stay on disk.
    """

    train: "ImageSet | PhotographSet"
    test: "ImageSet | PhotographSet"
    info: DatasetInfo
    checksum: str

    def to(self, device: "torch.device | str") -> "Dataset":
        return replace(self, train=self.train.to(device), test=self.test.to(device))


def in_memory(arrays: "Arrays") -> ImageSet:
    """Images, uint8 [N, C, H, W], and labels, int64 [N], as tensors."""
    import torch

    images, labels = arrays
    return ImageSet(torch.from_numpy(images), torch.from_numpy(labels))
