"""From stored bytes to a network's input, for a whole batch at once, on the device the images are on."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.config.specification import Recipe
from repro.data.batches import Draws


class Pipeline(nn.Module):
    """uint8 images [B, C, h, w] -> normalised float32 [B, channels, pixels, pixels], channels-last.

    In the order of the report's notebooks: resize (bilinear, smoothed when shrinking), crop at a random place after
    zero padding (black, before normalisation), flip, normalise. A recipe with `crop` resizes at random instead and cuts
    `recipe.crop` pixels; shear and zoom come first of all. What is random comes in as tensors, one value per image;
    shapes depend on arguments alone and nothing waits for the device, so it can be part of a CUDA graph.

    mean, std: per channel of the images, in 0..1; None = each image by its own mean and deviation. channels: of the
    network's input; an image with one channel is repeated for a network that wants three. reverse: the channels come in
    the opposite order, blue first, as Caffe's networks take them.
    """

    def __init__(
        self,
        pixels: int,
        channels: int,
        mean: Sequence[float] | None,
        std: Sequence[float] | None,
        recipe: Recipe = Recipe(),  # noqa: B008 (immutable)
        reverse: bool = False,
    ) -> None:
        super().__init__()
        self.reverse = reverse
        self.pixels, self.channels, self.recipe = pixels, channels, recipe
        self.per_image = mean is None or std is None
        # (x / 255 - mean) / std as one multiplication and one addition.
        scale = 1 / (255 * torch.tensor(std or [1.0], dtype=torch.float64))
        shift = -torch.tensor(mean or [0.0], dtype=torch.float64) / torch.tensor(std or [1.0], dtype=torch.float64)
        self.scale: Tensor
        self.shift: Tensor
        self.register_buffer("scale", scale.float().view(1, -1, 1, 1), persistent=False)
        self.register_buffer("shift", shift.float().view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor, draws: Draws | None = None) -> Tensor:
        """The network's input. Without draws (`epoch_draws`) nothing is changed at random, as for test images."""
        recipe = self.recipe
        if draws is not None and (recipe.shear or recipe.zoom):
            images = shear_and_zoom(images, draws)
        if draws is not None and recipe.crop:
            images = resized_crop(images.float(), draws, recipe.crop)
        elif images.shape[2:] != (self.pixels, self.pixels):
            images = resize(images.float(), self.pixels)
        if draws is not None and recipe.crop_padding:
            images = crop(images, draws.dy, draws.dx, recipe.crop_padding)
        if draws is not None and recipe.flip:
            images = torch.where(draws.flips.view(-1, 1, 1, 1), images.flip(3), images)
        if self.per_image:
            inputs = local_normalisation(images.float())
        else:
            inputs = torch.addcmul(self.shift, images.float(), self.scale)
        if self.reverse:
            inputs = inputs.flip(1)
        return inputs.expand(-1, self.channels, -1, -1).contiguous(memory_format=torch.channels_last)


def resize(images: Tensor, pixels: int) -> Tensor:
    """Float images [B, C, h, w] squashed or stretched to pixels x pixels, bilinear; smoothed where they shrink."""
    shrinks = images.shape[2] > pixels or images.shape[3] > pixels
    return F.interpolate(images, (pixels, pixels), mode="bilinear", align_corners=False, antialias=shrinks)


def crop(images: Tensor, dy: Tensor, dx: Tensor, padding: int) -> Tensor:
    """Images of the same size [B, C, p, p], cut at (dy, dx), in 0..2 x padding, from the zero-padded ones."""
    count, _, height, width = images.shape
    windows = F.pad(images, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(count, device=images.device), :, dy, dx]


def local_normalisation(images: Tensor) -> Tensor:
    """Float images [B, C, h, w], each with mean 0 and variance 1 over all its pixels and channels.

    nutszebra/trainer of October 2016, which adds nothing to the variance; an image of one colour becomes 0 here.
    """
    variance, mean = torch.var_mean(images, (1, 2, 3), correction=0, keepdim=True)
    return (images - mean) * variance.clamp(min=1e-8).rsqrt()


def shear_and_zoom(images: Tensor, draws: Draws) -> Tensor:
    """Images [B, C, h, w] seen through a shear and a zoom about their centre, by the nearest pixel; the edge goes on.

    The matrices of Keras 2.1: the centre lies half a pixel below and to the right of the true one.
    """
    _, channels, height, width = images.shape
    y = torch.arange(height, device=images.device).view(1, -1, 1) - (height / 2 + 0.5)
    x = torch.arange(width, device=images.device).view(1, 1, -1) - (width / 2 + 0.5)
    shear, zoom_y, zoom_x = (values.view(-1, 1, 1) for values in (draws.shear, draws.zoom_y, draws.zoom_x))
    row = zoom_y * y - shear.sin() * zoom_x * x + (height / 2 + 0.5)
    column = shear.cos() * zoom_x * x + (width / 2 + 0.5)
    row = (row + 0.5).floor().long().clamp(0, height - 1)
    column = (column + 0.5).floor().long().clamp(0, width - 1)
    place = (row * width + column).flatten(1).unsqueeze(1).expand(-1, channels, -1)
    return images.flatten(2).gather(2, place).view_as(images)


def resized_crop(images: Tensor, draws: Draws, pixels: int) -> Tensor:
    """Float images [B, C, h, w], each resized to size x size, of which pixels x pixels at (dy, dx) are kept.

    Overshoot of the bicubic interpolation is cut to the image's own range after each direction, as in the source:
    nutszebra/trainer of October 2016, where scipy's `imresize` stretches each image to 0..255 bytes first and Pillow
    computes in bytes. That stretch is undone by the normalisation of each image that follows; the rounding is left out.
    """
    height, width = images.shape[2:]
    rows = interpolation(height, draws.size, draws.dy, draws.interpolation, pixels)
    columns = interpolation(width, draws.size, draws.dx, draws.interpolation, pixels)
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    with torch.autocast(images.device.type, enabled=False):  # pixels need more than the 8 bits of bfloat16
        wide = (images @ columns.unsqueeze(1).mT).clamp(low, high)
        return (rows.unsqueeze(1) @ wide).clamp(low, high)


def interpolation(length: int, size: Tensor, start: Tensor, kind: Tensor, pixels: int) -> Tensor:
    """The weights with which `length` given pixels make up pixels start..start + pixels of `size`: [B, pixels, length].

    Pillow's filters: a triangle, Keys' cubic with a = -1/2, both widened where images shrink; weights add up to 1.

    Args:
        size, start, kind: int64 [B]; kind is 0 = nearest, 1 = bilinear, 2 = bicubic.
    """
    places = start.view(-1, 1) + torch.arange(pixels, device=size.device)
    # Multiplied first: where the centre falls on a pixel's edge it does so exactly.
    centre = ((places + 0.5) * length / size.view(-1, 1)).unsqueeze(2)
    given = torch.arange(length, device=size.device).view(1, 1, -1)
    nearest = (centre.floor() == given).float()
    distance = (given + 0.5 - centre).abs() / (length / size).clamp(min=1).view(-1, 1, 1)
    near = ((1.5 * distance - 2.5) * distance * distance + 1) * (distance < 1)
    far = (((-0.5 * distance + 2.5) * distance - 4) * distance + 2) * ((distance >= 1) & (distance < 2))
    kind = kind.view(-1, 1, 1)
    smooth = torch.where(kind == 1, (1 - distance).clamp(min=0), near + far)
    return torch.where(kind == 0, nearest, smooth / smooth.sum(2, keepdim=True))
