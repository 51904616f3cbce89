"""How often each failure is brought about: a few times in `make test`, in full with REPRO_STRESS=1 (`make stress`)."""

import os
from collections.abc import Callable

import pytest

FULL = os.environ.get("REPRO_STRESS") == "1"
FUZZ = bool(os.environ.get("REPRO_FUZZ"))  # `make fuzz` reads as many damaged files as docs/reliability.md promises

Count = Callable[[str, int], None]


@pytest.fixture
def often() -> Callable[..., int]:
    """How often something is done: three numbers, of `make test`, `make stress` and `make fuzz`."""

    def chosen(quick: int, full: int, fuzz: int = 0) -> int:
        return (FUZZ and fuzz) or (full if FULL else quick)

    return chosen


@pytest.fixture
def full() -> None:
    """For tests that take minutes: `make stress` alone runs them."""
    if not FULL:
        pytest.skip("takes minutes: run by `make stress`")


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Report that a failure was brought about, and survived, so many times."""
    return lambda what, number: record_property("count", (what, number))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The counts of the tests that passed, as docs/reliability.md has them."""
    passed = terminalreporter.getreports("passed")
    counts: dict[str, int] = {}
    for name, value in [each for report in passed for each in report.user_properties]:
        if name == "count":
            what, number = value  # pyright: ignore[reportGeneralTypeIssues]
            counts[what] = counts.get(what, 0) + number
    if counts and FULL:
        terminalreporter.section("survived")
        for what, number in counts.items():
            terminalreporter.write_line(f"{number:6,}  {what}")
