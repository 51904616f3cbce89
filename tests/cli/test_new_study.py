"""A new user's hour: a study with networks and a data set of one's own, judged and shown, `repro/` left alone."""

from pathlib import Path

import pytest

import repro as package

DATASETS = '''
import numpy as np


def colours100(folder, classes=100, channels=3, pixels=32, train=1000, test=300):
    """Like CIFAR-100 in shape: a hundred colours under noise."""
    draw = np.random.default_rng(0)
    colour = draw.permutation(np.stack(np.meshgrid(*3 * [np.linspace(30, 220, 5)]), -1).reshape(-1, 3))[:100]
    labels = np.arange(1300) % 100
    noise = draw.normal(0, 40, (1300, 32, 32, 3))
    images = np.clip(colour[labels][:, None, None] + noise, 0, 255).astype(np.uint8)
    return images[:1000], labels[:1000], images[1000:], labels[1000:]
'''
NETWORKS = '''
from torch import nn


def pooled(classes, hidden=128, channels=3):
    """What it sees are mean colours."""
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )


def blind(classes, channels=3):
    """What it sees is the brightness."""
    mean = nn.Sequential(nn.Flatten(), nn.Unflatten(1, (1, -1)), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    return nn.Sequential(mean, nn.Linear(1, classes))
'''
EXPERIMENT = """
title = "Colours"
source = "thesis, Table 1"
question = "Are a hundred colours told apart by their mean?"
laptop = { seeds = 3, recipe = { epochs = 8, batch = 50, optimizer = "adam", learning_rate = 2e-2 } }
variant = { data = { name = "datasets.py:colours100", pixels = 32 } }
variants = [
    { name = "pooled", model = "networks.py:pooled" },
    { name = "blind", model = "networks.py:blind" },
]
claim = { source = "thesis", budget = "laptop", place = "Table 1" }
claims = [
    { id = "convolutions-better", statement = "Mean colours beat brightness by 97 points.",
        type = "ordering", variants = ["pooled", "blind"], unit = "points", effect = 97.0, margin = 5.0 },
    { id = "pooled-parameters", statement = "13,000 parameters do.",
        type = "exact", metric = "parameters", variants = ["pooled"], published = 13_000, unit = "parameters" },
]
"""


def test_a_new_user_s_hour(repro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert repro("new", "colours").code == 0
    folder = tmp_path / "colours"
    (folder / "datasets.py").write_text(DATASETS)
    (folder / "networks.py").write_text(NETWORKS)
    (folder / "experiments" / "first.toml").write_text(EXPERIMENT)
    monkeypatch.chdir(folder)
    begin = "There are no records yet; to begin: repro run first --budget smoke"
    assert begin in repro("claims").out
    assert begin in repro("report").err
    ran = repro("run", "first", "--device", "cpu", "--launcher", "here")
    assert ran.code == 0, ran.err
    plan = repro(
        "train", "networks.py:pooled", "--data", "datasets.py:colours100", "--option", "hidden=64", "--dry-run"
    )
    assert (plan.code, "networks.py:pooled (channels=3, hidden=64) on datasets.py:colours100" in plan.out) == (0, True)
    claims = package.claims(folder / "results").set_index("id")
    assert claims.outcome.to_dict() == {
        "convolutions-better": "reproduced", "pooled-parameters": "not reproduced"
    }  # fmt: skip
    assert claims.evidence["convolutions-better"] == "trained at full scale"
    assert claims.measured["pooled-parameters"] == 3 * 128 + 128 + 128 * 100 + 100
    said = repro("report")
    assert (said.code, said.err.splitlines()[-1]) == (0, "results/index.html is up to date")
    page = (folder / "results" / "index.html").read_text()
    assert all(
        text in page for text in ("claim-pooled-parameters", "Are a hundred colours told apart", "<title>Colours")
    )
    rows = (folder / "results" / "README.md").read_text()
    assert "| trained at full scale " in rows
    assert "| published weights " not in rows, "no row for what no claim rests on"
    runs = package.load(folder / "results")
    assert runs.groupby("variant").size().to_dict() == {"pooled": 3, "blind": 3}
    assert set(runs.network) == {"networks.py:pooled", "networks.py:blind"}
    axes = runs.groupby("variant").accuracy.mean().plot.bar()
    assert len(axes.patches) == 2
    axes.figure.savefig(folder / "mine.png")
