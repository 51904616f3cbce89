"""One module for each kind of experiment. A module that is put here registers its kind; nothing else names it."""

from repro.config.registry import import_modules
from repro.planning.registry import KINDS

__all__ = ["KINDS"]

import_modules(__name__, __path__)
