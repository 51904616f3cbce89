"""Networks and data sets of an installed distribution: its entry points."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

from repro import data, models
from repro.config import functions
from repro.config.specification import Data
from repro.errors import BadInput

MODULE = """
from torch import nn


def tiny(classes, width=4, channels=3):
    pool = nn.AdaptiveAvgPool2d(1)
    return nn.Sequential(nn.Conv2d(channels, width, 3), pool, nn.Flatten(), nn.Linear(width, classes))


def dots(classes=2, channels=1, pixels=4, train=4, test=2):
    import numpy as np

    return np.zeros((4, 4, 4), np.uint8), [0, 1, 0, 1], np.zeros((2, 4, 4), np.uint8), [0, 1]
"""
ENTRY_POINTS = """
[repro.networks]
tiny = small_nets.made:tiny
gone = small_nets.nowhere:tiny

[repro.datasets]
dots = small_nets.made:dots
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages with one distribution."""
    (tmp_path / "small_nets").mkdir()
    (tmp_path / "small_nets" / "__init__.py").write_text("")
    (tmp_path / "small_nets" / "made.py").write_text(MODULE)
    install(tmp_path, "1.0")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("small_nets")]:
        del sys.modules[name]


def install(site: Path, version: str) -> None:
    about = site / "small_nets.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: small-nets\nVersion: {version}\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)


def test_its_networks_are_known_without_importing_it(site: Path):
    found = models.canonical("small-nets:tiny", {"classes": 5})
    assert found == {"channels": 3, "classes": 5, "width": 4}
    assert not [name for name in sys.modules if name.startswith("small_nets")]
    network = models.build("small-nets:tiny", classes=5, width=2)
    assert isinstance(network, nn.Sequential)
    assert network[3].out_features == 5


def test_its_data_sets_are_loaded(site: Path, tmp_path: Path):
    assert data.DATASETS["small-nets:dots"].train == 4
    assert len(data.load(Data(name="small-nets:dots"), tmp_path).test) == 2
    assert Data(name="small-nets:dots").known_as == "dots"


def test_another_version_or_file_is_another_run(site: Path):
    first = models.source("small-nets:tiny")
    install(site, "1.1")
    second = models.source("small-nets:tiny")
    (site / "small_nets" / "made.py").write_text(MODULE + "\n")
    assert len({first, second, models.source("small-nets:tiny")}) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("small-nets:tinny", "unknown network 'small-nets:tinny'; did you mean 'small-nets:tiny'?"),
        ("small-nets:dots", "unknown network 'small-nets:dots'"),
        ("small-nets:gone", "small-nets has no Python file of a module small_nets.nowhere"),
    ],
)
def test_mistakes_are_named(site: Path, name: str, message: str):
    with pytest.raises(BadInput) as error:
        functions.find(name, "network")
    assert message in str(error.value)
