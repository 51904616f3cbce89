"""Two sets of measurements against each other."""

import numpy as np
import pytest

from repro.judging.compare import compare

from ..rules.examples import sample

BASE = [66.8, 67.1, 67.3, 66.9, 67.2]


def relations(a: dict, b: dict, **options) -> dict[str, str]:
    return {comparison.name: comparison.relation for comparison in compare(a, b, **options)}


def test_every_relation():
    a = {
        "identical": sample(BASE),
        "same": sample(BASE),
        "higher": sample(BASE),
        "lower": sample(BASE),
        "vague": sample([60.0, 70.0, 65.0]),
        "old": sample(BASE),
        "empty": sample([]),
    }
    b = {
        "identical": sample(BASE),
        "same": sample([value + 0.1 for value in BASE]),
        "higher": sample([value + 3 for value in BASE]),
        "lower": sample([value - 3 for value in BASE]),
        "vague": sample([61.0, 72.0, 66.0]),
        "new": sample(BASE),
    }
    assert relations(a, b) == {
        "identical": "identical",
        "same": "same",
        "higher": "higher",
        "lower": "lower",
        "vague": "inconclusive",
        "old": "only in A",
        "new": "only in B",
    }
    assert relations(a, b, margin=0.05)["same"] == "inconclusive"


def test_the_numbers_are_of_b_minus_a():
    (comparison,) = compare({"x": sample(BASE)}, {"x": sample([value + 3 for value in BASE])})
    assert comparison.difference == pytest.approx(3)
    assert comparison.interval is not None
    assert comparison.interval[0] < 3 < comparison.interval[1]
    assert comparison.superiority == 1
    assert comparison.a is not None
    assert comparison.a.mean == pytest.approx(np.mean(BASE))


def test_one_run_each_is_inconclusive_unless_it_is_the_same():
    assert relations({"x": sample([67.0])}, {"x": sample([67.5])}) == {"x": "inconclusive"}
    assert relations({"x": sample([67.0])}, {"x": sample([67.0])}) == {"x": "identical"}


def test_many_comparisons_of_equals_rarely_find_a_difference():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(80):
        a, b = ({str(i): sample(rng.normal(67, 2, 5)) for i in range(8)} for _ in range(2))
        found += bool({"higher", "lower"} & set(relations(a, b).values()))
    assert found / 80 <= 0.05 + 3 * (0.05 * 0.95 / 80) ** 0.5
