"""The notebook of the documentation: its cells run, and it is committed as executed, small."""

import json
import os
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "tour.ipynb"
CELLS = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]


def test_it_is_committed_as_executed_and_small():
    assert [cell["execution_count"] for cell in CELLS] == list(range(1, len(CELLS) + 1))
    outputs = [output for cell in CELLS for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} == {"execute_result", "display_data"}
    assert "image/png" in outputs[-1]["data"]
    assert NOTEBOOK.stat().st_size < 200_000


def test_its_cells_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(NOTEBOOK.parent)
    assert os.path.isdir("../results")
    backend = mpl.get_backend()
    mpl.use("Agg")
    namespace: dict = {}
    try:
        for number, cell in enumerate(CELLS):
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), namespace)
        (axes,) = namespace["figure"].axes
        _, labels = axes.get_legend_handles_labels()
        assert "without fire2 and fire5" in labels
    finally:
        pyplot.close("all")
        mpl.use(backend)
