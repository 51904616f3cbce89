"""The batched pipeline against one written image by image, pixel by pixel."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from repro.config.specification import Recipe
from repro.data.augment import Pipeline, interpolation, local_normalisation, resize, resized_crop, shear_and_zoom
from repro.data.batches import Draws, epoch_draws
from repro.data.catalogue import moments


def draws(count, **given):
    """Draws that change nothing but what is given."""
    zeros, ones = torch.zeros(count, dtype=torch.int64), torch.ones(count)
    nothing = Draws(zeros.bool(), zeros, zeros, zeros, zeros, zeros.float(), ones, ones)
    return nothing._replace(**given)


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

    recipe = Recipe(flip=True, crop_padding=padding)
    found = Pipeline(pixels, 3, mean, std, recipe)(images, draws(count, flips=flips, dy=dy, dx=dx))

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
    found = Pipeline(32, 1, [0.5], [0.5], Recipe(crop_padding=4, flip=True, shear=9, zoom=0.5))(images)
    expected = F.interpolate(images.float(), (32, 32), mode="bilinear") / 127.5 - 1
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_padding_is_black_before_normalisation():
    images = torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    found = Pipeline(8, 3, [0.5] * 3, [0.5] * 3, Recipe(crop_padding=2))(images, draws(1))
    assert found[0, 0, :2].unique().tolist() == pytest.approx([-1])
    assert found[0, 0, 2:, 2:].unique().tolist() == pytest.approx([1])


RECIPES = [
    Recipe(flip=True, crop_padding=4),
    Recipe(flip=True, resize=(31, 34), crop=30),
    Recipe(flip=True, shear=5, zoom=0.1),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_images_themselves_stay_as_they_are(recipe):
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    before = images.clone()
    for mean in (None, [0.5] * 3):
        Pipeline(32, 3, mean, mean, recipe)(images, epoch_draws(4, 0, 0, recipe))
    assert torch.equal(images, before)


@settings(deadline=None, max_examples=25)
@given(length=st.integers(4, 40), size=st.integers(3, 90), kind=st.sampled_from([1, 2]), seed=st.integers(0, 99))
def test_interpolation_agrees_with_pillow(length, size, kind, seed):
    from PIL import Image

    given = np.random.default_rng(seed).random((length, length), np.float32)
    theirs = {1: Image.Resampling.BILINEAR, 2: Image.Resampling.BICUBIC}[kind]
    expected = np.asarray(Image.fromarray(given).resize((size, size), theirs))
    sizes, start = torch.tensor([size]), torch.tensor([0])
    weights = interpolation(length, sizes, start, torch.tensor([kind]), size)[0].numpy()
    np.testing.assert_allclose(weights @ given @ weights.T, expected, atol=1e-4)


@pytest.mark.parametrize("size", [20, 31, 32, 124, 128, 131])
def test_nearest_takes_the_pixel_under_the_centre(size):
    weights = interpolation(32, torch.tensor([size]), torch.tensor([0]), torch.tensor([0]), size)[0]
    assert weights.sum(1).unique().tolist() == [1]
    assert weights.argmax(1).tolist() == [(2 * i + 1) * 32 // (2 * size) for i in range(size)]


@pytest.mark.parametrize(("low", "high", "crop"), [(124, 132, 122), (31, 33, 30), (20, 40, 18)])
def test_the_resized_crop_is_the_trainers(low, high, crop):
    """The source: bytes stretched to 0..255, resized by Pillow with rounding, then cut and normalised by themselves.

    The rounding, three times half a step of 255 or a little more, is all that may differ.
    """
    from PIL import Image

    recipe = Recipe(resize=(low, high), crop=crop)
    images = F.interpolate(torch.rand(12, 3, 9, 9, generator=torch.Generator().manual_seed(3)) * 180 + 30, (32, 32))
    images = images.to(torch.uint8)
    drawn = epoch_draws(len(images), 1, 0, recipe)
    drawn = drawn._replace(interpolation=torch.arange(len(images)) % 3)
    found = Pipeline(crop, 3, None, None, recipe)(images, drawn)
    for i, image in enumerate(images.numpy().astype(float)):
        size, y, x = int(drawn.size[i]), int(drawn.dy[i]), int(drawn.dx[i])
        stretched = (255 * (image - image.min()) / (image.max() - image.min()) + 0.5).astype(np.uint8)
        stretched = stretched.transpose(1, 2, 0)
        if i % 3 == 0:
            # Pillow adds its steps up, so that a pixel's edge falls on either side; the place is exact here.
            places = (2 * np.arange(size) + 1) * 32 // (2 * size)
            whole = stretched[places][:, places]
        else:
            smooth = Image.Resampling.BILINEAR if i % 3 == 1 else Image.Resampling.BICUBIC
            whole = np.asarray(Image.fromarray(stretched).resize((size, size), smooth))
        cut = whole.astype(float)[y : y + crop, x : x + crop].transpose(2, 0, 1)
        expected = (cut - cut.mean()) / cut.std()
        assert np.abs(found[i].numpy() - expected).max() * cut.std() <= 2.2


def test_a_resized_crop_stays_within_the_images_range():
    images = torch.zeros(1, 1, 8, 8)
    images[..., 4:] = 200
    given = draws(1, size=torch.tensor([32]), interpolation=torch.tensor([2]))
    found = resized_crop(images, given, 32)
    assert (found.min(), found.max()) == (0, 200)


@settings(deadline=None, max_examples=25)
@given(
    shear=st.floats(-0.5, 0.5, width=32),
    zoom_y=st.floats(0.5, 1.5, width=32),
    zoom_x=st.floats(0.5, 1.5, width=32),
    pixels=st.integers(5, 32),
)
def test_shear_and_zoom_are_keras(shear, zoom_y, zoom_x, pixels):
    """Against scipy with the matrices that Keras 2.1 multiplies; ties between two pixels may fall either way."""
    from scipy.ndimage import affine_transform

    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (1, 2, pixels, pixels), generator=generator, dtype=torch.uint8)
    given = [torch.tensor([value], dtype=torch.float32) for value in (shear, zoom_y, zoom_x)]
    found = shear_and_zoom(images, draws(1, shear=given[0], zoom_y=given[1], zoom_x=given[2]))
    sheared = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    zoomed = np.diag([zoom_y, zoom_x, 1])
    there = np.array([[1, 0, pixels / 2 + 0.5], [0, 1, pixels / 2 + 0.5], [0, 0, 1]])
    back = np.array([[1, 0, -pixels / 2 - 0.5], [0, 1, -pixels / 2 - 0.5], [0, 0, 1]])
    matrix = there @ sheared @ zoomed @ back
    for channel, image in zip(found[0].numpy(), images[0].numpy(), strict=True):
        expected = affine_transform(image, matrix, order=0, mode="nearest")  # homogeneous coordinates
        ties = near_a_tie(matrix, pixels)
        assert (channel == expected)[~ties].all()
        assume(ties.mean() < 0.5)


def near_a_tie(matrix, pixels):
    """Output pixels whose place in the image is within float32's rounding of the border between two pixels."""
    y, x = np.mgrid[:pixels, :pixels]
    places = np.einsum("ij,jyx->iyx", matrix, np.stack([y, x, np.ones_like(y)]))[:2]
    return (np.abs(places - np.floor(places) - 0.5) < 1e-4).any(0)


def test_zooms_and_shears_are_as_large_as_the_recipe_says():
    drawn = epoch_draws(4000, 0, 0, Recipe(shear=0.1, shear_unit="radians", zoom=0.1))
    assert drawn.shear.abs().max() == pytest.approx(0.1, rel=1e-2)
    assert (drawn.zoom_y.min(), drawn.zoom_y.max()) == (pytest.approx(0.9, rel=1e-2), pytest.approx(1.1, rel=1e-2))
    assert not torch.equal(drawn.zoom_y, drawn.zoom_x)
    degrees = epoch_draws(4000, 0, 0, Recipe(shear=0.1))
    torch.testing.assert_close(degrees.shear, torch.deg2rad(drawn.shear))


def test_local_normalisation_is_over_pixels_and_channels_of_each_image():
    images = torch.rand(3, 3, 7, 7) * torch.tensor([1, 50, 200]).view(-1, 1, 1, 1) + 20
    found = local_normalisation(images)
    for image, normal in zip(images.double().numpy(), found.numpy(), strict=True):
        np.testing.assert_allclose(normal, (image - image.mean()) / image.std(), atol=1e-4)
    assert not local_normalisation(torch.full((1, 3, 4, 4), 7.0)).any()
    pipeline = Pipeline(7, 3, None, None)
    torch.testing.assert_close(pipeline(images.to(torch.uint8)), local_normalisation(images.to(torch.uint8).float()))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", lambda x: x / 255),
        ("half", lambda x: x / 127.5 - 1),
        ("data", lambda x: (x / 255 - 0.4) / 0.2),
        ("image", local_normalisation),
    ],
)
def test_normalisations_are_what_their_names_say(name, expected):
    images = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    found = Pipeline(8, 3, *moments(name, (0.4,) * 3, (0.2,) * 3))(images)
    torch.testing.assert_close(found, expected(images.float()), atol=1e-5, rtol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("recipe", RECIPES)
def test_runs_inside_a_cuda_graph(recipe):
    pipeline = Pipeline(32, 3, [0.1], [0.3], recipe).cuda()
    images = torch.randint(0, 256, (8, 1, 28, 28), dtype=torch.uint8, device="cuda")
    place = epoch_draws(8, 0, 0, recipe).to(torch.device("cuda"))
    pipeline(images, place)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        out = pipeline(images, place)
    for old, new in zip(place, epoch_draws(8, 0, 1, recipe), strict=True):
        old.copy_(new)
    graph.replay()
    torch.testing.assert_close(out.cpu(), pipeline.cpu()(images.cpu(), place.to(torch.device("cpu"))))
