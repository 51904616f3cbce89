"""Errors, and text that is safe to print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import printable


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("fire2/squeeze1x1, 50 %", "fire2/squeeze1x1, 50 %"),
        ("größer ≥ 3 µm\N{NO-BREAK SPACE}…", "größer ≥ 3 µm\N{NO-BREAK SPACE}…"),
        ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
        ("a\r\nb\tc\x7f\x9b1m", r"a\r\nb\tc\x7f\x9b1m"),
        ("abc\N{RIGHT-TO-LEFT OVERRIDE}def\N{LINE SEPARATOR}", r"abc\u202edef\u2028"),
        ("no text: \udcff", r"no text: \udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_printed_as_an_escape(text: str, safe: str) -> None:
    assert printable(text) == safe


@given(st.text())
def test_any_text_is_one_line_that_can_be_written(text: str) -> None:
    assert len(printable(text).splitlines()) <= 1
    printable(text).encode()
    assert printable(printable(text)) == printable(text)
