"""Training loops of other libraries, for SqueezeNet on CIFAR-10: the plain loop with one part replaced by theirs."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2

from repro.benchmarking.contender import Work
from repro.benchmarking.plain import Images, Plain
from repro.config.specification import Run


class Tensors(Images):
    """Pixels in memory, a uint8 tensor [3, height, width] for each image."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(torch.from_numpy(self.data[index]).permute(2, 0, 1)), self.targets[index]


class Reference(Plain):
    """torchvision's reference script with `--backend tensor --use-v2`: transforms of tensors, image by image."""

    def __init__(self, run: Run, data_dir: Path, device: str, threads: int, workers: int):
        super().__init__(run, data_dir, device, threads, workers)
        normalize = self.train_set.transform.transforms[-1]
        self.train_set.__class__ = Tensors
        self.train_set.transform = v2.Compose(
            [
                v2.RandomCrop(run.data.pixels, run.recipe.crop_padding),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(normalize.mean, normalize.std),
                v2.ToPureTensor(),
            ]
        )


class Timm(Plain):
    """timm's loader: random parts and flips of PIL images, bytes until the batch is whole."""

    def __init__(self, run: Run, data_dir: Path, device: str, threads: int, workers: int):
        super().__init__(run, data_dir, device, threads, workers)
        # timm's loader puts transforms of its own in the place of these.
        self.normalize = self.train_set.transform.transforms[-1]

    def loader(self, some: Images, **order: Any) -> Any:
        from timm.data.loader import create_loader  # pyright: ignore[reportMissingImports]  # an extra

        return create_loader(
            some,  # pyright: ignore[reportArgumentType]
            (3, self.run.data.pixels, self.run.data.pixels),
            self.run.recipe.batch,
            is_training=some is self.train_set,
            color_jitter=0,
            mean=self.normalize.mean,
            std=self.normalize.std,
            num_workers=self.workers,
            device=self.device,
            persistent_workers=False,  # they would go on reading in the next loop's turn
        )


class Compiled(Plain):
    """The plain loop with the network through `torch.compile`."""

    def training(self) -> Work:
        eager, self.network = self.network, torch.compile(self.network)  # pyright: ignore[reportAttributeAccessIssue]
        try:
            yield from super().training()
        finally:
            self.network = eager
