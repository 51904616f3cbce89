"""The runs that benchmarks are made of: the laptop budget's, with a few settings changed."""

from pathlib import Path
from typing import Any

from repro import data
from repro.config.specification import Run
from repro.planning import experiments
from repro.planning.experiments import Experiment, Settings, Variant


def laptop_run(network: str, settings: dict[str, Any], pixels: int = 32) -> Run:
    """A network's run on CIFAR-10 at the laptop budget, with its full-size stem where the input is large.

    settings: by dotted name, as `--set` takes them.
    """
    stem = Settings(stem="cifar" if pixels < 64 else "imagenet")
    variant = Variant(name=network, model=network, laptop=stem)
    experiment = Experiment(title="benchmark", source="", question="", variants=(variant,))
    return experiments.resolve(experiment, variant, "laptop", {"data.pixels": pixels, **settings})


def without_images(data_dir: Path) -> bool:
    """Whether CIFAR-10 is not here, so that its stand-in has to do; a benchmark downloads nothing."""
    return not data.find("cifar10").status(data_dir).present
