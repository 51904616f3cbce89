"""The one table, in every format."""

import csv
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import BadInput
from repro.reporting.table import FORMATS, Column, Estimate, Table, latex_escape, markdown_cell


@pytest.fixture
def table() -> Table:
    """One of each kind of cell, and characters that some format treats as its own."""
    columns = [
        Column("name", "network"),
        Column("size", "parameters", "right", ",d"),
        Column("score", align="right", empty="not run"),
    ]
    rows = [
        {"name": "a | b & c_d", "size": 1248424, "score": Estimate(56.25, 54.0, 58.5, 3, 1)},
        {"name": "<script>", "size": None, "score": None},
    ]
    return Table("50 % & more", columns, rows, ["a note"])


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_ends_in_one_newline(table: Table, format: str) -> None:
    text = table.render(format)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_text_is_what_a_reader_sees(table: Table) -> None:
    text = table.render("text")
    assert "1,248,424" in text
    assert "56.2 [54.0, 58.5] (n=3, 1 failed)" in text
    assert "not run" in text
    assert "\x1b" not in text


def test_markdown_keeps_its_columns(table: Table) -> None:
    rows = [line for line in table.render("md").splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4}
    assert r"a \| b" in rows[2]
    assert rows[1].replace(" ", "").endswith("-:|")


def test_csv_has_unrounded_numbers_and_empty_cells(table: Table) -> None:
    rows = list(csv.DictReader(io.StringIO(table.render("csv"))))
    assert rows[0]["size"] == "1248424"
    assert rows[1] == {"name": "<script>", "size": "", "score": ""}


def test_json_is_a_list_of_objects(table: Table) -> None:
    rows = json.loads(table.render("json"))
    assert rows[0] == {
        "name": "a | b & c_d",
        "size": 1248424,
        "score": {"mean": 56.25, "low": 54.0, "high": 58.5, "n": 3, "failures": 1},
    }
    assert rows[1]["size"] is None


def test_json_has_no_nan() -> None:
    table = Table("", [Column("loss")], [{"loss": float("nan")}])
    assert json.loads(table.render("json")) == [{"loss": None}]


def test_html_escapes_and_sorts_by_number(table: Table) -> None:
    text = table.html()
    assert "<script>" not in text
    assert 'data-sort="1248424"' in text
    assert 'data-sort="56.25"' in text


def test_latex_is_booktabs_with_nothing_left_to_interpret(table: Table) -> None:
    text = table.render("tex")
    assert r"\toprule" in text
    assert r"50 \% \& more" in text
    assert r"c\_d" in text
    # A bracket after the end of a row would be its extra space.
    assert "{[}54.0, 58.5{]}" in text


@given(st.text())
def test_latex_leaves_no_special_character_bare(text: str) -> None:
    escaped = latex_escape(text)
    for at, character in enumerate(escaped):
        if character in "&%#_":
            assert escaped[at - 1] == "\\"


@given(st.text())
def test_a_markdown_cell_never_ends_early(text: str) -> None:
    cell = markdown_cell(text)
    assert "\n" not in cell
    assert all(cell[at - 1] == "\\" for at, character in enumerate(cell) if character == "|")


HOSTILE = "a\x1b]0;owned\x07\nb\x9b2J\u202e\udcff"


@pytest.mark.parametrize("format", FORMATS)
def test_text_from_files_does_nothing_to_a_terminal(format: str) -> None:
    text = Table(HOSTILE, [Column("name", HOSTILE)], [{"name": HOSTILE}], [HOSTILE]).render(format)
    assert all(line.isprintable() for line in text.split("\n"))
    if format == "json":
        assert json.loads(text) == [{"name": HOSTILE}]
    else:
        assert "x1b" in text


def test_text_from_files_does_nothing_to_a_terminal_in_colour_either() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    file = Terminal()
    Table(HOSTILE, [Column("name", HOSTILE)], [{"name": HOSTILE}], [HOSTILE]).print(file=file)
    assert "x1b]0;" in file.getvalue()
    assert not re.search("[\x07\x9b\u202e]|\x1b[^[]", file.getvalue())


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("+fire2", "'+fire2"),
        ("-", "'-"),
        ("-1.5", "-1.5"),
        ("+1e-05", "+1e-05"),
        ("+0.0 [-0.3, +0.3]", "+0.0 [-0.3, +0.3]"),
        (-1.5, "-1.5"),
        (Estimate(0.5, -0.5, 1.5, 3, signed=True), "+0.5 [-0.5, +1.5] (n=3)"),
        ("fire2=3", "fire2=3"),
    ],
)
def test_a_cell_of_csv_is_no_formula(cell: object, written: str) -> None:
    rows = list(csv.reader(io.StringIO(Table("", [Column("a")], [{"a": cell}]).render("csv"))))
    assert rows == [["a"], [written]]


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean 'json'"):
        Table("", [Column("a")], []).render("jsn")


def test_one_seed_has_no_interval_and_differences_a_sign() -> None:
    assert str(Estimate(12.34, None, None, 1)) == "12.3 (n=1)"
    assert str(Estimate(0.5, -0.5, 1.5, 3, signed=True)) == "+0.5 [-0.5, +1.5] (n=3)"
