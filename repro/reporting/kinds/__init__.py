"""One module for each kind of experiment. A module that is put here registers what its kind shows."""

from repro.config.registry import import_modules
from repro.planning.experiments import Experiment
from repro.reporting.registry import KINDS, Presentation, remove

__all__ = ["KINDS", "of", "remove"]

import_modules(__name__, __path__)


def of(experiment: Experiment) -> Presentation:
    """The presentation of an experiment."""
    return KINDS[experiment.kind]
