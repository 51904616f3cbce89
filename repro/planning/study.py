"""A study: a folder with `study.toml`, `experiments/*.toml` and `results/`, and the networks that it brings.

Every verb works on the study in whose folder it is called, on the one that `--study` or $REPRO_STUDY names, and
elsewhere on the study of SqueezeNet that comes with this program.
"""

import os
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from repro.config import place
from repro.config.place import FILE
from repro.config.specification import Spec
from repro.errors import BadInput
from repro.planning.decoding import decode


class Study(Spec, frozen=True):
    """The content of `study.toml`.

    title: of the page. about: its first paragraph.
    sources: where claims were published: the word that claims use, and its BibTeX entry, empty where there is none.
    networks: BibTeX entries of networks, by the name of the network.
    cited: the sources that head the page, in this order.
    central: the claims that the sources are known for, by their ids.
    scope, easy, difficult: what a reader should know first, a paragraph each, as the ML Reproducibility Challenge asks.
    """

    title: Annotated[str, Meta(min_length=1)]
    about: str = ""
    sources: dict[str, str] = {}
    networks: dict[str, str] = {}
    cited: tuple[str, ...] = ()
    central: tuple[str, ...] = ()
    scope: str = ""
    easy: str = ""
    difficult: str = ""
    root: Path = Path()

    @property
    def notes(self) -> list[str]:
        """The paragraphs there are, each on one line behind its title."""
        parts = {"Scope": self.scope, "What was easy": self.easy, "What was difficult": self.difficult}
        return [f"{title}: {' '.join(text.split())}" for title, text in parts.items() if text]

    def entry(self, name: str) -> str:
        """The BibTeX entry of a source or network; empty where there is none."""
        return self.sources.get(name, "") or self.networks.get(name, "")


def shipped() -> Path:
    """The folder of the study of SqueezeNet: the checkout, or the copy inside an installed package."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


def current() -> Study:
    """The study that verbs work on."""
    return read(place.found() or shipped())


def of(path: Path) -> Study:
    """The study that an experiment file belongs to: the one it lies in, else the present one."""
    inside = place.above(path.resolve())
    return read(inside) if inside else current()


def folder(name: str) -> Path:
    """A folder of the study one is in, such as `results`, as it is called from here; outside of any, one of here."""
    root = place.found()
    return Path(os.path.relpath(root / name)) if root else Path(name)


@cache
def read(root: Path) -> Study:
    """The study of a folder.

    Raises:
        BadInput: its file is wrong, or heads the page with a source that it does not have.
    """
    study = msgspec.structs.replace(decode(root / FILE, Study), root=root)
    for name in study.cited:
        if not study.sources.get(name):
            raise BadInput(f"{root / FILE}: cited: {name!r} has no entry under [sources]")
    return study
