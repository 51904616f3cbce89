"""Re-run the science of SqueezeNet, and judge each published number.

    import repro

    runs = repro.load()            # a DataFrame: one row per run and protocol
    runs.groupby(["experiment", "variant"]).accuracy.agg(["mean", "std", "count"])

`load`, `histories`, `claims`, `build` and `run` are documented in docs/python.md.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.api import build, claims, histories, load, run

__version__ = "0.2.0"
__all__ = ["build", "claims", "histories", "load", "run"]


def __getattr__(name: str) -> Any:
    """Import what `import repro` offers when it is first used, so that commands start at once."""
    if name in __all__:
        return getattr(importlib.import_module("repro.api"), name)
    raise AttributeError(f"module 'repro' has no attribute {name!r}")
