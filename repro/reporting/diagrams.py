"""The report's Figures 2 to 5, and the fire module, drawn from the networks themselves.

Every width, map size and count on a figure is read from a network's `Architecture`, the definition that the torch
module is built from; nothing here knows one. One unit of a drawing is one inch.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import gcd, hypot, sqrt
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path

from repro.models import architecture
from repro.models.layers import Architecture, AveragePool, Conv, Fire, Layer, Linear, MaxPool, Shape
from repro.reporting.style import INK, MUTED, RULE, WIDTH, styled

# Fills keep their order in grey, from light to dark: pooling, 1x1, 3x3, larger kernels. Writing on a fill stays dark
# on a dark page, so it is not INK.
ON_FILL = "#14202b"
EDGE = "#35495a"
POOL = "#eceeef"
ONE, THREE, LARGE = "#cfe6f6", "#7fbbe3", "#4a90c6"
FIRE = "#a9d2ee"
DENSE = "#f6d7a7"
BYPASS = "#c24f00"

FONT, SMALL = 7.5, 7.0
RADIUS = 0.07  # of the corners of lines, in inches
TIMES, DASH, PLUS = "\N{MULTIPLICATION SIGN}", "\N{EN DASH}", "\N{CIRCLED PLUS}"


class Step(NamedTuple):
    """A layer with its input and output shape."""

    layer: Layer
    taken: Shape
    given: Shape


def steps(network: Architecture, pixels: int) -> list[Step]:
    """The layers that change the shape of what flows through, for square images of that many pixels."""
    shown = (Conv, Fire, MaxPool, AveragePool, Linear)
    trace = (Step(*step) for step in network.trace((network.channels, pixels, pixels)))
    return [step for step in trace if isinstance(step.layer, shown)]


# --- pieces ---------------------------------------------------------------------------------------------------------


def canvas(height: float) -> tuple[Figure, Axes]:
    """An empty sheet whose coordinates are inches from the lower left corner."""
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, height))
    axes.set_axis_off()
    return figure, axes


def write(axes: Axes, x: float, y: float, text: str, **style) -> None:
    """Text centred on (x, y) unless said otherwise."""
    defaults = {"ha": "center", "va": "center", "fontsize": FONT, "color": INK, "linespacing": 1.25}
    axes.text(x, y, text, **defaults | style)


def box(axes: Axes, x: float, y: float, width: float, height: float, fill: str, text: str = "", **style) -> None:
    """A rounded box centred on (x, y)."""
    corner = (x - width / 2, y - height / 2)
    shape = FancyBboxPatch(
        corner, width, height, boxstyle="round,pad=0,rounding_size=0.04", facecolor=fill, edgecolor=EDGE, linewidth=0.7
    )
    axes.add_patch(shape)
    if text:
        write(axes, x, y, text, color=ON_FILL, **style)


def arrow(axes: Axes, points: Sequence[tuple[float, float]], head: bool = True, **style) -> None:
    """A line through `points` whose corners are rounded, with an arrow head at its end."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        vertices += [towards(corner, before), corner, towards(corner, after)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    line = {"color": MUTED, "linewidth": 0.9, "capstyle": "butt", "joinstyle": "round"} | style
    shape = FancyArrowPatch(
        path=Path([*vertices, points[-1]], [*codes, Path.LINETO]),
        arrowstyle="-|>,head_length=3.2,head_width=1.6" if head else "-",
        mutation_scale=1,
        shrinkA=0,
        shrinkB=0,
        **line,
    )
    axes.add_patch(shape)


def towards(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    """The point `RADIUS` from `start` on the way to `end`, at most half way."""
    across, up = end[0] - start[0], end[1] - start[1]
    share = min(RADIUS / hypot(across, up), 0.5)
    return start[0] + across * share, start[1] + up * share


def fill_of(layer: Layer) -> str:
    """The colour of a layer: by kernel size for convolutions."""
    if isinstance(layer, Conv):
        return ONE if layer.kernel == 1 else THREE if layer.kernel == 3 else LARGE
    return FIRE if isinstance(layer, Fire) else DENSE if isinstance(layer, Linear) else POOL


def sides(shape: Shape) -> str:
    """Height and width of a map: `55x55`."""
    return f"{shape[1]}{TIMES}{shape[2]}"


def kernel(layer: Conv | MaxPool) -> str:
    """`7x7 / 2`: kernel, and stride where it is not 1."""
    return f"{layer.kernel}{TIMES}{layer.kernel}" + (f" / {layer.stride}" if layer.stride > 1 else "")


def short(count: int) -> str:
    """A count in three or four figures: 14.2 k, 37.8 M, 7.6 G."""
    for unit, name in ((10**9, " G"), (10**6, " M"), (10**3, " k")):
        if count >= unit:
            return f"{count / unit:.1f}{name}"
    return str(count)


# --- fire modules ---------------------------------------------------------------------------------------------------

ICONS = 24  # a box shows one icon per filter up to this many, else one for several filters
FIRE_HEIGHT = 1.9


def filters_per_icon(fires: Iterable[Fire]) -> int:
    """The number of filters that one icon stands for: a divisor of every width, so that proportions are exact."""
    widths = [width for fire in fires for width in (fire.squeeze, fire.expand1x1, fire.expand3x3)]
    common = gcd(*widths)
    return next((n for n in range(1, common) if common % n == 0 and max(widths) / n <= ICONS), common)


def filter_box(axes: Axes, conv: Conv, x: float, y: float, width: float, height: float, per_icon: int) -> None:
    """A convolution as a box centred on (x, y): its name, its filters as icons of 1x1 or 3x3 cells, its parameters."""
    box(axes, x, y, width, height, fill_of(conv))
    role = conv.name.rstrip("0123456789x")
    caption = f"{conv.outputs} filters · {conv.parameters:,} parameters"
    write(axes, x, y + height / 2 - 0.11, f"{role} {kernel(conv)}", fontweight="bold", color=ON_FILL)
    write(axes, x, y - height / 2 + 0.1, caption, color=ON_FILL, fontsize=SMALL)
    icons = conv.outputs // per_icon
    cell, gap = 0.05, 0.045
    pitch = cell * conv.kernel + gap
    rows = 1 if icons * pitch < width - 0.15 else 2
    columns = -(-icons // rows)
    left, top = x - (columns * pitch - gap) / 2, y - 0.005 + (rows * pitch - gap) / 2
    for index in range(icons):
        across, down = left + index % columns * pitch, top - index // columns * pitch - pitch + gap
        corners = [(across + x * cell, down + y * cell) for y in range(conv.kernel) for x in range(conv.kernel)]
        cells = Path.make_compound_path(*(square(corner, cell) for corner in corners))
        axes.add_patch(PathPatch(cells, facecolor="white", edgecolor=EDGE, linewidth=0.4))


def square(corner: tuple[float, float], side: float) -> Path:
    """A square from its lower left corner."""
    x, y = corner
    return Path([(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)], closed=True)


def draw_fire_module(axes: Axes, step: Step, bottom: float, per_icon: int, heading: str) -> None:
    """A fire module from left to right, in the strip of `FIRE_HEIGHT` inches above `bottom`."""
    parts: dict[str, Any] = dict(step.layer.parts())
    middle = bottom + 0.86
    write(axes, 0.08, bottom + FIRE_HEIGHT - 0.1, heading, ha="left", fontsize=8, fontweight="bold")
    write(axes, 0.43, middle, f"input\n{step.taken[0]} channels\n{sides(step.taken)}")
    arrow(axes, [(0.77, middle), (0.91, middle)])
    filter_box(axes, parts["squeeze"], 1.68, middle, 1.52, 0.6, per_icon)
    write(axes, 2.6, middle + 0.08, "ReLU", fontsize=SMALL, color=MUTED)
    for name, y, height in (("expand1x1", middle + 0.45, 0.6), ("expand3x3", middle - 0.35, 0.84)):
        arrow(axes, [(2.44, middle), (2.76, middle), (2.76, y), (2.94, y)])
        filter_box(axes, parts[name], 4.19, y, 2.48, height, per_icon)
        arrow(axes, [(5.43, y), (5.75, y)])
        write(axes, 5.57, y + 0.08, "ReLU", fontsize=SMALL, color=MUTED)
    box(axes, 5.84, middle - 0.01, 0.18, 1.52, POOL)
    write(axes, 5.84, middle, "concatenate", rotation=90, fontsize=SMALL, color=ON_FILL)
    arrow(axes, [(5.93, middle), (6.13, middle)])
    write(axes, 6.53, middle, f"output\n{step.given[0]} channels\n{sides(step.given)}")


def fire_figure(modules: Sequence[tuple[str, Step]]) -> Figure:
    """Fire modules one below the other, each under its heading."""
    per_icon = filters_per_icon(step.layer for _, step in modules if isinstance(step.layer, Fire))
    figure, axes = canvas(len(modules) * FIRE_HEIGHT + 0.28)
    for index, (heading, step) in enumerate(modules):
        draw_fire_module(axes, step, 0.28 + (len(modules) - 1 - index) * FIRE_HEIGHT, per_icon, heading)
    unit = "one filter" if per_icon == 1 else f"{per_icon} filters"
    note = f"Each square or 3{TIMES}3 grid stands for {unit}."
    write(axes, 0.08, 0.12, note, ha="left", fontsize=SMALL, color=MUTED)
    return figure


# --- SqueezeNets side by side ---------------------------------------------------------------------------------------

PITCH, TALL, WIDE = 0.5, 0.22, 1.08


def box_label(layer: Layer) -> str:
    """The text in a layer's box: its name, and kernel and stride where they are its own."""
    match layer:
        case Conv() | MaxPool():
            return f"{layer.name}  {kernel(layer)}"
        case AveragePool():
            return "global average"
    return layer.name


def draw_stack(axes: Axes, network: list[Step], x: float, top: float) -> None:
    """A network from top to bottom around `x`: a box per layer, channels on the arrows, bypasses on the right."""
    write(axes, x, top, f"{network[0].taken[0]}{TIMES}{sides(network[0].taken)}")
    above = top - 0.09
    for index, step in enumerate(network):
        layer, y = step.layer, top - (index + 1) * PITCH
        arrow(axes, [(x, above), (x, y + TALL / 2)])
        if index:
            write(axes, x - 0.1, y + PITCH / 2, str(step.taken[0]), ha="right", fontsize=SMALL, color=MUTED)
        box(axes, x, y, WIDE, TALL, fill_of(layer), box_label(layer))
        if isinstance(layer, Fire) and layer.bypass != "none":
            draw_bypass(axes, layer, x, y)
        above = y - TALL / 2
    arrow(axes, [(x, above), (x, above - 0.2)])
    write(axes, x, above - 0.28, f"{network[-1].given[0]} classes")


def draw_bypass(axes: Axes, fire: Fire, x: float, y: float) -> None:
    """The way around the fire module whose box is centred on (x, y), to a sum below it; its 1x1 convolution if any."""
    side, start, end = x + 0.86, y + TALL / 2 + 0.085, y - TALL / 2 - 0.09
    line = {"color": BYPASS, "linewidth": 1.1}
    axes.add_patch(Circle((x, start), 0.02, facecolor=BYPASS, edgecolor="none", zorder=3))
    arrow(axes, [(x, start), (side, start), (side, end), (x + 0.055, end)], **line)
    axes.add_patch(Circle((x, end), 0.055, facecolor="white", edgecolor=BYPASS, linewidth=1, zorder=3))
    for dx, dy in ((0.055, 0), (0, 0.055)):
        axes.plot((x - dx, x + dx), (end - dy, end + dy), color=BYPASS, linewidth=1, zorder=4)
    if fire.bypass == "conv":
        box(axes, side, y, 0.52, 0.32, ONE, f"conv 1{TIMES}1\n{fire.outputs}", fontsize=SMALL, linespacing=1.0)


def draw_map_sizes(axes: Axes, network: list[Step], x: float, top: float) -> None:
    """Brackets along the boxes whose outputs have the same height and width, at `x`."""
    first = 0
    for index, step in enumerate(network):
        if index + 1 < len(network) and network[index + 1].given[1:] == step.given[1:]:
            continue
        high, low = top - (first + 1) * PITCH + TALL / 2, top - (index + 1) * PITCH - TALL / 2
        axes.plot((x + 0.06, x, x, x + 0.06), (high, high, low, low), color=RULE, linewidth=1)
        tall = high - low > 0.6
        turned: dict[str, Any] = {"rotation": 90, "ha": "center"} if tall else {"ha": "right"}
        write(axes, x - 0.09, (high + low) / 2, sides(step.given), fontsize=SMALL, color=MUTED, **turned)
        first = index + 1


def stack_figure(networks: Sequence[tuple[str, Architecture]], pixels: int) -> Figure:
    """Networks with the same map sizes side by side, each under its heading."""
    drawn = [steps(network, pixels) for _, network in networks]
    top = max(map(len, drawn)) * PITCH + TALL / 2 + 0.6
    figure, axes = canvas(top + 0.62)
    note = f"On the arrows: channels. Left: height and width of the maps. {PLUS}: the sum of both, channel by channel."
    write(axes, 0.08, 0.12, note, ha="left", fontsize=SMALL, color=MUTED)
    draw_map_sizes(axes, drawn[0], 0.66, top)
    for index, (heading, network) in enumerate(networks):
        x = 1.36 + index * 2.2
        write(axes, x, top + 0.48, heading, fontsize=8, fontweight="bold")
        write(axes, x, top + 0.32, f"{network.parameters:,} parameters", fontsize=SMALL, color=MUTED)
        draw_stack(axes, drawn[index], x, top)
    return figure


# --- AlexNet and VGG19 ----------------------------------------------------------------------------------------------

NETWORK_HEIGHT, ROW = 2.75, 0.147
TABLE = ("kernel", "channels", "map", "pooled to", "parameters")


class Column(NamedTuple):
    """Layers drawn over one column of the table: like convolutions in a row and the pool that ends them."""

    name: str
    layers: list[Step]
    pool: Step | None = None

    @property
    def steps(self) -> list[Step]:
        """All that is drawn."""
        return self.layers if self.pool is None else [*self.layers, self.pool]


def columns(network: list[Step]) -> list[Column]:
    """The network in columns: convolutions alike in kernel and width stand together."""
    found: list[Column] = []
    for step in network:
        layer, last = step.layer, found[-1] if found else None
        if isinstance(layer, MaxPool | AveragePool):
            if last is not None and step.given != step.taken:
                found[-1] = last._replace(pool=step)
        elif last is not None and last.pool is None and alike(layer, last.layers[-1].layer):
            last.layers.append(step)
        else:
            found.append(Column(layer.name, [step]))
    return [column._replace(name=joint_name([step.layer.name for step in column.layers])) for column in found]


def alike(one: Layer, other: Layer) -> bool:
    """Whether two layers are convolutions of the same kernel and width."""
    return (
        isinstance(one, Conv) and isinstance(other, Conv) and (one.kernel, one.outputs) == (other.kernel, other.outputs)
    )


def joint_name(names: Sequence[str]) -> str:
    """`conv3_1`, `conv3_2`, `conv3_3` -> `conv3_1-3`."""
    last = re.sub(r"^.*\D", "", names[-1])
    return names[0] if len(names) == 1 else f"{names[0]}{DASH}{last}"


def slab(axes: Axes, x: float, y: float, thickness: float, side: float, fill: str) -> None:
    """A map as a cuboid seen from the left front, its front face's left edge at `x` and centred on `y`."""
    away = (0.2 * side, 0.2 * side)
    low, high = y - side / 2 - away[1] / 2, y + side / 2 - away[1] / 2
    front = [(x, low), (x + thickness, low), (x + thickness, high), (x, high)]
    top = [(x, high), (x + thickness, high), (x + thickness + away[0], high + away[1]), (x + away[0], high + away[1])]
    right = [
        (x + thickness, low),
        (x + thickness + away[0], low + away[1]),
        (x + thickness + away[0], high + away[1]),
        (x + thickness, high),
    ]
    for corners, veil in ((right, 0.0), (top, 0.35), (front, 0.15)):
        face = {"edgecolor": EDGE, "linewidth": 0.5, "joinstyle": "round"}
        axes.add_patch(Polygon(corners, closed=True, facecolor=fill, **face))
        if veil:
            axes.add_patch(Polygon(corners, closed=True, facecolor="white", alpha=veil, edgecolor="none"))


def cells(column: Column) -> tuple[str, ...]:
    """A column's entries in the rows of `TABLE`."""
    layer, given = column.layers[0].layer, column.layers[-1].given
    parameters = short(sum(step.layer.parameters for step in column.layers))
    if not isinstance(layer, Conv):
        return "", str(given[0]), "", "", parameters
    return kernel(layer), str(given[0]), sides(given), sides(column.pool.given) if column.pool else "", parameters


def draw_network(axes: Axes, network: Architecture, pixels: int, bottom: float, heading: str) -> None:
    """Maps of a network as cuboids over a table of its layers, in the strip of `NETWORK_HEIGHT` inches above `bottom`.

    To fit one page, sides grow with the square root of the map's height, thicknesses with that of the channels and
    dense bars with that of their units.
    """
    shape = (network.channels, pixels, pixels)
    drawn = columns(steps(network, pixels))
    counts = f"{network.parameters:,} parameters · {short(network.macs(shape))} multiply-accumulates"
    write(axes, 0.08, bottom + NETWORK_HEIGHT - 0.1, heading, ha="left", fontsize=8, fontweight="bold")
    write(axes, WIDTH - 0.08, bottom + NETWORK_HEIGHT - 0.1, counts, ha="right", color=MUTED)
    left, right, narrowest = 0.7, WIDTH - 0.05, 0.46
    pieces = [len(column.steps) for column in drawn]
    # Columns are as wide as what they hold, but never narrower than their writing.
    pitch = (right - left - narrowest * (1 + pieces.count(1))) / sum(count for count in pieces if count > 1)
    widths = [narrowest if count == 1 else count * pitch for count in pieces]
    widest = max(step.given[0] for column in drawn for step in column.layers if isinstance(step.layer, Conv))
    thickness = min(0.62 * pitch, 0.24) / sqrt(widest)
    middle = bottom + 1.75

    def cuboid(x: float, given: Shape, fill: str) -> None:
        side = 1.15 * sqrt(given[1] / pixels)
        deep = thickness * sqrt(given[0])
        slab(axes, x - (deep + 0.2 * side) / 2, middle, deep, side, fill)

    def entries(x: float, name: str, texts: Sequence[str]) -> None:
        write(axes, x, bottom + 0.84, name, fontsize=SMALL, va="baseline")
        for row, text in enumerate(texts):
            write(axes, x, bottom + 0.69 - row * ROW, text, fontsize=SMALL, va="baseline")

    for row, text in enumerate(TABLE):
        write(axes, 0.08, bottom + 0.69 - row * ROW, text, ha="left", fontsize=SMALL, color=MUTED, va="baseline")
    axes.plot((0.08, right), (bottom + 0.79, bottom + 0.79), color=RULE, linewidth=0.6)
    cuboid(left + narrowest / 2, shape, "#ffffff")
    entries(left + narrowest / 2, "input", ("", str(shape[0]), sides(shape), "", ""))
    start = left + narrowest
    for column, width, count in zip(drawn, widths, pieces, strict=True):
        for index, step in enumerate(column.steps):
            x = start + width * (index + 0.5) / count
            if isinstance(step.layer, Linear):
                tall = 0.019 * sqrt(step.layer.outputs)
                axes.add_patch(
                    Rectangle((x - 0.05, middle - tall / 2), 0.1, tall, facecolor=DENSE, edgecolor=EDGE, linewidth=0.5)
                )
            else:
                cuboid(x, step.given, fill_of(step.layer))
        entries(start + width / 2, column.name, cells(column))
        start += width


def draw_legend(axes: Axes, fills: set[str], y: float) -> None:
    """Draw the meanings of the fills that the figure uses, in one row."""
    x = 0.08
    names = {ONE: f"1{TIMES}1", THREE: f"3{TIMES}3", LARGE: "larger kernel", POOL: "max pool", DENSE: "dense"}
    for fill, name in names.items():
        if fill not in fills:
            continue
        axes.add_patch(Rectangle((x, y - 0.05), 0.14, 0.1, facecolor=fill, edgecolor=EDGE, linewidth=0.5))
        write(axes, x + 0.19, y, name, ha="left", fontsize=SMALL, color=MUTED)
        x += 0.42 + 0.05 * len(name)
    note = "sides, thicknesses and bars: square root of map height, channels and units"
    write(axes, WIDTH - 0.08, y, note, ha="right", fontsize=SMALL, color=MUTED)


def network_figure(networks: Sequence[tuple[str, Architecture]], pixels: int) -> Figure:
    """Networks one below the other, each under its heading, with one legend."""
    figure, axes = canvas(len(networks) * NETWORK_HEIGHT + 0.25)
    for index, (heading, network) in enumerate(networks):
        draw_network(axes, network, pixels, 0.25 + (len(networks) - 1 - index) * NETWORK_HEIGHT, heading)
    fills = {fill_of(step.layer) for _, network in networks for step in steps(network, pixels)}
    draw_legend(axes, fills, 0.11)
    return figure


# --- the figures ----------------------------------------------------------------------------------------------------


def fire_step(options: Mapping[str, Any], name: str) -> Step:
    """One fire module of a SqueezeNet for 227-pixel images."""
    return next(step for step in steps(architecture("squeezenet", options), 227) if step.layer.name == name)


def in_style(draw: Callable[[], Figure]) -> Callable[[], Figure]:
    """The same figure with the fonts of all others, whatever the user's matplotlib says."""

    @functools.wraps(draw)
    def drawn() -> Figure:
        with styled():
            figure = draw()
        # Nothing reaches beyond the sheet, and a clip that is not there need not be named at every shape.
        for artist in figure.findobj():
            artist.set_clip_on(False)
        return figure

    return drawn


@in_style
def fire_module() -> Figure:
    """The fire module of the report's section 4.1 (the paper's Figure 1): fire2 of SqueezeNet 1.0."""
    return fire_figure([("Fire module (fire2 of SqueezeNet 1.0)", fire_step({}, "fire2"))])


@in_style
def squeeze_expand() -> Figure:
    """The report's Figure 2: a pair of squeeze and expand fire modules, the first one reduced by a factor of 4."""
    options = {"squeeze_factor": 4}
    return fire_figure(
        [
            ("a   Squeeze fire module (fire2, reduced by a factor of 4)", fire_step(options, "fire2")),
            ("b   Expand fire module (fire3), which takes its output", fire_step(options, "fire3")),
        ]
    )


@in_style
def squeezenets() -> Figure:
    """The report's Figure 3: SqueezeNet plain, with simple and with complex bypass, for 227-pixel images."""
    variants = {"none": "SqueezeNet", "simple": "with simple bypass", "complex": "with complex bypass"}
    return stack_figure([(title, architecture("squeezenet", {"bypass": key})) for key, title in variants.items()], 227)


@in_style
def alexnet() -> Figure:
    """The report's Figure 4, with its 10 classes."""
    return network_figure([("AlexNet, 10 classes", architecture("alexnet", {"classes": 10}))], 224)


@in_style
def vgg19() -> Figure:
    """The report's Figure 5 and its squeezed VGG19 (section 7.2), with its 10 classes."""
    return network_figure(
        [
            ("a   VGG19, 10 classes", architecture("vgg19", {"classes": 10})),
            (f"b   Squeezed VGG19: every kernel 1{TIMES}1", architecture("vgg19", {"classes": 10, "kernel": 1})),
        ],
        224,
    )


DIAGRAMS: dict[str, Callable[[], Figure]] = {
    "fire-module": fire_module,
    "squeeze-expand": squeeze_expand,
    "squeezenets": squeezenets,
    "alexnet": alexnet,
    "vgg19": vgg19,
}
