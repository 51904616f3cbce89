"""Find the study that the current folder is in."""

import os
from pathlib import Path

from repro.errors import BadInput

FILE = "study.toml"
ENVIRONMENT = "REPRO_STUDY"


def found() -> Path | None:
    """The folder of the study that $REPRO_STUDY names or that one is in; None outside of any.

    Raises:
        BadInput: there is none where one is named.
    """
    asked = os.environ.get(ENVIRONMENT)
    if asked:
        if not (Path(asked) / FILE).is_file():
            raise BadInput(f"{asked}: there is no study here, as there is no {FILE}; `repro new NAME` makes one")
        return Path(asked).resolve()
    return above(Path.cwd() / FILE)


def above(path: Path) -> Path | None:
    """The nearest folder above a file that is a study."""
    return next((folder for folder in path.parents if (folder / FILE).is_file()), None)
