"""One module for each data set. A module that is put here registers its data set; nothing else names it."""

from repro.config.registry import import_modules


def discover() -> None:
    """Import every module of this package, in the order of their names."""
    import_modules(__name__, __path__)
