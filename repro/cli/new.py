"""`repro new`: begin a study of your own."""

import re
import shlex
from pathlib import Path

import click

from repro.config.place import FILE
from repro.errors import BadInput, Failure
from repro.storage import write_atomic

EXAMPLES = """\b
Examples:
  repro new digits
  cd digits && repro run first --budget smoke
"""

STUDY = '''# A study: what is reproduced, where it was published, and the claims that matter most.

title = "{title}"
about = """
What is measured again here, and whose numbers these are, in two sentences.
"""

# Claims that head the page and `repro claims --central`, by their ids.
central = ["convolutions-better"]

# Where claims were published: the word that claims use, and its BibTeX entry, or "" where it has none.
[sources]
thesis = """
@misc{{thesis,
  title  = {{The work that is reproduced}},
  author = {{Its authors}},
  year   = {{2026}}
}}"""
'''

EXPERIMENT = """# Two networks of networks.py on MNIST, and one claim about them.
#
#   repro run first --budget smoke   synthetic images, seconds
#   repro data prepare mnist         downloads MNIST
#   repro run first                  3 seeds of each, a minute or two a run on one core

title = "Convolutions against dense layers"
source = "thesis, Table 1"
question = "Does a small convolutional network beat dense layers on digits?"

smoke = { data = { name = "mnist", pixels = 28 } }
laptop = {
    seeds = 3,
    data = { name = "mnist", pixels = 28 },
    recipe = { epochs = 2, batch = 64, optimizer = "adam", learning_rate = 1e-3, precision = "float32" },
}
figure = { kind = "parameters" }

variants = [
    { name = "dense", label = "dense layers", model = "networks.py:dense" },
    { name = "convolutions", model = "networks.py:Convolutions", options = { width = 8 } },
]

# What holds for every claim. Margins are fixed before anything runs: `repro claims` says if a claim was changed later.
claim = { source = "thesis", budget = "laptop" }
claims = [
    { id = "convolutions-better", place = "Table 1",
        statement = "A small convolutional network beats dense layers on digits by two points.",
        type = "ordering", variants = ["convolutions", "dense"], unit = "points", effect = 2.0, margin = 1.0 },
]
"""

NETWORKS = '''"""Networks of this study. Each function or class that makes an nn.Module is one: networks.py:NAME.

Runs are known by the content of this file: once they took long, write other networks into a file of their own.
"""

import torch
from torch import nn


def dense(classes: int, hidden: int = 32, channels: int = 1) -> nn.Module:
    """One hidden layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * 28 * 28, hidden), nn.ReLU(), nn.Linear(hidden, classes))


class Convolutions(nn.Module):
    """Two convolutions and a dense layer."""

    def __init__(self, classes: int, width: int = 8, channels: int = 1):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(width, 2 * width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.head = nn.Linear(2 * width * 7 * 7, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x).flatten(1))
'''

IGNORED = ".data/\nlogs/\n__pycache__/\n"


@click.command("new", epilog=EXAMPLES)
@click.argument("name")
def new_command(name: str) -> None:
    """Begin a study of your own: a folder NAME with two networks, one experiment, one claim and one figure.

    Every verb called in that folder works on that study.
    """
    folder = Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is there already, and not an empty folder")
    words = re.sub(r"[-_]+", " ", folder.resolve().name).strip()
    if not words.isprintable() or set(words) & set('"\\'):
        raise BadInput(f"{folder}: give the folder a name without quotation marks, backslashes and control characters")
    files = {
        FILE: STUDY.format(title=f"{words[:1].upper()}{words[1:]}"),
        "networks.py": NETWORKS,
        "experiments/first.toml": EXPERIMENT,
        ".gitignore": IGNORED,
    }
    try:
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(folder / path, content.encode())
    except OSError as error:
        raise Failure(f"cannot write {folder}: {error.strerror or error}") from error
    click.echo(f"{folder}: {', '.join(files)}")
    click.echo(f"Next: cd {shlex.quote(str(folder))}; repro run first --budget smoke; repro report --open")
