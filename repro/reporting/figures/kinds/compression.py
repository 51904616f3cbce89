"""The figure kind `compression`: points lost against bytes, where the bytes are, weights before and after sharing."""

from repro.reporting import compression
from repro.reporting.figures import charts
from repro.reporting.figures.registry import FigureKind, register


@register
class Files(FigureKind):
    """The three figures of an experiment of kind `compression`."""

    name = "compression"

    def described(self, experiment, evidence, store):
        return compression.described(experiment, store)

    def draw(self, figure, experiment, evidence, store, name):
        compression.paint(figure, experiment, store, name)

    def chart(self, experiment, evidence, store):
        """Points of top-1 lost, and divergence of the answers, against bytes on disk."""
        points = []
        for name, record in compression.records(experiment, store).items():
            variant, answers = experiment.variant(name), record.answers
            lost = charts.mark(answers.lost, (answers.low, answers.high), answers.total)
            nats, *span = (
                max(value, compression.NONE)
                for value in (answers.divergence, answers.divergence_low, answers.divergence_high)
            )
            apart = charts.mark(nats, (span[0], span[1]), answers.total)
            line = {"line": True} if variant.series == compression.ROUNDED else {}
            place = [record.bytes / 1e3]
            points.append({"name": variant.title, "series": variant.series, "x": place, "marks": [lost, apart]} | line)
        if not points:
            return None
        lost = {"label": "points of top-1 lost", "down": True}
        return {
            "form": "points",
            "x": [{"label": "file on disk (thousand bytes)"}],
            "y": [lost, {"label": "divergence of the answers (nats)", "log": True}],
            "series": list(dict.fromkeys(each["series"] for each in points)),
            "of": "photographs",
            "views": [{"name": f"{points[0]['marks'][0]['n']} photographs", "points": points}],
            "lines": {
                "name": "sizes in the paper's Table 2",
                "at": [size / 1e3 for size in compression.published_sizes(experiment)],
            },
        }
