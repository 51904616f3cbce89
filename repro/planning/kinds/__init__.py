"""One module for each kind of experiment. A module that is put here registers its kind; nothing else names it."""

import importlib
import pkgutil

from repro.planning.registry import KINDS

__all__ = ["KINDS"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
