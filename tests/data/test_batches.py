"""Order and augmentation of an epoch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.config.specification import Recipe
from repro.data.batches import epoch_draws, epoch_order
from repro.errors import BadInput

BOTH = Recipe(flip=True, crop_padding=4)

sizes = st.integers(1, 200)
seeds = st.integers(0, 10_000)


@settings(deadline=None, max_examples=30)
@given(count=sizes, batch=st.integers(1, 40), seed=seeds, epoch=st.integers(0, 300))
def test_every_image_comes_once_but_for_an_incomplete_batch(count, batch, seed, epoch):
    labels = torch.zeros(count, dtype=torch.int64)
    if batch > count:
        with pytest.raises(BadInput, match=f"batch of {batch} is larger than the training set of {count} images"):
            epoch_order(labels, batch, seed, epoch)
        return
    order = epoch_order(labels, batch, seed, epoch)
    assert order.dtype == torch.int64
    assert order.shape == (count // batch, batch)
    assert len(order.unique()) == order.numel()
    assert order.min() >= 0
    assert order.max() < count


@settings(deadline=None, max_examples=30)
@given(counts=st.lists(st.integers(1, 30), min_size=2, max_size=5), seed=seeds)
def test_balanced_draws_every_class_equally_and_the_images_of_a_class_evenly(counts, seed):
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    order = epoch_order(labels, 1, seed, 0, balanced=True).flatten()
    assert labels[order].bincount().tolist() == [max(counts)] * len(counts)
    times = order.bincount(minlength=len(labels))
    for label in range(len(counts)):
        of_class = times[labels == label]
        assert of_class.max() - of_class.min() <= 1


def test_epochs_and_seeds_differ_and_each_can_be_recomputed_alone():
    labels = torch.zeros(100, dtype=torch.int64)
    orders = {(seed, epoch): epoch_order(labels, 10, seed, epoch) for seed in range(3) for epoch in range(3)}
    assert len({tuple(order.flatten().tolist()) for order in orders.values()}) == 9
    assert torch.equal(epoch_order(labels, 10, 2, 1), orders[2, 1])
    draws = [epoch_draws(100, seed, epoch, BOTH) for seed in range(3) for epoch in range(3)]
    assert len({tuple(each.dy.tolist()) for each in draws}) == 9
    for again, before in zip(epoch_draws(100, 1, 2, BOTH), draws[5], strict=True):
        assert torch.equal(again, before)


def test_order_and_draws_are_what_they_were():
    """Golden values: another torch or another machine must draw the same, or records could not be compared."""
    assert epoch_order(torch.zeros(10, dtype=torch.int64), 5, 0, 0).tolist() == GOLDEN_ORDER
    flips, dy, dx, *_ = epoch_draws(6, 0, 0, BOTH)
    assert (flips.long().tolist(), dy.tolist(), dx.tolist()) == GOLDEN_DRAWS


GOLDEN_ORDER = [[1, 6, 0, 8, 7], [9, 5, 3, 2, 4]]
GOLDEN_DRAWS = ([0, 0, 0, 1, 1, 0], [3, 1, 7, 2, 3, 6], [4, 7, 0, 8, 0, 2])


@settings(deadline=None, max_examples=30)
@given(padding=st.integers(0, 8), seed=seeds)
def test_offsets_cover_what_they_may_and_no_more(padding, seed):
    flips, dy, dx, *_ = epoch_draws(2000, seed, 0, Recipe(flip=True, crop_padding=padding))
    assert flips.dtype == torch.bool
    assert 850 < flips.sum() < 1150
    for offsets in (dy, dx):
        assert offsets.dtype == torch.int64
        assert offsets.unique().tolist() == list(range(2 * padding + 1))
    assert padding == 0 or not torch.equal(dy, dx)


def test_switching_one_augmentation_off_leaves_the_others_as_they_were():
    drawn = epoch_draws(50, 0, 0, BOTH)
    assert torch.equal(epoch_draws(50, 0, 0, Recipe(flip=True)).flips, drawn.flips)
    off = epoch_draws(50, 0, 0, Recipe(crop_padding=4, zoom=0.1))
    assert not off.flips.any()
    assert torch.equal(off.dy, drawn.dy)
    assert torch.equal(off.dx, drawn.dx)
    assert torch.equal(epoch_draws(50, 0, 0, Recipe(zoom=0.1, shear=3)).zoom_x, off.zoom_x)


def test_a_crop_lies_inside_the_resized_image():
    drawn = epoch_draws(3000, 0, 0, Recipe(resize=(31, 34), crop=30))
    assert drawn.size.unique().tolist() == [31, 32, 33, 34]
    for start in (drawn.dy, drawn.dx):
        assert (start >= 0).all()
        assert (start + 30 <= drawn.size).all()
        assert start[drawn.size == 34].unique().tolist() == [0, 1, 2, 3, 4]
    shares = drawn.interpolation.bincount() / 3000
    assert shares.tolist() == pytest.approx([0.25, 0.25, 0.5], abs=0.03)


@settings(deadline=None, max_examples=30)
@given(count=st.integers(8, 60), batch=st.integers(1, 8), steps=st.integers(1, 30), seed=seeds)
def test_epochs_of_so_many_batches_are_the_passes_one_after_another(count, batch, steps, seed):
    labels = torch.zeros(count, dtype=torch.int64)
    whole = count // batch
    passes = torch.cat([epoch_order(labels, batch, seed, number) for number in range(3 * steps // whole + 1)])
    found = [epoch_order(labels, batch, seed, epoch, steps=steps) for epoch in range(3)]
    assert [len(order) for order in found] == [steps] * 3
    assert torch.equal(torch.cat(found), passes[: 3 * steps])


def test_independent_batches_repeat_images_between_but_not_inside_them():
    order = epoch_order(torch.zeros(20, dtype=torch.int64), 8, 0, 0, steps=200, independent=True)
    assert order.shape == (200, 8)
    assert all(len(batch.unique()) == 8 for batch in order)
    times = order.flatten().bincount(minlength=20)
    assert (times > 50).all()
    assert (times < 115).all()
    assert order.diff(dim=0).any()
    first_pass = epoch_order(torch.zeros(20, dtype=torch.int64), 8, 0, 0, independent=True)
    assert first_pass.shape == (2, 8)
    assert not torch.equal(first_pass, epoch_order(torch.zeros(20, dtype=torch.int64), 8, 0, 1, independent=True))
