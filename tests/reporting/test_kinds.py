"""Kinds of experiment: what is planned for one is shown too, and measured where something is due."""

from pathlib import Path

import pytest

from repro.config.registry import Registry
from repro.judging.evidence import shown
from repro.planning import experiments
from repro.planning.kinds import KINDS as PLANNED
from repro.planning.registry import ExperimentKind, register
from repro.records import Store
from repro.reporting import kinds
from repro.running.kinds import KINDS as MEASURED

CHECKOUT = Path(__file__).parents[2]


def test_every_kind_is_planned_shown_and_measured():
    assert kinds.KINDS.keys() == PLANNED.keys()
    assert MEASURED.keys() == {name for name, kind in PLANNED.items() if kind.measures}
    assert {experiment.kind for experiment in experiments.everything()} == PLANNED.keys()


def test_a_registry_holds_an_instance_by_name_and_leaves_the_class_as_it_is():
    kinds: Registry[object] = Registry("kinds")

    @kinds.register
    class Bars:
        name = "bars"

    assert type(kinds["bars"]) is Bars
    with pytest.raises(ValueError, match="two kinds are called bars"):
        kinds.register(Bars)


@pytest.mark.parametrize(
    ("name", "marks"),
    [
        ("dead-start", "Shares of runs with Wilson's 95 % intervals"),
        ("fire-removal-curves", "Means over seeds"),
        ("fire-removal", "Means, with 95 % intervals from five seeds on; small circles"),
        ("fire-removal-differences", "Mean differences with 95 % intervals"),
    ],
)
def test_each_figure_says_what_its_marks_are(name: str, marks: str):
    store = Store(CHECKOUT / "results")
    experiment = experiments.find(name.removesuffix("-curves").removesuffix("-differences"))
    drawn = kinds.of(experiment).described(experiment, shown(experiment, store, CHECKOUT), store)
    (found,) = [one.marks for one in drawn if one.name == name]
    assert found.startswith(marks)


def test_the_axis_of_a_grid_is_accuracy_where_its_figure_names_the_rows():
    store = Store(CHECKOUT / "results")
    experiment = experiments.find("batch-norm")
    chart = kinds.of(experiment).charted(experiment, shown(experiment, store, CHECKOUT), store)["batch-norm"]
    assert experiment.figure.y == "where batch norm stands"
    assert chart["x"] == "test accuracy (%)"


def test_two_kinds_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two kinds of experiment are called training"):
        register(type("Again", (ExperimentKind,), {"name": "training"}))


@pytest.mark.parametrize("name", PLANNED)
def test_figures_that_are_told_of_are_those_of_the_report(name: str):
    store = Store(CHECKOUT / "results")
    for experiment in experiments.everything():
        if experiment.kind == name and not experiment.work.trains:
            drawn = kinds.of(experiment).described(experiment, {}, store)
            assert [one.name for one in drawn if not (CHECKOUT / f"results/figures/{one.name}.svg").is_file()] == []
            assert all(one.alt for one in drawn)


def test_where_drawings_are_is_told_on_the_terminal_and_not_in_documents():
    experiment = experiments.find("architectures")
    shows = kinds.of(experiment)
    rows = shows.table(experiment, Store(CHECKOUT / "results"), CHECKOUT).rows
    assert [row["figure"] for row in rows if not Path(row["figure"]).is_file()] == []
    assert not shows.tabled
    assert not (CHECKOUT / "results/tables/architectures.md").exists()
