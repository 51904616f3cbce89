"""`repro bench`: what it measures and what it leaves."""

import csv
import json
import sys
from pathlib import Path

import pytest

from repro.benchmarking import compression, loops, memory, rounds, scaling, stages, startup, training
from repro.benchmarking.clock import Turn
from repro.benchmarking.rounds import Ratio
from repro.benchmarking.scaling import AXES, Axis, Point
from repro.benchmarking.tables import Sheet, show
from repro.benchmarking.training import CASES, GPU_CASES, Case, Measured, run_of
from repro.cli import main
from repro.errors import Failure
from repro.formats.files import FORMATS, Format, encode
from repro.planning import experiments
from repro.reporting.table import Column

from ..compression import examples


def test_cases_cover_what_is_to_be_measured():
    assert {(case.network, case.pixels) for case in CASES} == {
        ("squeezenet", 32),
        ("squeezenet", 224),
        ("alexnet", 32),
        ("vgg19", 32),
        ("mini-squeezenet", 32),
    }
    laptop = experiments.budgets()["laptop"]
    assert Case("squeezenet", 32, laptop.recipe["batch"]) in CASES
    for network, settings in laptop.networks.items():
        assert Case(network, 32, settings.recipe.get("batch", laptop.recipe["batch"])) in CASES
    assert {case.network for case in GPU_CASES} == {case.network for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_a_case_is_the_laptop_run_with_augmentation(case: Case):
    run = run_of(case, "float32", synthetic=False)
    assert (run.model.name, run.data.pixels, run.recipe.batch) == case
    assert (run.recipe.flip, run.recipe.crop_padding, run.recipe.schedule) == (True, 4, "constant")
    if case.network == "squeezenet":
        assert run.model.options.get("stem") == ("cifar" if case.pixels == 32 else None)


def invented() -> Measured:
    """The project three times as fast as the plain loop, at a quarter of the matrix product's rate."""
    case = Case("squeezenet", 32, 16)
    run = run_of(case, "float32", synthetic=True)
    counts = training.operations(run)
    turns = {
        work: {"plain": [Turn(100, 1.0), Turn(100, 2.0)], "repro": [Turn(300, 1.0), Turn(600, 4.0)]}
        for work in training.WORKS
    }
    products = [Turn(4 * 300 * counts["training"], 1.0), Turn(4 * 150 * counts["training"], 1.0)]
    steps = {side: dict.fromkeys(training.PHASES, ms / 1000) for side, ms in (("plain", 2), ("repro", 1))}
    losses = {"plain": [2.0, 1.0], "repro": [2.0, 1.01]}
    return Measured(case, run, turns, products, {"plain": 2**30, "repro": 2**29}, steps, losses)


def test_the_arithmetic_of_the_table():
    sheet = training.speed([invented()], "cpu", "a machine", ["busy"])
    first, second = sheet.rows
    assert (first["work"], second["work"]) == ("training", "evaluation")
    assert first["ratio"] == pytest.approx((3, 3, 3))
    assert first["share"] == pytest.approx((0.25, 0.25, 0.25))
    assert (first["plain"], first["repro"]) == (75, 225)
    assert first["target"] == 2.0
    assert (first["plain_mib"], first["repro_mib"]) == (1024, 512)
    assert first["loss_difference"] == pytest.approx(0.01)
    text = sheet.shown().render("md")
    assert "3.00 [3.00, 3.00]" in text
    assert "synthetic stand-ins" in text
    assert "Measured on a machine." in text


def test_phases_add_up_to_the_step():
    plain, ours = training.steps([invented()], "cpu", "a machine", []).rows
    assert plain["step"] == pytest.approx(10)
    assert ours["step"] == pytest.approx(5)
    assert ours["forward"] == pytest.approx(1)


def test_a_sheet_writes_what_is_shown_and_every_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rows = [{"what": "x", "ratio": Ratio(2.0, 1.9, 2.1), "rounds": [1.5, 2.5]}]
    sheet = Sheet("try", "A try", [Column("what"), Column("ratio")], rows, "a machine", ["A note."])
    sheet.write(tmp_path)
    shown = (tmp_path / "tables/bench-try.md").read_text()
    assert "2.00 [1.90, 2.10]" in shown
    assert "rounds" not in shown
    (row,) = csv.DictReader((tmp_path / "tables/bench-try.csv").read_text().splitlines())
    expected = {"what": "x", "ratio": "2.0", "ratio_low": "1.9", "ratio_high": "2.1"}
    assert row == {**expected, "rounds": "1.5 2.5", "machine": "a machine"}
    show([sheet], "json")
    (row,) = json.loads(capsys.readouterr().out)["try"]
    assert (row["ratio_low"], row["rounds"]) == (1.9, [1.5, 2.5])


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch):
    """Tests share the machine; two threads that wait for each other would take as long as the others let them."""
    monkeypatch.setattr(training, "cores", lambda: 1)
    monkeypatch.setattr(memory, "cores", lambda: 1)


class Here:
    """As `Alone`, in this process: starting three that import torch takes too long for a test."""

    def __init__(self, kind, *arguments):
        self.object = kind(*arguments)

    def call(self, method: str, *arguments):
        return getattr(self.object, method)(*arguments)

    def peak_memory(self) -> int:
        return 2**30

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.usefixtures("one_thread")
def test_the_whole_way_on_a_small_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Turns, phases, losses and tables of one tiny case, for fractions of a second."""
    monkeypatch.setattr(training, "Alone", Here)
    told = []
    case = Case("mini-squeezenet", 32, 4)
    speed, steps = training.measure((), 0.01, 1, "cpu", tmp_path, told.append, [case])
    assert (speed.name, steps.name) == ("training-cpu", "steps-cpu")
    assert told == ["mini-squeezenet at 32 pixels, batch 4"]
    first = speed.rows[0]
    assert first["synthetic"]
    assert first["loss_difference"] < 1e-5
    assert len(first["plain_rounds"]) == len(first["repro_rounds"]) == 1
    assert first["ratio"].value == pytest.approx(first["repro"] / first["plain"])
    assert first["repro_mib"] == 1024
    assert len(steps.rows) == 2
    speed.write(tmp_path)
    assert "mini-squeezenet" in (tmp_path / "tables/bench-training-cpu.md").read_text()


@pytest.mark.usefixtures("one_thread")
def test_memory_of_a_run_on_real_images(data_dir: Path):
    """A run of SqueezeNet on all of CIFAR-10 stays below 2 GiB."""
    (sheet,) = memory.measure(["squeezenet"], "cpu", data_dir)
    (row,) = sheet.rows
    assert row["parameters"] == 740_554
    assert row["least_mib"] < row["mib"] < row["target"] == 2048
    assert "stand-ins" not in sheet.shown().render("md")


def test_a_shortened_run_reads_all_images_and_sees_few():
    run = memory.shortened("alexnet", synthetic=False)
    assert run.data.train_images == memory.STEPS * run.recipe.batch
    assert (run.data.holdout, run.recipe.epochs, run.recipe.optimizer) == (512, 1, "adam")


def test_slopes_are_powers():
    sizes = [1, 2, 4, 8]
    found = scaling.slope(sizes, [5.0 * size**1.5 for size in sizes])
    assert found == pytest.approx((1.5, 1.5, 1.5))
    assert scaling.slope([1, 2], [1.0, 4.0]) == (2.0, None, None)
    noisy = scaling.slope(sizes, [1.0, 2.2, 3.9, 8.1])
    assert noisy.low is not None
    assert noisy.high is not None
    assert noisy.low < 1 < noisy.high


def test_points_of_every_axis_double_and_change_one_thing():
    for axis in AXES:
        assert len(axis.values) >= 4
        assert all(b == 2 * a for a, b in zip(axis.values, axis.values[1:], strict=False))
        for value in axis.values:
            runs = axis.runs(value)
            run = runs[0]
            assert len({run.seed for run in runs}) == len(runs) == (value if axis.name == "runs" else 1)
            assert run.data.train_images == (value if axis.name == "images" else axis.images)
            assert run.data.pixels == (value if axis.name == "pixels" else 32)
            assert run.recipe.batch == (value if axis.name == "batch" else 16)
            assert run.data.train_images % run.recipe.batch == 0 or axis.name != "batch"
            assert run.data.train_images + run.data.holdout <= 2_000


def test_scaling_leaves_a_table_and_a_figure(tmp_path: Path):
    axes = (Axis("images", "training images", (16, 32)), Axis("runs", "runs", (1, 2), images=16))
    points = [
        Point("images", 16, 1.0, 2**28),
        Point("images", 32, 2.0, 2**28),
        Point("runs", 1, 1.0, 2**28),
        Point("runs", 2, 1.5, 2**29),
    ]
    scaling.draw(axes, points, tmp_path, "bench-scaling-cpu")
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".png", ".pdf"}
    rows = scaling.table(axes, points, "cpu", "a machine", []).rows
    assert rows[1]["time_slope"].value == pytest.approx(1)
    assert rows[1]["memory_slope"].value == pytest.approx(0)
    assert rows[3]["memory_slope"].value == pytest.approx(1)


def test_a_point_of_scaling_is_a_whole_run():
    from repro.benchmarking.subprocess_runs import carried_out

    axis = Axis("runs", "runs", (2,), images=20, batch=10)
    outcome = carried_out(axis.runs(2), Path(), "cpu", 1)
    assert len(outcome.seconds) == 2
    assert min(outcome.seconds) > 0
    assert outcome.memory > 2**26


def test_startup_measures_every_command():
    (sheet,) = startup.measure(repeats=2)
    assert [row["command"] for row in sheet.rows] == list(startup.COMMANDS)
    bare, *_, listing = (row["seconds"] for row in sheet.rows)
    assert 0 < bare < listing
    assert all(len(row["rounds"]) == 2 for row in sheet.rows)


def test_the_median_has_an_interval_of_its_own_values():
    values = [float(value) for value in range(1, 16)]
    low, high = rounds.median_interval(values)
    assert low in values
    assert high in values
    assert low < 8 < high


def test_every_coder_encodes_and_decodes_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    network = examples.network()
    monkeypatch.setattr(compression, "subject", lambda data_dir: (network, "a small network"))
    (sheet,) = compression.measure(6, tmp_path)
    coders: list[Format] = [coder for coder in FORMATS if compression.available(coder)]
    assert [(row["coder"], row["bytes"]) for row in sheet.rows] == [(c, len(encode(network, c))) for c in coders]
    for row in sheet.rows:
        for way in ("encode", "decode"):
            assert len(row[f"{way}_rounds"]) == 6
            assert 0 < row[f"{way}_low"] <= row[way] <= row[f"{way}_high"]
    assert "a small network" in sheet.shown().render("md")


def test_a_coder_without_its_library_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(compression, "subject", lambda data_dir: (examples.network(), "a small network"))
    monkeypatch.setitem(sys.modules, "constriction", None)
    (sheet,) = compression.measure(1, tmp_path)
    assert [row["coder"] for row in sheet.rows] == ["none", "gaps", "huffman", "context"]
    assert "ans: its library is not installed." in sheet.notes


def test_the_stand_in_is_as_large_as_the_released_network(tmp_path: Path):
    network, words = compression.subject(tmp_path)
    assert network.parameters == 1_248_424
    assert network.nonzero == pytest.approx(421_098, rel=0.01)
    assert "stand-in" in words


def test_stages_follow_what_the_command_says():
    lines = [(1.0, "tables/a"), (2.0, "tables/b"), (5.0, "figures/a"), (5.5, "README.md"), (7.0, "index.html")]
    assert [seconds for _, seconds in stages.stages(lines, 7.25)] == [2.0, 3.0, 0.5, 1.5, 0.25]
    assert stages.stages([], 3.0) == [("end", 3.0)]


def test_report_is_measured_from_nothing_and_with_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def watched(words: list[str], cache: Path):
        asked.append((words[0], Path(words[2]), cache))
        first = len(asked) == 1
        return [(2.0, "tables/a"), (3.0, "index.html")] if first else [], 4.0 if first else 1.0

    monkeypatch.setattr(stages, "watched", watched)
    results = tmp_path / "results"
    (sheet,) = stages.measure(results, tmp_path)
    assert [row["seconds"] for row in sheet.rows] == [2.0, 1.0, 1.0, 4.0, 1.0]
    # Both times the same folder, which is not the one given; nothing is trained for the sake of `make all`.
    assert len(set(asked)) == 1
    assert asked[0][:1] == ("report",)
    assert asked[0][1] != results
    assert "`make all` is not measured" in sheet.shown().render("text")


def test_a_command_that_fails_is_told(tmp_path: Path):
    with pytest.raises(Failure, match="did you mean 'table1'"):
        stages.watched(["report", "tabel1"], tmp_path)


def test_without_a_command_everything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    asked = []
    for module in (training, loops, memory, scaling, startup, stages, compression):
        name = module.__name__.rpartition(".")[2]
        sheet = Sheet(name, f"About {name}", [Column("name")], [{"name": name}], "a machine")

        def measure(*_, sheet: Sheet = sheet, **__):
            asked.append(sheet.name)
            return [sheet]

        monkeypatch.setattr(module, "measure", measure)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["bench"])
    assert ended.value.code == 0
    assert sorted(asked) == ["compression", "loops", "memory", "scaling", "stages", "startup", "training"]
    assert {path.stem for path in (tmp_path / "results/tables").glob("*.csv")} == {f"bench-{name}" for name in asked}
    shown = capsys.readouterr().out
    assert all(f"About {name}" in shown for name in asked)


def test_the_loops_of_others_train_on_the_same_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each for a fraction of a second, in this process; a library that is not there is told."""
    monkeypatch.setattr(loops, "Alone", Here)
    monkeypatch.setattr(loops, "cores", lambda: 1)
    # torch.compile takes a minute to begin.
    chosen = [loop for loop in loops.loops() if "compile" not in loop.title]
    chosen.append(chosen[0]._replace(title="absent", needs="no-such-library"))
    told = []
    (sheet,) = loops.measure(0.01, 1, tmp_path, told.append, chosen)
    here = [loop for loop in chosen if loops.available(loop)]
    assert [(row["loop"], row["precision"]) for row in sheet.rows] == [(loop.title, loop.precision) for loop in here]
    assert all(row["images"] > 0 for row in sheet.rows)
    assert sheet.rows[0]["ratio"].value == pytest.approx(1)
    assert [row["target"] for row in sheet.rows if row["target"]] == [3.0]
    assert "absent: no-such-library is not installed." in sheet.notes


def test_processes_side_by_side_add_up():
    assert loops.together(iter([Turn(100, 1.0), Turn(300, 2.0)])) == Turn(500, 2.0)


def test_a_quick_benchmark_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    asked = []
    for module, given in ((startup, (5,)), (loops, (0.5, 3)), (compression, (3,))):
        sheet = Sheet(module.__name__, "A table", [Column("name")], [{"name": "x"}], "a machine")

        def measure(*words, sheet: Sheet = sheet, given=given, **_):
            assert words[: len(given)] == given
            asked.append(sheet.name)
            return [sheet]

        monkeypatch.setattr(module, "measure", measure)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="0"):
        main(["bench", "--quick"])
    assert asked == [module.__name__ for module in (startup, compression, loops)]
    assert not list(tmp_path.rglob("bench-*"))
    with pytest.raises(SystemExit, match="2"):
        main(["bench", "--quick", "startup"])
    assert "--quick goes without a command" in capsys.readouterr().err
