"""One module for each kind of experiment. A module that is put here registers what its kind shows."""

import importlib
import pkgutil

from repro.planning.experiments import Experiment
from repro.reporting.registry import KINDS, Presentation, remove

__all__ = ["KINDS", "of", "remove"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def of(experiment: Experiment) -> Presentation:
    """How an experiment is shown."""
    return KINDS[experiment.kind]
