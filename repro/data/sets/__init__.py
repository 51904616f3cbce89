"""One module for each data set. A module that is put here registers its data set; nothing else names it."""

import importlib
import pkgutil


def discover() -> None:
    """Import every module of this package, in the order of their names."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
