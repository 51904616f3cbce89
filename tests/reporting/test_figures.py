"""What figures show, measured on what was drawn: names that do not meet, cut intervals, seeds instead of bands."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from repro.judging.evidence import Evidence
from repro.judging.evidence import shown as evidence_of
from repro.planning import experiments
from repro.records import Store
from repro.reporting import kinds, style
from repro.reporting.figures import curves, marks, registry, selection, words
from repro.reporting.figures.kinds import bars, grid
from repro.reporting.figures.labels import place_labels


def empty() -> Figure:
    return FigureCanvasAgg(Figure(figsize=(7, 3.4))).figure


def filled(name: str, folder: Path, fill: Callable, seeds: int) -> dict[Any, list[Evidence]]:
    experiment = experiments.find(name)
    fill(folder, experiment, "laptop", folder, seeds=seeds)
    return evidence_of(experiment, Store(folder), folder)


def test_series_look_different_even_in_grey() -> None:
    assert len({(style.colour(i), style.marker(i)) for i in range(36)}) == 36
    assert len({(style.colour(i), str(style.dashes(i))) for i in range(36)}) == 36
    assert all(style.marker(i) != style.marker(i + 6) for i in range(30))


def test_names_of_a_crowd_do_not_meet() -> None:
    """Sixteen networks, half of them at nearly the same place."""
    figure = empty()
    axis = figure.subplots()
    places = [(740 + 3 * i, 80 + 0.4 * i) for i in range(8)] + [(100 * i, 20 + 5 * i) for i in range(1, 9)]
    for x, y in places:
        axis.plot(x, y, "o")
    axis.set_xlim(0, 1000)
    axis.set_ylim(0, 100)
    place_labels(axis, [(f"network {i}", x, y) for i, (x, y) in enumerate(places)], [(x, y, y) for x, y in places])
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    boxes = [Text.get_window_extent(text, renderer) for text in axis.texts]
    frame = axis.get_window_extent()
    assert len(boxes) == 16
    assert [(a, b) for a, b in combinations(boxes, 2) if meet(a, b)] == []
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)


def test_an_interval_that_leaves_its_panel_ends_with_an_arrowhead() -> None:
    figure = empty()
    axis = figure.subplots()
    axis.set_ylim(0, 100)
    marks.error_bar(axis, 50, 1, (-500, 600), 0, along="y")
    marks.error_bar(axis, 50, 2, (40, 60), 1, along="y")
    marks.cut_intervals(figure)
    whole, kept = (bar.lines[2][0].get_segments()[0] for bar in axis.containers)  # type: ignore[attr-defined]
    assert sorted(whole[:, 1]) == [25, 75]
    assert sorted(kept[:, 1]) == [40, 60]
    arrows = {
        (line.get_marker(), float(np.asarray(line.get_ydata())[0])) for line in axis.lines if line.get_label() == "_cut"
    }
    assert arrows == {("v", 25), ("^", 75)}
    assert axis.get_ylim() == (0, 100)


@pytest.mark.parametrize(("seeds", "bands"), [(3, 0), (5, 1)])
def test_few_seeds_are_drawn_themselves(seeds: int, bands: int, tmp_path: Path, fill: Callable) -> None:
    evidence = filled("mini-squeezenet", tmp_path, fill, seeds)
    figure = empty()
    experiment = experiments.find("mini-squeezenet")
    curves.curves(figure, experiment, evidence, Store(tmp_path))
    shown = [c for axis in figure.axes for c in axis.collections if isinstance(c, FillBetweenPolyCollection)]
    drawn = curves.trained(evidence["laptop"])
    assert len(shown) == bands * len(drawn)
    thin = [line for axis in figure.axes for line in axis.lines if line.get_linewidth() == 0.5]
    assert len(thin) == (0 if bands else seeds * len(drawn))


def test_two_epochs_are_no_curve(tmp_path: Path, fill: Callable) -> None:
    for name in ("width", "paper-table3", "table1"):
        evidence = filled(name, tmp_path, fill, 1)
        assert all(item.run.recipe.epochs >= curves.LEAST_EPOCHS for item in curves.trained(evidence["laptop"]))


def test_published_marks_are_named(tmp_path: Path, fill: Callable) -> None:
    evidence = filled("mini-squeezenet", tmp_path, fill, 3)
    figure = empty()
    experiment = experiments.find("mini-squeezenet")
    registry.KINDS["bars"].paint(figure, experiment, evidence)
    claims = [claim for variant in experiment.variants for claim in selection.beside(experiment, variant)]
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    marks = [
        line
        for axis in figure.axes
        for line in axis.lines
        if line.get_marker() == "D" and line.get_markeredgewidth() == 1.3
    ]
    assert marks
    assert len([text for text in texts if any(text == words.published_text(claim) for claim in claims)]) == len(marks)


def test_a_legend_shows_marks_as_they_are_drawn(tmp_path: Path, fill: Callable) -> None:
    """Hollow where a protocol's marks are, and with a line only where means are joined."""

    def keys(name: str) -> dict[str, Any]:
        figure = empty()
        experiment = experiments.find(name)
        registry.stated(experiment).paint(figure, experiment, filled(name, tmp_path / name, fill, 2))
        (legend,) = figure.legends
        return {str(handle.get_label()): handle for handle in legend.legend_handles if handle}

    found = keys("squeeze-expand")
    assert found["mean (notebook)"].get_markerfacecolor() == "none"
    assert found["mean (described)"].get_markerfacecolor() != "none"
    assert keys("width")["version 1.1"].get_linestyle() == "-."
    assert keys("frontier")["report"].get_linestyle() == "None"


@pytest.mark.parametrize("paint", [bars.bars, grid.grid])
def test_networks_that_were_not_run_have_no_row(paint: Callable, tmp_path: Path, fill: Callable) -> None:
    experiment = experiments.find("batch-norm")
    left_out, *kept = experiment.variants
    evidence = filled("batch-norm", tmp_path, fill, 2)
    for budget, found in evidence.items():
        evidence[budget] = [replace(i, records=(), values=()) if i.variant is left_out else i for i in found]
    figure = empty()
    paint(figure, experiment, evidence)
    names = [label.get_text().replace("\n", " ") for label in figure.axes[0].get_yticklabels() if label.get_text()]
    assert names == [variant.title for variant in kept]


def test_many_networks_of_like_size_have_rows() -> None:
    assert registry.drawn(experiments.find("fire-removal")).name == "bars"
    assert registry.drawn(experiments.find("width")).name == "parameters"


@pytest.mark.parametrize("name", ["fire-removal", "frontier", "batch-norm", "paper-figure3a", "versions", "table1"])
def test_text_can_be_read_and_is_not_cut(name: str, tmp_path: Path, fill: Callable, monkeypatch: Any) -> None:
    """Every text is in the figure and has 7 points or more at the width of two columns; names do not meet."""
    kept: list[Figure] = []
    monkeypatch.setattr(style, "save", lambda figure, folder, name: (style.settle(figure), kept.append(figure)))
    experiment = experiments.find(name)
    kinds.of(experiment).draw(experiment, filled(name, tmp_path, fill, 2), Store(tmp_path), tmp_path / "figures")
    assert kept
    for figure in kept:
        figure.dpi = style.DPI
        figure.draw_without_rendering()
        renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
        texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
        at_ticks = tick_labels(figure)
        texts = [text for text in texts if at_ticks.get(text, True)]
        assert [text.get_text() for text in texts if text.get_fontsize() < 7] == []
        assert figure.get_size_inches()[0] <= style.WIDTH
        box = figure.bbox
        boxes = {text: Text.get_window_extent(text, renderer) for text in texts}
        cut = [
            t.get_text() for t, b in boxes.items() if b.x0 < -2 or b.y0 < -2 or b.x1 > box.x1 + 2 or b.y1 > box.y1 + 2
        ]
        assert cut == []
        for axis in figure.axes:
            own = [(t, boxes[t]) for t in axis.texts if t in boxes]
            assert [(a.get_text(), b.get_text()) for (a, x), (b, y) in combinations(own, 2) if meet(x, y)] == []


def meet(a: Any, b: Any) -> bool:
    """Whether two boxes overlap by more than a pixel in both directions."""
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1


def tick_labels(figure: Figure) -> dict[Text, bool]:
    """The texts at ticks, and whether each is drawn: those beyond the limits of their axis are not."""
    found = {}
    for axis in figure.axes:
        for index, which in enumerate((axis.xaxis, axis.yaxis)):
            low, high = sorted(which.get_view_interval())
            for tick in (*which.majorTicks, *which.minorTicks):
                for label in (tick.label1, tick.label2):
                    found[label] = label.get_visible() and bool(low <= label.get_position()[index] <= high)
    return found
