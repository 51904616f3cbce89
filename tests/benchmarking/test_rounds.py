"""Turns, their clock, and the ratio of two rates."""

import math
import time

import pytest

from repro.benchmarking.clock import Turn, clock
from repro.benchmarking.rounds import interleaved, ratio


def test_every_round_has_all_turns_and_the_direction_changes():
    taken = []
    first, second = interleaved([lambda: taken.append("a") or "A", lambda: taken.append("b") or "B"], 3)
    assert "".join(taken) == "abbaab"
    assert (first, second) == (["A"] * 3, ["B"] * 3)


def test_a_machine_that_changes_its_pace_leaves_the_ratio_alone():
    """Rates that halve and double from round to round, together: the ratio is exact, and so is its interval."""
    plain = [100.0, 50.0, 200.0]
    found = ratio([3 * rate for rate in plain], plain)
    assert found == pytest.approx((3.0, 3.0, 3.0))
    assert str(found) == "3.00 [3.00, 3.00]"


def test_the_interval_is_that_of_the_logarithms():
    """Ratios 2 and 8: geometric mean 4; t for one degree of freedom is 12.706, times ln 2."""
    found = ratio([2.0, 8.0], [1.0, 1.0])
    assert found.value == pytest.approx(4)
    width = math.exp(12.7062 * math.log(2))
    assert (found.low, found.high) == pytest.approx((4 / width, 4 * width), rel=1e-4)


def test_one_round_gives_no_interval():
    assert ratio([3.0], [2.0]) == (1.5, None, None)
    assert str(ratio([3.0], [2.0])) == "1.50"


class Pace:
    """Work of a known length on a clock of its own: each step takes `steps[i]` seconds, the last one ever after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *steps: float):
        self.now, self.steps, self.done = 0.0, list(steps), 0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)

    def work(self):
        while True:
            self.now += self.steps[min(self.done, len(self.steps) - 1)]
            self.done += 1
            yield 10


def test_the_first_steps_are_outside_the_clock(monkeypatch: pytest.MonkeyPatch):
    pace = Pace(monkeypatch, 5.0, 1.0)
    assert clock(pace.work(), seconds=3, warm_up=0.5) == Turn(30, 3.0)
    assert pace.done == 4


def test_the_warm_up_lasts_as_long_as_asked_for(monkeypatch: pytest.MonkeyPatch):
    pace = Pace(monkeypatch, 1.0)
    turn = clock(pace.work(), seconds=2, warm_up=3)
    assert (turn, turn.rate, pace.done) == (Turn(20, 2.0), 10.0, 5)


def test_a_step_longer_than_the_turn_is_counted_whole(monkeypatch: pytest.MonkeyPatch):
    pace = Pace(monkeypatch, 8.0)
    assert clock(pace.work(), seconds=2, warm_up=1) == Turn(10, 8.0)


def test_what_the_device_has_not_done_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    """A device that works while the loop runs ahead: what is left at the end counts to the turn."""
    pace = Pace(monkeypatch, 1.0)

    def wait():
        pace.now += 4.0

    assert clock(pace.work(), seconds=2, warm_up=0, wait=wait) == Turn(20, 6.0)
