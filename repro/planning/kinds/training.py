"""Experiments whose variants are trained."""

from repro.planning.registry import ExperimentKind, register


@register
class Training(ExperimentKind):
    """A run for each variant and seed."""

    name = "training"
    trains = True

    def problems(self, experiment):
        if not experiment.variants:
            yield "no variants: an experiment that trains needs at least one"
        yield from super().problems(experiment)
