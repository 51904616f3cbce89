"""From stored bytes to a network's input, for a whole batch at once, on the device the images are on."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Pipeline(nn.Module):
    """uint8 images [B, C, h, w] -> normalised float32 [B, channels, pixels, pixels], channels-last.

    In the order of the report's notebooks: resize (bilinear, smoothed when shrinking), crop at a random place after
    zero padding (black, before normalisation), flip, normalise. What is random comes in as tensors, one value per
    image; shapes depend on arguments alone and nothing waits for the device, so it can be part of a CUDA graph.

    mean, std: per channel of the images, in 0..1. channels: of the network's input; an image with one channel is
    repeated for a network that wants three.
    """

    def __init__(
        self, pixels: int, channels: int, mean: Sequence[float], std: Sequence[float], crop_padding: int = 0
    ) -> None:
        super().__init__()
        self.pixels, self.channels, self.crop_padding = pixels, channels, crop_padding
        # (x / 255 - mean) / std as one multiplication and one addition.
        scale = 1 / (255 * torch.tensor(std, dtype=torch.float64))
        shift = -torch.tensor(mean, dtype=torch.float64) / torch.tensor(std, dtype=torch.float64)
        self.scale: Tensor
        self.shift: Tensor
        self.register_buffer("scale", scale.float().view(1, -1, 1, 1), persistent=False)
        self.register_buffer("shift", shift.float().view(1, -1, 1, 1), persistent=False)

    def forward(
        self, images: Tensor, flips: Tensor | None = None, dy: Tensor | None = None, dx: Tensor | None = None
    ) -> Tensor:
        """The network's input. Without draws (`epoch_draws`) there is neither crop nor flip, as for test images."""
        if images.shape[2:] != (self.pixels, self.pixels):
            images = resize(images.float(), self.pixels)
        if dy is not None and dx is not None and self.crop_padding:
            images = crop(images, dy, dx, self.crop_padding)
        if flips is not None:
            images = torch.where(flips.view(-1, 1, 1, 1), images.flip(3), images)
        inputs = torch.addcmul(self.shift, images.float(), self.scale)
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
