"""Objects that live alone in a fresh process."""

import os

import pytest

from repro.errors import BadInput, Failure
from repro.processes import Alone, peak_memory


class Counter:
    """Counts; wrong where it is told to be."""

    def __init__(self, start: int):
        if start < 0:
            raise BadInput("it starts at 0 or above")
        self.count = start

    def add(self, number: int) -> int:
        self.count += number
        return self.count

    def where(self) -> int:
        return os.getpid()

    def end(self) -> None:
        os._exit(9)


def test_it_keeps_its_state_in_a_process_of_its_own():
    with Alone(Counter, 3) as counter:
        assert [counter.call("add", 2), counter.call("add", 2)] == [5, 7]
        assert counter.call("where") != os.getpid()


def test_its_peak_is_its_own():
    """Memory that this process has held does not count to the other's."""
    held = bytearray(os.urandom(1 << 20) * 200)
    assert peak_memory() > len(held)
    with Alone(Counter, 0) as counter:
        assert 2**20 < counter.peak_memory() < len(held)


def test_its_errors_come_back():
    with pytest.raises(BadInput, match="it starts at 0 or above"):
        Alone(Counter, -1)


def test_one_that_is_killed_is_one_line():
    with Alone(Counter, 0) as counter, pytest.raises(Failure, match="is there enough memory"):
        counter.call("end")
