"""Modified MNIST: the rules that its images obey, and that every machine builds the same bytes."""

import hashlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from repro.data import find, idx, modified_mnist
from repro.data.modified_mnist import build, disjoint, has_one_largest, ink_boxes, scaled


def strokes(count: int) -> np.ndarray:
    """Digits of a sort, [count, 28, 28]: rectangles of every shape inside the 20x20 pixels where MNIST's ink lies."""
    draw = np.random.default_rng(0)
    digits = np.zeros((count, 28, 28), np.uint8)
    for digit in digits:
        top, left = draw.integers(4, 14, 2)
        height, width = draw.integers(3, 11, 2)
        digit[top : top + height, left : left + width] = draw.integers(1, 256)
    return digits


@pytest.fixture(scope="module")
def pool() -> np.ndarray:
    return strokes(150)


def components(image: np.ndarray) -> list[tuple[int, int, int, int]]:
    """The boxes of an image's connected parts, found by spreading from pixel to neighbour."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(image), strict=True)}
    boxes = []
    while left:
        front, part = [left.pop()], []
        while front:
            y, x = front.pop()
            part.append((y, x))
            near = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            front += near
        ys, xs = [y for y, _ in part], [x for _, x in part]
        boxes.append((min(ys), min(xs), max(ys) - min(ys) + 1, max(xs) - min(xs) + 1))
    return boxes


def test_every_scene_obeys_the_rules(pool):
    scenes = build(pool, 300, seed=5)
    assert scenes.images.shape == (300, 64, 64)
    numbers = set()
    for image, boxes in zip(scenes.images, scenes.boxes, strict=True):
        there = [tuple(int(v) for v in box) for box in boxes if box[2] > 0]
        numbers.add(len(there))
        areas = [height * width for _, _, height, width in there]
        sides = [max(height, width) for _, _, height, width in there]
        assert areas[0] > max(areas[1:])
        assert sides[0] > max(sides[1:])
        covered = np.zeros((64, 64), int)
        for top, left, height, width in there:
            assert min(top, left) >= 0
            assert max(top + height, left + width) <= 64
            covered[top : top + height, left : left + width] += 1
            ink = image[top : top + height, left : left + width]
            assert ink_boxes(ink[None])[0].tolist() == [0, 0, height, width]  # no smaller box holds the ink
        assert covered.max() == 1
        assert not image[covered == 0].any()
    assert numbers == {2, 3}


def test_the_largest_digit_can_be_found_in_the_pixels_alone(pool):
    scenes = build(pool, 200, seed=1)
    for image, boxes in zip(scenes.images, scenes.boxes, strict=True):
        parts = components(image)
        if len(parts) == (boxes[:, 2] > 0).sum():  # otherwise two digits touch
            largest = max(parts, key=lambda box: box[2] * box[3])
            assert largest == tuple(boxes[0])


def test_every_digit_is_the_largest_equally_often(pool):
    assert set(np.bincount(build(pool, 300, seed=2).largest(), minlength=150)) == {2}
    assert set(np.bincount(build(pool, 100, seed=2).largest(), minlength=150)) == {0, 1}


def test_the_same_bytes_everywhere(pool):
    """Golden hash: whole numbers and raw PCG64 leave a platform no freedom."""
    scenes = build(pool, 300, seed=0)
    content = scenes.images.tobytes() + scenes.digits.tobytes() + scenes.boxes.tobytes()
    assert hashlib.sha256(content).hexdigest() == GOLDEN
    assert not np.array_equal(build(pool, 300, seed=1).images, scenes.images)


GOLDEN = "c75be67c268c12e1441c0a7797f87eb77e1442d0369cac639fa64e0cc37eba19"


@settings(deadline=None, max_examples=30)
@given(digit=arrays(np.uint8, (4, 4)), tile=st.integers(2, 7))
def test_scaling_averages_over_the_covered_area(digit, tile):
    """Against exact fractions: pixel (i, j) covers [4i/t, 4(i+1)/t) x [4j/t, 4(j+1)/t) of the digit."""
    share = Fraction(4, tile)
    found = scaled(digit[None], tile)[0]
    for i in range(tile):
        for j in range(tile):
            mean = Fraction(0)
            for y in range(4):
                for x in range(4):
                    rows = min((i + 1) * share, y + 1) - max(i * share, Fraction(y))
                    columns = min((j + 1) * share, x + 1) - max(j * share, Fraction(x))
                    mean += max(rows, Fraction(0)) * max(columns, Fraction(0)) * int(digit[y, x])
            assert found[i, j] == (mean / share**2 + Fraction(1, 2)).__floor__()


def test_ties_and_overlaps_are_seen():
    first, same, wider, inside = [10, 10, 8, 6], [30, 30, 8, 6], [30, 30, 6, 9], [12, 12, 2, 2]
    nothing = [0, 0, 0, 9]
    pairs = np.array([[first, same, nothing], [first, wider, nothing], [first, inside, nothing]])
    scenes = np.concatenate([pairs, [[wider, first, first]]])
    assert has_one_largest(scenes).tolist() == [False, False, True, True]
    assert disjoint(scenes).tolist() == [True, True, False, False]


def test_an_empty_image_has_an_empty_box():
    assert ink_boxes(np.zeros((1, 5, 5), np.uint8)).tolist() == [[0, 0, 0, 0]]


def test_files_are_read_back_as_they_were_built(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(modified_mnist, "TRAIN", 40)
    monkeypatch.setattr(modified_mnist, "TEST", 20)
    labels = np.arange(150) % 10
    sets = ((pool[:, None], labels), (pool[:, None], labels))
    files = [tmp_path / name for name in "abcd"]
    for file, content in zip(files, modified_mnist.build_files(sets), strict=True):
        file.write_bytes(content)
    (images, found), (test_images, _) = idx.read_sets(files)
    scenes = build(pool, 40, seed=0)
    assert np.array_equal(images[:, 0], scenes.images)
    assert np.array_equal(found, labels[scenes.largest()])
    assert len(test_images) == 20


def test_built_from_the_real_digits(data_dir):
    """The first scenes from the first 300 digits of MNIST; the whole set is held to its MD5s when it is built."""
    (digits, labels), _ = find("mnist").read(data_dir)
    scenes = build(digits[:300, 0], 300, seed=0)
    content = scenes.images.tobytes() + labels[scenes.largest()].tobytes()
    assert hashlib.sha256(content).hexdigest() == GOLDEN_REAL


GOLDEN_REAL = "eba9523ba309a135640e5194a5e96be6f12340e2ffff054b072a1226b845ff52"
