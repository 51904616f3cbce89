"""`import repro`: DataFrames of records and claims, and the examples of docs/python.md."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import repro
import repro.errors
from repro.cli import cli
from repro.planning import experiments, plan
from repro.records import Store

CHECKOUT = Path(__file__).resolve().parents[2]
EXAMPLES = re.findall(r"```python\n(.*?)```", (CHECKOUT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return repro.load(CHECKOUT / "results")


def test_every_run_and_protocol_has_a_row_with_the_records_own_numbers(runs: pd.DataFrame):
    store = Store(CHECKOUT / "results")
    once = runs.drop_duplicates(["run", "protocol"]).set_index(["run", "protocol"])
    assert len(once) == sum(len(record.measurements) for record in store.all)
    for record in store.all[::20]:
        for protocol, found in record.measurements.items():
            row = once.loc[(record.identity, protocol)]
            accuracy = found.balanced_accuracy if record.run.data.balanced else found.accuracy
            assert (row.accuracy, row.parameters, row.status) == (accuracy, record.parameters, record.status)


def test_rows_name_the_experiment_that_asks_for_the_run(runs: pd.DataFrame):
    cells = plan.cells(experiments.find("dead-start"), "laptop")
    own = runs[(runs.experiment == "dead-start") & (runs.budget == "laptop") & (runs.protocol == "described")]
    assert own.groupby("variant").size().to_dict() == {cell.variant.name: 10 for cell in cells}


def test_an_empty_folder_gives_an_empty_table_with_the_same_columns(runs: pd.DataFrame, tmp_path: Path):
    assert list(repro.load(tmp_path).columns) == list(runs.columns)
    assert repro.load(tmp_path).empty


def test_claims_are_those_of_the_suite():
    found = repro.claims(CHECKOUT / "results")
    assert list(found.id) == [claim.id for experiment in experiments.everything() for claim in experiment.claims]
    assert found.evidence.notna().all()


def test_importing_repro_loads_neither_torch_nor_pandas():
    code = "import repro, sys; print(sorted({'torch', 'pandas', 'click'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_of_the_documentation_run(number: int, fill, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def carry_out(cells, store: Store, settings) -> None:
        fill(settings.results_dir, experiments.find("versions"), settings.budget, settings.data_dir)

    monkeypatch.setattr("repro.cli.run.carry_out", carry_out)  # training takes a minute
    (tmp_path / "results").symlink_to(CHECKOUT / "results")
    monkeypatch.chdir(tmp_path)
    # Later examples use what the first imports.
    namespace: dict = {"repro": repro, "runs": repro.load()} if number else {}
    exec(EXAMPLES[number], namespace)


def test_no_cell_of_an_exported_table_is_a_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = pd.DataFrame({"device": ["=1+1", "CPU", None], "gain": [-1.5, 2.0, None]})
    monkeypatch.setattr("repro.reporting.frames.load", lambda folder: found)
    cli.main(["export-records", "-o", str(tmp_path / "runs.csv")], standalone_mode=False)
    assert (tmp_path / "runs.csv").read_text() == "device,gain\n'=1+1,-1.5\nCPU,2.0\n,\n"


def test_records_are_exported_as_a_table(runs: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "runs.csv"
    words = ["export-records", "--results-dir", str(CHECKOUT / "results"), "-o"]
    cli.main([*words, str(path)], standalone_mode=False)
    assert capsys.readouterr().out == f"{len(runs):,} rows in {path}\n"
    read = pd.read_csv(path)
    for name in ("run", "seed", "accuracy"):
        assert read[name].tolist() == pytest.approx(runs[name].tolist())
    with pytest.raises(repro.errors.BadInput, match=r"ends in .csv or .parquet"):
        cli.main([*words, str(tmp_path / "runs.xls")], standalone_mode=False)
