"""Shared fixtures: where the real images are, and a private cache and results folder for each test."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[1]


def real_data_folder() -> Path | None:
    """The folder that holds the real images: $REPRO_DATA, or `.data` in the checkout; None when there is none."""
    folder = Path(os.environ.get("REPRO_DATA", CHECKOUT / ".data"))
    return folder if folder.is_dir() else None


@pytest.fixture
def data_dir() -> Path:
    """The real images; the test is skipped, saying so, where they are not."""
    folder = real_data_folder()
    if folder is None:
        pytest.skip("real data is not here: set REPRO_DATA or unpack it to .data")
    return folder


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Checkpoints and prepared data of a test stay in its own folder."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("REPRO_CACHE", str(cache))
    return cache


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
