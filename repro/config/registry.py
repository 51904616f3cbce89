"""Registries: classes that make themselves known by name, each in a module of its own that is found by being there."""

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any, TypeVar

Base = TypeVar("Base")
Kind = TypeVar("Kind", bound=type[Any])


class Registry(dict[str, Base]):
    """An instance of each registered class, by the class's `name`.

    Args:
        kinds: what is registered, in words, for the error where two have one name.
    """

    def __init__(self, kinds: str):
        super().__init__()
        self.kinds = kinds

    def register(self, kind: Kind) -> Kind:
        """Decorate a class that is to be registered."""
        if kind.name in self:
            raise ValueError(f"two {self.kinds} are called {kind.name}")
        self[kind.name] = kind()
        return kind


def import_modules(package: str, path: Iterable[str]) -> None:
    """Import every module of a package, in the order of their names. path: its `__path__`."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")
