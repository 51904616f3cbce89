"""One module for each kind of experiment that measures without training. A module that is put here registers itself."""

import importlib
import pkgutil

from repro.running.registry import KINDS

__all__ = ["KINDS"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
