"""Experiments that measure published weights on their data set's test images."""

from repro.data import files, weights
from repro.planning.registry import Due, ExperimentKind, register


@register
class Weights(ExperimentKind):
    """A file for each variant."""

    name = "weights"
    has_weights = True
    measures = "published weights to measure"

    def problems(self, experiment):
        yield from super().problems(experiment)
        for index, claim in enumerate(experiment.claims):
            one = len(claim.variants) == 1 and claim.metric in ("accuracy", "top5") and claim.protocol == "described"
            if not (one and claim.epoch is None):
                what = "one variant, metric accuracy or top5, protocol described, no epoch"
                yield f"claims[{index}]: of published weights only accuracies are judged: {what}"

    def due(self, experiment, store, data_dir):
        """Variants without a record, or of another file or other images than are here now."""
        # Imported here because experiments are read with the kinds known.
        from repro.planning import experiments
        from repro.planning.weights import find

        found, lines = [], []
        for variant in experiment.variants:
            assert variant.weights is not None  # as `problems` holds
            record, images = find(store, experiment, variant), experiments.resolve(experiment, variant, "paper").data
            if lacks := weights.absent(variant.weights, images, data_dir):
                lines += [] if record else [lacks]
                continue
            here = (files.digest(data_dir / weights.FOLDER / variant.weights.file, "sha256"),
                    weights.checksum(images, data_dir))  # fmt: skip
            if record is None or (record.sha256, record.checksum) != here:
                found.append(variant)
        return Due(found, lines)
