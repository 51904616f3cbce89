"""One module for each kind of experiment that measures without training. A module that is put here registers itself."""

from repro.config.registry import import_modules
from repro.running.registry import KINDS

__all__ = ["KINDS"]

import_modules(__name__, __path__)
