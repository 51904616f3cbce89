"""Base class of the kinds of experiment, for planning, and the kinds by name.

What an experiment of each kind shows is in `repro.reporting.kinds`. Imports nothing that takes time to load.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from repro.config.registry import Registry

if TYPE_CHECKING:
    from repro.planning.experiments import Experiment, Variant
    from repro.records import Store


class Due(NamedTuple):
    """The measurements that an experiment lacks beside its trainings.

    variants: those that are measured now.
    lines: what each variant lacks that cannot be measured.
    """

    variants: "list[Variant]"
    lines: list[str]


class ExperimentKind:
    """A kind of experiment: which files of it make sense, and what work there is.

    Attributes:
        name: the `kind` of an experiment.
        trains: its variants are trained, once per seed.
        has_weights: its variants name published weights, which are measured on test images.
        measures: what `due` counts, in words.
    """

    name: ClassVar[str]
    trains: ClassVar[bool] = False
    has_weights: ClassVar[bool] = False
    measures: ClassVar[str] = ""

    def problems(self, experiment: "Experiment") -> Iterator[str]:
        """Problems of an experiment of this kind, in words."""
        for index, variant in enumerate(experiment.variants):
            if (variant.weights is None) == self.has_weights:
                kinds = " or ".join(name for name, kind in KINDS.items() if kind.has_weights)
                yield f"variants[{index}].weights: goes with kind = {kinds}, and with no other kind"

    def due(self, experiment: "Experiment", store: "Store", data_dir: Path) -> Due:
        """The variants that have no record and are not trained; `repro.running.kinds` measures it."""
        return Due([], [])

    def countable(self, variant: "Variant") -> bool:
        """Whether the network of a variant that is not compressed can be counted."""
        return True


KINDS: Registry[ExperimentKind] = Registry("kinds of experiment")
register = KINDS.register
