"""Text in SVG figures: written as text, as wide as it was laid out, whatever the reader's fonts."""

import re
import xml.etree.ElementTree as ET

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import LoadFlags

from repro.reporting import style, svg

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str, **look) -> ET.Element:
    """The element of a text on an otherwise empty sheet of 100 x 50 points."""
    with style.styled():
        figure = Figure(figsize=(100 / 72, 50 / 72))
        figure.text(0.5, 0.2, text, **look)
        (element,) = ET.fromstring(svg.encode(figure)).iter(f"{SVG}text")
    return element


def pen(text: str, size: float, weight: str = "normal") -> float:
    """The advances of the letters, from the font file."""
    path = font_manager.findfont(font_manager.FontProperties(family="DejaVu Sans", weight=weight))
    font = font_manager.get_font(path)
    font.set_size(1000, 72)
    letters = [font.load_char(ord(letter), flags=LoadFlags.NO_HINTING) for letter in text]
    return sum(letter.linearHoriAdvance for letter in letters) / 65536 * size / 1000


@pytest.mark.parametrize("text", ["10", "illicit", "61.2  (1 of 3 failed)", "7\N{MULTIPLICATION SIGN}7 / 2"])
@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_a_line_is_told_its_width(text: str, weight: str) -> None:
    element = drawn(text, fontsize=8, weight=weight)
    assert element.text == text
    assert float(element.attrib["textLength"]) == pytest.approx(pen(text, 8, weight), abs=0.06)
    assert element.attrib["x"] == "50.00"
    assert ("font-weight: 700" in element.attrib["style"]) == (weight == "bold")


def test_turned_text_turns_about_its_beginning() -> None:
    element = drawn("up", rotation=90)
    assert element.attrib["transform"] == f"rotate(-90 {element.attrib['x']} {element.attrib['y']})"


def test_a_letter_keeps_its_own_width() -> None:
    assert "textLength" not in drawn("x").attrib


def test_several_spaces_stay() -> None:
    space = "{http://www.w3.org/XML/1998/namespace}space"
    assert drawn("a   b").attrib[space] == "preserve"
    assert space not in drawn("a b").attrib


def test_numbers_are_rounded_and_text_is_not() -> None:
    with style.styled():
        figure = Figure(figsize=(1, 1))
        figure.add_axes((0.1, 0.1, 0.8, 0.8)).plot([1, 2, 3], [1.23456, 2.34567, 2], label="0.123456")
        figure.text(0.1, 0.1, "pi is 3.14159")
        root = ET.fromstring(svg.encode(figure))
    paths = [element.attrib["d"] for element in root.iter(f"{SVG}path")]
    assert paths
    for path in paths:
        numbers = path.translate(str.maketrans("MLHVQCz", " " * 7)).split()
        assert all(len(number.partition(".")[2]) <= svg.DECIMALS for number in numbers)
    assert "pi is 3.14159" in [element.text for element in root.iter(f"{SVG}text")]


def test_nothing_reaches_out_of_the_figure() -> None:
    with style.styled():
        figure = Figure(figsize=(1, 1))
        figure.add_axes((0.1, 0.1, 0.8, 0.8)).plot([1, 2])
        root = ET.fromstring(svg.encode(figure))
    assert list(root.iter(f"{SVG}style")) == []
    assert root.attrib["font-family"].startswith("'DejaVu Sans', Verdana")


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M 1 2 L 1 3 L 4 3 L 5 6 z ", "M1 2V3H4L5 6z"),
        ("M 1 2 L 1 2 ", "M1 2V2"),
        ("M 0 0 Q 1 1 2 2 L 2 5 C 1 1 2 2 3 3 L 7 3", "M0 0Q1 1 2 2V5C1 1 2 2 3 3H7"),
        ("M 1 2 L 3 4 z L 1 9 M 5 5 L 5 1", "M1 2L3 4zV9M5 5V1"),
    ],
)
def test_lines_along_an_axis_are_told_by_one_coordinate(path: str, short: str) -> None:
    assert svg.straight(path) == short


def test_neighbours_of_one_group_are_joined() -> None:
    one, other = '<g clip="a">', '<g clip="b">'
    text = f"<s>{one}<p/></g>\n {one}<q/></g>{one}<r/></g> {other}<t/></g><g><u/></g>{other}<v/></g></s>"
    joined = svg.joined(text)
    assert ET.canonicalize(joined) == ET.canonicalize(
        f"<s>{one}<p/><q/><r/></g> {other}<t/></g><u/>{other}<v/></g></s>"
    )
    nested = f"<s>{one}{other}<p/></g></g>{other}<q/></g></s>"
    assert svg.joined(nested) == nested


def test_parts_are_named_alike_on_every_machine() -> None:
    """matplotlib's names are hashes of numbers whose last bits depend on the processor."""

    def panels(last_bits: float) -> bytes:
        with style.styled():
            figure = Figure(figsize=(2, 1))
            for left in (0.1, 0.6):
                axis = figure.add_axes((left, 0.1 + last_bits, 0.3, 0.8))
                axis.plot([1, 2], marker="o")
                axis.barh([1], [2], hatch="///")
            return svg.encode(figure)

    drawing = panels(0)
    assert drawing == panels(1e-12)
    root = ET.fromstring(drawing)
    names = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert names == [f"p{index}" for index in range(len(names))]
    used = {
        name for element in root.iter() for value in element.attrib.values() for name in re.findall(r"#(p\d+)", value)
    }
    assert used == set(names)
