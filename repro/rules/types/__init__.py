"""One module for each type of claim. A module that is put here registers its type; nothing else names it."""

from repro.config.registry import import_modules
from repro.rules.registry import TYPES

__all__ = ["TYPES"]

import_modules(__name__, __path__)
