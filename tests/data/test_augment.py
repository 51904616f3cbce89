"""The batched pipeline against one written image by image, pixel by pixel."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from repro.data.augment import Pipeline, resize


def slowly(image, flip, dy, dx, padding, mean, std):
    """One image [C, p, p] of floats in 0..255, cropped, flipped and normalised by the definition."""
    channels, height, width = image.shape
    out = np.empty((channels, height, width))
    for c in range(channels):
        for y in range(height):
            for x in range(width):
                column = width - 1 - x if flip else x
                row_in, column_in = y + dy - padding, column + dx - padding
                inside = 0 <= row_in < height and 0 <= column_in < width
                value = image[c, row_in, column_in] / 255 if inside else 0.0
                out[c, y, x] = (value - mean[c]) / std[c]
    return out


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(1, 3),
    channels=st.sampled_from([1, 3]),
    native=st.integers(4, 9),
    pixels=st.integers(4, 9),
    padding=st.integers(0, 3),
    data=st.data(),
)
def test_agrees_with_the_definition(count, channels, native, pixels, padding, data):
    offsets = st.lists(st.integers(0, 2 * padding), min_size=count, max_size=count)
    dy, dx = torch.tensor(data.draw(offsets)), torch.tensor(data.draw(offsets))
    flips = torch.tensor(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    images = torch.randint(0, 256, (count, channels, native, native), generator=generator, dtype=torch.uint8)
    mean, std = [0.49, 0.48, 0.44][:channels], [0.2, 0.21, 0.22][:channels]

    found = Pipeline(pixels, 3, mean, std, padding)(images, flips, dy, dx)

    assert found.shape == (count, 3, pixels, pixels)
    assert found.dtype == torch.float32
    assert found.is_contiguous(memory_format=torch.channels_last)
    resized = images.float() if native == pixels else resize(images.float(), pixels)
    for i in range(count):
        expected = slowly(resized[i].numpy(), bool(flips[i]), int(dy[i]), int(dx[i]), padding, mean, std)
        expected = np.broadcast_to(expected, (3, pixels, pixels))
        np.testing.assert_allclose(found[i].numpy(), expected, atol=2e-5)


@pytest.mark.parametrize(("native", "pixels"), [(84, 32), (64, 32), (28, 32), (32, 227)])
def test_resizing_agrees_with_pillow(native, pixels):
    """Bilinear with Pillow's smoothing when shrinking; Pillow rounds to bytes, hence the tolerance."""
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (native, native)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(noise).resize((pixels, pixels), Image.Resampling.BILINEAR))
    found = resize(torch.from_numpy(noise)[None, None].float(), pixels)[0, 0].numpy()
    assert np.abs(found - expected).max() <= 1.01


def test_without_draws_images_are_only_resized_and_normalised():
    images = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
    found = Pipeline(32, 1, [0.5], [0.5], crop_padding=4)(images)
    expected = F.interpolate(images.float(), (32, 32), mode="bilinear") / 127.5 - 1
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_padding_is_black_before_normalisation():
    images = torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    corner = torch.zeros(1, dtype=torch.int64)
    found = Pipeline(8, 3, [0.5] * 3, [0.5] * 3, crop_padding=2)(images, None, corner, corner)
    assert found[0, 0, :2].unique().tolist() == pytest.approx([-1])
    assert found[0, 0, 2:, 2:].unique().tolist() == pytest.approx([1])


def test_the_images_themselves_stay_as_they_are():
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    before = images.clone()
    draws = torch.tensor([True] * 4), torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    Pipeline(32, 3, [0.5] * 3, [0.5] * 3, 4)(images, *draws)
    assert torch.equal(images, before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_runs_inside_a_cuda_graph():
    pipeline = Pipeline(32, 3, [0.1], [0.3], crop_padding=4).cuda()
    images = torch.randint(0, 256, (8, 1, 28, 28), dtype=torch.uint8, device="cuda")
    flips = torch.zeros(8, dtype=torch.bool, device="cuda")
    dy, dx = torch.zeros(2, 8, dtype=torch.int64, device="cuda")
    pipeline(images, flips, dy, dx)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = pipeline(images, flips, dy, dx)
    flips[::2] = True
    dy += 3
    graph.replay()
    torch.testing.assert_close(out.cpu(), pipeline.cpu()(images.cpu(), flips.cpu(), dy.cpu(), dx.cpu()))
