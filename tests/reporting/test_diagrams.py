"""The drawn networks: nothing overlaps or is cut, every number is the network's, and the files do not change."""

import itertools
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Patch, PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Bbox, BboxBase

from repro.models import architecture
from repro.models.layers import Conv, Fire
from repro.reporting import style
from repro.reporting.diagrams import (
    DIAGRAMS,
    filters_per_icon,
    fire_figure,
    network_figure,
    sides,
    stack_figure,
    steps,
)


def extents(figure: Figure) -> tuple[list[tuple[str, Bbox]], BboxBase]:
    """Every text with the box it fills, and the sheet, in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = [(text.get_text(), text.get_window_extent(renderer)) for axes in figure.axes for text in axes.texts]
    return [(text, bbox) for text, bbox in texts if text], figure.bbox


def words(figure: Figure) -> list[str]:
    """The lines of all texts."""
    return [line for axes in figure.axes for text in axes.texts for line in text.get_text().splitlines()]


@pytest.mark.parametrize("name", DIAGRAMS)
def test_no_text_is_cut_or_overlaps_another(name: str):
    texts, sheet = extents(DIAGRAMS[name]())
    assert texts
    for text, bbox in texts:
        assert sheet.x0 <= bbox.x0, text
        assert bbox.x1 <= sheet.x1, text
        assert sheet.y0 <= bbox.y0, text
        assert bbox.y1 <= sheet.y1, text
    for (one, first), (other, second) in itertools.combinations(texts, 2):
        assert not first.overlaps(second), f"{one!r} and {other!r}"


@pytest.mark.parametrize("name", DIAGRAMS)
def test_text_is_wholly_in_a_box_or_clear_of_boxes_arrows_and_sums(name: str):
    figure = DIAGRAMS[name]()
    texts, _ = extents(figure)
    (axes,) = figure.axes
    boxes = [outline(patch).get_extents() for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    boxed = {text for text, bbox in texts for box in boxes if contains(box, bbox)}
    lines = [outline(patch) for patch in axes.patches if isinstance(patch, FancyArrowPatch | Circle)]
    for text, bbox in texts:
        if text not in boxed:
            assert not any(box.overlaps(bbox) for box in boxes), text
            assert not any(line.intersects_bbox(bbox, filled=False) for line in lines), text
    assert len(boxed) < len(texts), "a test of nothing: no text stands free"


def outline(patch: Patch) -> Path:
    """What is drawn of a shape, in pixels; the vertex of a closing stroke means nothing and is left out."""
    path = patch.get_transform().transform_path(patch.get_path())
    vertices, codes = np.asarray(path.vertices), np.asarray(path.codes)
    return Path(vertices[codes != Path.CLOSEPOLY], codes[codes != Path.CLOSEPOLY])


def contains(box: Bbox, other: Bbox) -> bool:
    """Whether `other` lies wholly in `box`."""
    return box.x0 <= other.x0 and other.x1 <= box.x1 and box.y0 <= other.y0 and other.y1 <= box.y1


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_same_figure_gives_the_same_bytes(name: str):
    def drawn(kind: str) -> bytes:
        figure = DIAGRAMS[name]()
        with style.styled():
            return style.encode(figure, kind)

    for kind in ("svg", "pdf"):
        assert drawn(kind) == drawn(kind)


def test_a_user_s_matplotlib_settings_do_not_reach_the_figures(monkeypatch: pytest.MonkeyPatch):
    import matplotlib

    monkeypatch.setitem(matplotlib.rcParams, "font.family", ["serif"])
    (axes,) = DIAGRAMS["fire-module"]().axes
    assert {tuple(text.get_fontfamily()) for text in axes.texts} == {("DejaVu Sans",)}


def test_the_three_squeezenets_have_their_bypasses_and_counts():
    figure = DIAGRAMS["squeezenets"]()
    lines = words(figure)
    networks = [architecture("squeezenet", {"bypass": bypass}) for bypass in ("none", "simple", "complex")]
    assert [line for line in lines if line.endswith(" parameters")] == [
        f"{n.parameters:,} parameters" for n in networks
    ]
    fires = [layer for network in networks for layer in network.layers if isinstance(layer, Fire)]
    (axes,) = figure.axes
    # A dot where each bypass begins and a circle where it is added.
    assert sum(isinstance(patch, Circle) for patch in axes.patches) == 2 * sum(f.bypass != "none" for f in fires)
    convolutions = [str(fire.outputs) for fire in fires if fire.bypass == "conv"]
    assert [lines[i + 1] for i, line in enumerate(lines) if line.startswith("conv 1")] == convolutions
    assert len(convolutions) == 4


@pytest.mark.parametrize(
    "options", [{"version": "1.1"}, {"compression": 0.5}, {"remove": "2,5"}, {"squeeze_factor": 4}]
)
def test_a_stack_shows_the_widths_and_map_sizes_of_the_network_it_is_given(options: dict):
    network = architecture("squeezenet", options)
    lines = words(stack_figure([("a network", network)], 227))
    drawn = steps(network, 227)
    assert [line for line in lines if re.fullmatch(r"\d+", line)] == [str(step.taken[0]) for step in drawn[1:]]
    assert {sides(step.given) for step in drawn} <= set(lines)
    assert [line for line in lines if line.startswith("fire")] == [
        layer.name for layer in network.layers if isinstance(layer, Fire)
    ]


@pytest.mark.parametrize("options", [{}, {"kernel": 1, "keep_last": 2}, {"kernel": 1, "notebook_padding": True}])
def test_a_network_s_table_adds_up(options: dict):
    network = architecture("vgg19", options)
    lines = words(network_figure([("a network", network)], 224))
    convolutions = [step for step in steps(network, 224) if isinstance(step.layer, Conv)]
    assert any(line.startswith(f"{network.parameters:,} parameters") for line in lines)
    assert {str(step.given[0]) for step in convolutions} <= set(lines)
    assert sides(convolutions[-1].given) in lines
    times = "\N{MULTIPLICATION SIGN}"
    kernels = {
        f"{step.layer.kernel}{times}{step.layer.kernel}" for step in convolutions if isinstance(step.layer, Conv)
    }
    assert kernels == {line for line in lines if re.fullmatch(rf"\d{times}\d", line)} & kernels
    texts, _ = extents(network_figure([("a network", network)], 224))
    for (one, first), (other, second) in itertools.combinations(texts, 2):
        assert not first.overlaps(second), f"{one!r} and {other!r}"


@pytest.mark.parametrize(
    ("fire", "per_icon"), [(Fire("f", 96, 16, 64, 64), 4), (Fire("f", 32, 16, 32, 96), 4), (Fire("f", 9, 3, 5, 7), 1)]
)
def test_icons_stand_for_whole_numbers_of_filters(fire: Fire, per_icon: int):
    assert filters_per_icon([fire]) == per_icon


def test_a_fire_module_shows_one_icon_for_each_share_of_its_filters():
    network = architecture("squeezenet", {"squeeze_factor": 4})
    step = next(step for step in steps(network, 227) if step.layer.name == "fire3")
    assert isinstance(step.layer, Fire)
    figure = fire_figure([("one", step)])
    per_icon = filters_per_icon([step.layer])
    (axes,) = figure.axes
    icons = [patch for patch in axes.patches if type(patch) is PathPatch]
    cells = sum(int((np.asarray(icon.get_path().codes) == Path.MOVETO).sum()) for icon in icons)
    assert len(icons) * per_icon == step.layer.squeeze + step.layer.expand1x1 + step.layer.expand3x3
    assert cells * per_icon == step.layer.squeeze + step.layer.expand1x1 + 9 * step.layer.expand3x3
