"""Experiment files: the suite's own are sound; wrong ones are refused with file, key and nearest name."""

from pathlib import Path

import pytest

from repro import data
from repro.config.specification import BUDGETS
from repro.errors import BadInput
from repro.planning import experiments, plan
from repro.records import Store

CHECKOUT = Path(__file__).parents[2]
FILE = """
title = "t"
source = "s"
question = "q"
[[variants]]
name = "a"
model = "squeezenet"
recipe = { epochs = 2 }
"""
WEIGHTS = '{ file = "a.pth", address = "https://example.org/a.pth" }'


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("experiment", experiments.everything(), ids=lambda e: e.name)
def test_the_suites_own_experiments_resolve_at_every_budget(experiment: experiments.Experiment):
    for budget in BUDGETS:
        for cell in plan.cells(experiment, budget):
            assert cell.runs
            assert {run.seed for run in cell.runs} == set(range(len(cell.runs)))


def test_later_settings_win(tmp_path: Path):
    text = FILE + "[laptop]\nrecipe = { epochs = 7, batch = 9 }\n"
    experiment = experiments.find(written(tmp_path, text))
    run = experiments.resolve(experiment, experiment.variants[0], "laptop", {"recipe.batch": 11})
    assert (run.recipe.epochs, run.recipe.batch) == (2, 11)
    assert run.model.options["stem"] == "cifar"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "squeezenet",
            "squeezenut",
            r"mine\.toml: variant a: unknown network 'squeezenut'; did you mean 'squeezenet'\?",
        ),
        ('name = "a"', 'name = "../../x"', r"mine\.toml: variants\[0\]\.name: a name has letters, .* and no '/'"),
        ('name = "a"', 'name = "a\\n"', r"mine\.toml: variants\[0\]\.name: a name has letters"),
        ("epochs = 2", "epoch = 2", r"mine\.toml: variant a: recipe: unknown key 'epoch'; did you mean 'epochs'\?"),
        ("epochs = 2", 'epochs = "two"', r"mine\.toml: variant a: recipe: epochs: expected a whole number, got text"),
        ("epochs = 2", 'schedule = "linar"', r"recipe: schedule: unknown value 'linar'; did you mean 'linear'\?"),
        ("recipe =", 'laptop.stem = "cifra"\nrecipe =', r"laptop\.stem: unknown value 'cifra'; did you mean 'cifar'\?"),
        (
            "recipe =",
            'compress.coder = "huffmann"\nrecipe =',
            r"coder: unknown value 'huffmann'; did you mean 'huffman'\?",
        ),
        ("recipe =", 'compress.codr = "ans"\nrecipe =', r"compress: unknown key 'codr'; did you mean 'coder'\?"),
        ("title", "titel", r"mine\.toml: (unknown key 'titel'; did you mean 'title'|object missing)"),
        ("recipe = {", "recipe = ", r"mine\.toml is not valid TOML: "),
        ("epochs = 2", "epochs = -1", r"epochs: expected a whole number >= 0"),
        ("epochs = 2", "epochs = 0", r"recipe: epochs: a first training needs at least one"),
        ("recipe =", f"weights = {WEIGHTS}\nrecipe =", r"variants\[0\]\.weights: goes with kind = weights"),
        ('title = "t"', 'title = "t"\nkind = "weights"', r"variants\[0\]\.weights: goes with kind = weights"),
        ('title = "t"', 'title = "t"\nkind = "size"', r"mine\.toml: kind: unknown kind 'size'; did you mean 'sizes'\?"),
        ("recipe =", 'weights.file = "../x"\nrecipe =', r"weights\.file: a name has letters, .* and no '/'"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str):
    with pytest.raises(BadInput, match=message) as caught:
        plan.cells(experiments.find(written(tmp_path, FILE.replace(old, new))), "laptop")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["protocol = 'notebook'", "epoch = 3", "metric = 'loss'"])
def test_of_published_weights_only_accuracies_are_judged(tmp_path: Path, field: str):
    text = FILE.replace('"q"', '"q"\nkind = "weights"').replace("recipe = { epochs = 2 }", f"weights = {WEIGHTS}")
    claim = "id = 'c'\nsource = 'paper'\nplace = 'p'\nstatement = 's'\ntype = 'point'\npublished = 1\nmargin = 1"
    text += f"[[claims]]\n{claim}\nvariants = ['a']\n"
    assert len(experiments.find(written(tmp_path, text)).claims) == 1
    experiments.read.cache_clear()
    with pytest.raises(BadInput, match=r"claims\[0\]: of published weights only accuracies are judged"):
        experiments.find(written(tmp_path, text + field + "\n"))


def test_an_unknown_experiment_gets_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'table1'"):
        experiments.find("tabel1")


def test_the_same_training_in_two_experiments_is_one_run(tmp_path: Path):
    first = experiments.find("fire-removal")
    second = experiments.find("squeeze-expand")
    cells = [*plan.cells(first, "laptop"), *plan.cells(second, "laptop")]
    steps = plan.plan(cells, Store(tmp_path), tmp_path)
    shared = [step for step in steps if len(step.cells) > 1]
    assert any("fire-removal/none" in step.cells and "squeeze-expand/baseline" in step.cells for step in shared)
    assert sum(len(step.cells) for step in steps) == sum(len(cell.runs) for cell in cells)


def test_estimates_grow_with_the_work(tmp_path: Path):
    experiment, store = experiments.find("table1"), Store(tmp_path)

    def seconds(epochs: int) -> list[float]:
        steps = plan.plan(plan.cells(experiment, "laptop", 1, {"recipe.epochs": epochs}), store, tmp_path)
        return plan.estimates(steps, store, "cpu")

    for one, two in zip(seconds(1), seconds(2), strict=True):
        assert two == pytest.approx(2 * one)


def test_a_variant_may_be_left_out_at_a_budget(tmp_path: Path):
    text = FILE + 'laptop.seeds = 0\n[[variants]]\nname = "b"\nmodel = "mini-squeezenet"\n'
    experiment = experiments.find(written(tmp_path, text))
    assert [cell.variant.name for cell in plan.cells(experiment, "laptop", seeds=5)] == ["b"]
    assert [cell.variant.name for cell in plan.cells(experiment, "paper")] == ["a", "b"]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("resize = [31, 33]", "resize and crop go together"),
        ("resize = [31, 33], crop = 32", "smallest and the largest size, both at least the crop of 32"),
        ("resize = [31, 33], crop = 30, crop_padding = 4", "contradict each other"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(tmp_path: Path, recipe: str, message: str):
    with pytest.raises(BadInput, match=message):
        experiments.find(written(tmp_path, FILE.replace("epochs = 2", recipe)))


def test_work_is_counted_in_batches_where_epochs_are(tmp_path: Path):
    run = plan.cells(experiments.find("mini-squeezenet"), "paper")[0].runs[0]
    assert plan.images(run) == (250 * 400 * 32, 250 * 10_000)


def test_one_network_under_two_names_is_trained_once(tmp_path: Path):
    cells = plan.cells(experiments.find("fire-removal"), "laptop")
    steps = plan.plan(cells, Store(tmp_path), tmp_path)
    assert any({"fire-removal/fire2", "fire-removal/fire3"} <= set(step.cells) for step in steps)
    once = [cell for cell in cells if cell.variant.name not in ("fire3", "fire7")]
    assert len(steps) == sum(len(cell.runs) for cell in once)


@pytest.mark.parametrize("absent", ["", "cifar10"])
def test_progress_counts_what_a_plan_finds_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str):
    """Counting reads outlines of records, planning reads and checks them; both with images at hand and without."""
    checksum = data.checksum
    monkeypatch.setattr(data, "checksum", lambda spec, root: None if spec.name == absent else checksum(spec, root))
    store = Store(CHECKOUT / "results")
    for name in ("table1", "dead-start", "paper-figure3a"):
        cells = plan.cells(experiments.find(name), "laptop")
        steps = plan.plan(cells, store, tmp_path)
        done = sum(step.state == "done" for step in steps)
        assert plan.progress(cells, store, tmp_path)[:2] == (len(steps), done)
        assert done


def test_progress_names_the_images_that_missing_runs_need(tmp_path: Path):
    cells = plan.cells(experiments.find("imagenet"), "laptop")
    assert plan.progress(cells, Store(CHECKOUT / "results"), tmp_path) == (8, 0, ("imagenet",))
    cells = plan.cells(experiments.find("table1"), "laptop")
    assert plan.progress(cells, Store(CHECKOUT / "results"), tmp_path).absent == ()
