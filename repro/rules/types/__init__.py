"""One module for each type of claim. A module that is put here registers its type; nothing else names it."""

import importlib
import pkgutil

from repro.rules.registry import TYPES

__all__ = ["TYPES"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
