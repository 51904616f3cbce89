"""The results page."""

from pathlib import Path

from repro.records import Store
from repro.reporting.summary import Section


def render(sections: list[Section], results: Path, store: Store, data_dir: Path) -> str:
    """The page."""
    return "<!doctype html><title>Results</title>"
