"""What tests of training share."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data folder with photographs of two ImageNet classes: five each to train on, two to measure."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 5), ("val", 2)):
        for wnid in ("n01440764", "n01443537"):
            folder = tmp_path / "root" / "imagenet" / split / wnid
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = generator.integers(0, 256, (40, 50, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{split}_{index}.JPEG")
    return tmp_path / "root"
