"""The plain PyTorch loop: what a user of torch and torchvision would write, and what the report's notebooks did.

torchvision's networks, a data set that gives PIL images, transforms one image at a time, a DataLoader with as many
workers as there are cores, contiguous float32, eager, torch.optim as it comes, losses read at every step.
"""

from collections.abc import Callable, Iterable
from copy import copy
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.models import alexnet, squeezenet1_0, vgg19
from torchvision.models.squeezenet import Fire

from repro import models
from repro.benchmarking.contender import Side, Work, images, in_memory, without_chance
from repro.config.specification import Run, axis_seed
from repro.data import ImageSet
from repro.data.batches import epoch_order


class Images(torch.utils.data.Dataset):
    """A data set like torchvision.datasets.CIFAR10: pixels in memory, a PIL image made of them when it is asked for."""

    def __init__(self, some: ImageSet, transform: Callable[..., Any]):
        self.data = some.images.permute(0, 2, 3, 1).numpy()
        self.targets = some.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.data[index])), self.targets[index]


class Plain(Side):
    """The plain loop for a run on CIFAR-10 with a constant learning rate."""

    def __init__(self, run: Run, data_dir: Path, device: str, threads: int, workers: int):
        super().__init__(torch.device(device), threads)
        self.run, self.workers = run, workers
        found = images(run, data_dir)
        mean, std = found.info.mean, found.info.std
        resized = [transforms.Resize(run.data.pixels)] if run.data.pixels != found.info.size else []
        crop = transforms.RandomCrop(run.data.pixels, run.recipe.crop_padding)
        augmentation = [crop, transforms.RandomHorizontalFlip()] if run.recipe.flip else []
        end = [transforms.ToTensor(), transforms.Normalize(mean, std)]
        train, test = in_memory(found)
        self.train_set = Images(train, transforms.Compose([*resized, *augmentation, *end]))
        self.test_set = Images(test, transforms.Compose([*resized, *end]))
        self.network = network(run).to(self.device)
        self.optimizer = self.torch_optimizer()

    def torch_optimizer(self) -> torch.optim.Optimizer:
        """The recipe's optimiser, everything else left at torch's defaults."""
        recipe, parameters = self.run.recipe, self.network.parameters()
        if recipe.optimizer == "adam":
            return torch.optim.Adam(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay)
        return torch.optim.SGD(parameters, recipe.learning_rate, recipe.momentum, weight_decay=recipe.weight_decay)

    def loader(self, some: Images, **order: Any) -> DataLoader:
        """Batches of a data set, read by workers."""
        return DataLoader(
            some, self.run.recipe.batch, num_workers=self.workers, pin_memory=self.device.type == "cuda", **order
        )

    def training(self) -> Work:
        loader = self.loader(self.train_set, shuffle=True, drop_last=True)
        while True:
            for _ in self.epoch(loader):
                yield self.run.recipe.batch

    def epoch(self, loader: Iterable[tuple[Tensor, Tensor]]) -> Iterable[float]:
        """Train on every batch; the loss of each."""
        self.network.train()
        correct = 0
        for inputs, labels in loader:
            inputs, labels = inputs.to(self.device), labels.to(self.device)
            self.optimizer.zero_grad()
            logits = self.network(inputs)
            loss = functional.cross_entropy(logits, labels)
            loss.backward()
            self.optimizer.step()
            correct += (logits.argmax(1) == labels).sum().item()
            yield loss.item()

    def testing(self) -> Work:
        loader = self.loader(self.test_set)
        self.network.eval()
        correct, loss = 0, 0.0
        while True:
            for inputs, labels in loader:
                inputs, labels = inputs.to(self.device), labels.to(self.device)
                with torch.no_grad():
                    logits = self.network(inputs)
                loss += functional.cross_entropy(logits, labels, reduction="sum").item()
                correct += (logits.argmax(1) == labels).sum().item()
                yield len(labels)

    def losses(self, steps: int) -> list[float]:
        run = without_chance(self.run)
        kept = self.network, self.optimizer
        self.network = network(run).to(self.device)
        self.optimizer = self.torch_optimizer()
        labels = torch.tensor(self.train_set.targets)
        order = epoch_order(labels, run.recipe.batch, run.seed, 0)[:steps].flatten().tolist()
        unchanged = copy(self.train_set)
        unchanged.transform = self.test_set.transform
        try:
            return list(self.epoch(self.loader(unchanged, sampler=order)))
        finally:
            self.network, self.optimizer = kept


def network(run: Run) -> nn.Module:
    """torchvision's network with the run's stem and first weights; of its own modules where it has no such network."""
    name, options = run.model.name, run.model.options
    classes = models.architecture(name, options).classes
    dropout = options.get("dropout", 0.5)
    cifar = options.get("stem") == "cifar"
    if name == "squeezenet":
        module = squeezenet1_0(num_classes=classes, dropout=dropout)
        first: Any = module.features[0]
        first.padding = (3, 3) if cifar else (0, 0)
    elif name == "alexnet":
        module = alexnet(num_classes=classes, dropout=dropout)
        first = module.features[0]
        first.stride, first.padding = ((2, 2), (5, 5)) if cifar else ((4, 4), (2, 2))
    elif name == "vgg19":
        module = vgg19(num_classes=classes, dropout=dropout, init_weights=False)
    else:
        module = MiniSqueezeNet(classes, dropout)
    torch.manual_seed(axis_seed(run.seed, "initialisation"))
    module.load_state_dict(models.build(name, **options).state_dict())
    return module


class MiniSqueezeNet(nn.Module):
    """zshancock's network of torchvision's fire modules."""

    def __init__(self, classes: int, dropout: float):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),
            Fire(64, 16, 64, 64),
            Fire(128, 16, 64, 64),
            Fire(128, 32, 128, 128),
            Fire(256, 32, 128, 128),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Conv2d(256, classes, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.classifier(self.features(x)), 1)
