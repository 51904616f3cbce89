"""The command line as a user types it."""

import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import msgspec
import pytest

from repro.cli import VERBS
from repro.planning import ablations, experiments
from repro.rules.claim import OUTCOMES

CHECKOUT = Path(__file__).parents[2]
FAST = ["--budget", "smoke", "--device", "cpu", "--set", "data.train_images=64", "--set", "recipe.epochs=1"]


def test_help_names_every_verb(repro):
    answer = repro("--help")
    assert answer.code == 0
    assert all(verb in answer.out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(repro, verb: str):
    answer = repro(verb, "--help")
    assert answer.code == 0
    assert "Examples:" in answer.out
    assert f"repro {verb}" in answer.out


def examples() -> list[list[str]]:
    """The trainings that README, docs/scale.md and `--help` show, as words; not those of a reader's own files."""
    texts = [(CHECKOUT / name).read_text() for name in ("README.md", "docs/scale.md")]
    # The study that `repro new` makes is another one.
    texts += [path.read_text() for path in (CHECKOUT / "repro" / "cli").glob("*.py") if path.name != "new.py"]
    # What a command is for stands beside it, two spaces or more to the right.
    lines = [line.strip().partition("  ")[0] for text in texts for line in text.splitlines()]
    shown = dict.fromkeys(line for line in lines if re.match(r"repro (run|train|ablate|sweep) [a-z-]", line))
    return [shlex.split(line)[1:] for line in shown if ".toml" not in line and "`" not in line]


@pytest.mark.parametrize("words", examples(), ids=" ".join)
def test_the_trainings_that_are_shown_can_be_planned(repro, words: list[str]):
    answer = repro(*words, *(["--dry-run"] if "--dry-run" not in words else []))
    assert (answer.code, answer.err) == (0, "")


def test_every_verdict_finds_its_claims(repro):
    found = [len(json.loads(repro("claims", "--verdict", name, "--format", "json").out)) for name in OUTCOMES]
    assert sum(found) == len(json.loads(repro("claims", "--format", "json").out))


def test_claims_are_told_with_counts_in_full_and_each_reason_once(repro):
    (row,) = (line for line in repro("claims").out.splitlines() if line.strip().startswith("parameters-squeezenet "))
    assert row.split()[2:5] == ["1,248,424", "1,248,424", "parameters"]
    (record,) = json.loads(repro("claims", "parameters-squeezenet", "--format", "json").out)
    assert record["measured"] == 1248424
    assert repro("claims", "table1-order-mnist").out.count("not run: repro run table1 --budget laptop") == 1
    said = repro("claims", "parameters-squeezenet").out
    assert "reproduced: equal" in said
    assert "1,248,424 parameters: REPRODUCED." in said


@pytest.mark.parametrize("words", [["--pct3x3", ".25"], ["--pools", "conv1,fire2,fire4"]], ids=" ".join)
def test_values_are_taken_as_the_help_writes_them(repro, words: list[str]):
    assert repro("ablate", *words, "--dry-run").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["run", "fire-removal", "--set", "options.remove=2"],
        ["sweep", "--dropout", "0,.3", "--set", "options.dropout=.5"],
        ["ablate", "--bypass", "simple", "--set", "options.bypass=complex"],
    ],
    ids=" ".join,
)
def test_a_setting_does_not_overrule_what_makes_a_variant(repro, words: list[str]):
    answer = repro(*words, "--dry-run")
    assert answer.code == 2
    assert "is another network by its own" in answer.err
    assert answer.err.count("\n") == 1


def test_list_as_json(repro):
    found = json.loads(repro("list", "--format", "json").out)
    table1 = next(row for row in found if row["name"] == "table1")
    assert {"name", "title", "source", "runs", "done"} <= set(table1)
    assert (table1["runs"], table1["done"]) == (18, 0)


def test_list_says_which_images_are_wanting(repro):
    notes = repro("list").out.split("\n\n")[-1]
    assert "imagenet: missing runs need the images of imagenet, which are not here" in notes
    assert "dead-start" not in notes


def test_data_status_counts_the_photographs_that_measure(repro, tmp_path: Path):
    def row() -> dict:
        rows = json.loads(repro("data", "status", "--data-dir", str(tmp_path), "--format", "json").out)
        return next(row for row in rows if row["name"] == "imagenet-val")

    assert (row()["present"], row()["images"]) == (False, "0 + 0")
    folder = tmp_path / "imagenet-val"
    (folder / "val" / "n00000007").mkdir(parents=True)
    assert "wnids.txt" in row()["note"]
    (folder / "wnids.txt").write_text("".join(f"n{number:08d}\n" for number in range(1000)))
    for name in ("ILSVRC2012_val_00023559.JPEG", "ILSVRC2012_val_00024327.JPEG", "notes.txt"):
        (folder / "val" / "n00000007" / name).touch()
    assert (row()["present"], row()["images"]) == (True, "0 + 2")
    assert "1 of them measure" in row()["note"]


def test_summary_as_json(repro):
    answer = repro("summary", "squeezenet", "--classes", "10", "--option", "bypass=simple", "--format", "json")
    found = json.loads(answer.out)
    assert {"parameters", "macs", "bytes", "input", "layers"} <= set(found)
    assert found["parameters"] == 740_554
    assert found["bytes"] == 4 * found["parameters"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "unknown command 'rnu'; did you mean 'run'?"),
        (["run", "tabel1"], "unknown experiment 'tabel1'; did you mean 'table1'?"),
        (["run"], "which experiments?"),
        (["run", "table1", "--all"], "which experiments?"),
        (["run", "table1", "--buget", "smoke"], "no such option '--buget'"),
        (["run", "table1", "--buget", "smoke"], "'--budget'"),
        (
            ["run", "table1", "--budget", "smok"],
            "'smok' is not one of 'smoke', 'laptop', 'paper'; did you mean 'smoke'?; see `repro run --help`",
        ),
        (["summary"], "missing argument 'NETWORK'; see `repro summary --help`"),
        (
            ["run", "table1", "--set", "recipe.schedule=cosine"],
            "--set: recipe: schedule: unknown value 'cosine'; choose from constant, step",
        ),
        (
            ["run", "table1", "--set", "options.bypass=simpel"],
            "--set: squeezenet: option bypass: unknown value 'simpel'; did you",
        ),
        (["run", "table1", "--set", "data.name=cifar"], "--set: unknown data set 'cifar'; did you mean 'cifar10'?"),
        (["ablate", "--pct3x3", ".5", "--option", "pct3x3=.25"], "pct3x3 is given twice, as .5 and .25"),
        (["ablate", "--bypass", "simple", "--change", "options.bypass=complex"], "options.bypass is given twice"),
        (["ablate", "--separable", "--option", "separable=false"], "separable is given twice"),
        (["sweep", "--dropout", "0,.5", "--vary", "options.dropout=.1"], "options.dropout is given twice"),
        (["summary", "squeezenet", "--classes", "10", "--option", "classes=5"], "classes is given twice"),
        (
            ["train", "squeezenet", "--set", "recipe.epochs=1", "--set", "recipe.epochs=2"],
            "recipe.epochs is given twice",
        ),
        (
            ["run", "table1", "--set", "recipe.epoch=3"],
            "--set: unknown setting 'recipe.epoch'; did you mean 'recipe.epochs'",
        ),
        (
            ["run", "table1", "--set", "data.pixel=3"],
            "unknown setting 'data.pixel'; did you mean 'data.pixels'?",
        ),
        (["run", "table1", "--set", "recipe.epochs=three"], "epochs: expected a whole number, got text"),
        (["run", "table1", "--set", "epochs"], "give NAME=VALUE"),
        (["train", "squeezent"], "unknown network 'squeezent'; did you mean 'squeezenet'?"),
        (
            ["train", "squeezenet", "--data", "cifar100"],
            "unknown data set 'cifar100'; choose from torchvision:CIFAR100",
        ),
        (["summary", "squeezenet", "--option", "bypas=simple"], "unknown option 'bypas'; did you mean 'bypass'?"),
        (["summary", "squeezenet", "--option", "remove=12"], "remove"),
        (["summary", "squeezenet", "--input", "wide"], "--input wide: give channels x height x width"),
        (["ablate", "--remove", "fire22"], "remove"),
        (["ablate"], "what to change?"),
        (["ablate", "--bypass", "none"], "this is the unchanged network"),
        (["ablate", "--change", "recipe.flip=false", "--budget", "smoke"], "this is the unchanged network"),
        (
            ["ablate", "--change", "recip.flip=true"],
            "unknown setting 'recip.flip'; choose from options.NAME, recipe.NAME",
        ),
        (["ablate", "--change", "recipe.crop=30"], "resize and crop go together"),
        (["sweep"], "what to sweep?"),
        (["sweep", "--squeeze-ratio", ".5,,1"], "give different values with commas between them"),
        (["sweep", "--vary", "recipe.zoom"], "give NAME=V1,V2"),
        (["sweep", "--vary", "zoom=0,.1"], "unknown setting 'zoom'"),
        (["sweep", "--bypass", "none,simpel"], "unknown value 'simpel'; did you mean 'simple'?"),
        (["claims", "nope"], "in all)"),
        (["report", "tabel1"], "did you mean 'table1'?"),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(repro, words: list[str], message: str):
    answer = repro(*words)
    assert answer.code == 2
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err


def test_names_cannot_write_to_the_terminal(repro, tmp_path: Path):
    """Neither those of a command nor those of files: control characters are told as escapes, in one line."""
    for words in (["run", "\x1b]0;owned\x07"], ["summary", "squeezenet", "--\x1b[2J"], ["inspect", "a\x1b[31m\nb.sqz"]):
        answer = repro(*words)
        assert answer.code == 2
        assert answer.err.count("\n") == 1
        assert answer.err.rstrip("\n").isprintable()
        assert r"\x1b" in answer.err
    other = tmp_path / "other\x1b[2J" / "runs"
    other.mkdir(parents=True)
    answer = repro("merge", str(other.parent))
    assert (answer.code, answer.out.rstrip("\n").isprintable()) == (0, True)


def test_cite_names_the_sources_of_an_experiment_and_no_others(repro):
    found = repro("cite", "table1").out
    assert all(key in found for key in ("iandola2016squeezenet", "abiyounes2019", "krizhevsky2009", "lecun1998"))
    assert "simonyan2014very" not in found
    assert "simonyan2014very" in repro("cite").out


def test_an_unknown_flag_gets_the_nearest(repro):
    answer = repro("run", "table1", "--budgte", "smoke")
    assert answer.code == 2
    assert "--budget" in answer.err


def test_train_leaves_a_record_and_is_not_repeated(repro, tmp_path: Path):
    first = repro("train", "mini-squeezenet", "--seeds", "2", *FAST)
    assert first.code == 0, first.err
    assert "122,986" in first.out
    assert len(list(tmp_path.glob("results/runs/*/*/record.json"))) == 2
    # As a kill between the record and the removal of the checkpoint leaves it.
    (weights, _) = sorted(tmp_path.glob("cache/weights/*.safetensors"))
    left = tmp_path / "cache" / "checkpoints" / f"{weights.stem}.pt"
    left.touch()
    repro("train", "mini-squeezenet", "--seeds", "2", *FAST, "--dry-run")
    assert left.exists()
    second = repro("train", "mini-squeezenet", "--seeds", "2", *FAST)
    assert second.out == first.out
    assert second.err.startswith("kept in results/ablations/train-mini-squeezenet-")
    assert not left.exists()


def test_ablate_compares_the_changed_with_the_unchanged_network(repro):
    answer = repro("ablate", "--remove", "fire2,fire5", "--seeds", "2", *FAST, "--format", "json")
    assert answer.code == 0, answer.err
    unchanged, changed = json.loads(answer.out)
    assert (unchanged["parameters"], changed["parameters"]) == (740_554, 678_682)
    assert changed["difference"]["n"] == 2
    assert changed["variant"] == "without fire2 and fire5"


def test_what_ablate_made_is_kept_listed_and_gone_on_with(repro, tmp_path: Path):
    made = repro("ablate", "--remove", "fire2,fire5", "--name", "two-fires", "--seeds", "1", *FAST)
    assert "more seeds: repro run two-fires --budget smoke --seeds N" in made.err
    folder = tmp_path / "results" / "ablations" / "two-fires"
    assert {path.name for path in folder.iterdir()} == {
        f"two-fires.{suffix}" for suffix in ("toml", "md", "csv", "tex", "svg", "pdf", "png")
    }
    assert "without fire2 and fire5" in (folder / "two-fires.md").read_text()
    page = (tmp_path / "results" / "index.html").read_text()
    assert '<details id="two-fires"' in page
    assert 'href="ablations/two-fires/two-fires.csv"' in page
    (row,) = [row for row in json.loads(repro("status", "--format", "json").out) if row["experiment"] == "two-fires"]
    assert (row["budget"], row["done"], row["runs"]) == ("smoke", 2, 2)
    last = json.loads(repro("list", "--budget", "smoke", "--format", "json").out)[-1]
    assert (last["name"], last["title"], last["done"]) == ("two-fires", "squeezenet without fire2 and fire5", 2)
    more = repro("run", "two-fires", "--budget", "smoke", "--device", "cpu", "--seeds", "2")
    assert more.code == 0
    # `--set` of the first call holds for what goes on from it: two epochs would be another run.
    runs = [json.loads(path.read_text()) for path in tmp_path.glob("results/runs/*/*/record.json")]
    assert sorted(run["run"].get("seed", 0) for run in runs) == [0, 0, 1, 1]
    assert {run["run"]["recipe"]["epochs"] for run in runs} == {1}
    assert repro("run", "two-fire", "--dry-run").err.endswith("did you mean 'two-fires'?\n")
    for name, said in (("table1", "an experiment of the study"), ("two-fires", "is kept already, of other networks")):
        taken = repro("ablate", "--remove", "fire2", "--name", name, *FAST)
        assert (taken.code, taken.err.count("\n")) == (2, 1)
        assert said in taken.err


def test_an_interruption_says_how_to_go_on(repro, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("repro.cli.ablations.carry_out", interrupted)
    answer = repro("train", "mini-squeezenet", "--name", "mini", "--seeds", "1", *FAST)
    assert answer.code == 130
    assert "to go on: repro run mini --budget smoke" in answer.err
    assert "interrupted; the same command goes on from the last finished epoch" in answer.err
    assert (tmp_path / "results" / "ablations" / "mini" / "mini.toml").is_file()


def test_ablate_recognises_a_network_under_another_name(repro):
    plan = json.loads(repro("ablate", "--remove", "3,5", "--seeds", "1", "--dry-run", *FAST, "--format", "json").out)
    same = json.loads(
        repro("ablate", "--remove", "fire2,fire5", "--seeds", "1", "--dry-run", *FAST, "--format", "json").out
    )
    assert [row["identity"] for row in plan] == [row["identity"] for row in same]


def test_ablate_changes_recipe_and_data_too(repro):
    changes = ["--change", "recipe.zoom=.1", "--change", "data.normalisation=image", "--separable"]
    rows = json.loads(repro("ablate", *changes, "--seeds", "1", "--dry-run", *FAST, "--format", "json").out)
    assert [row["for"].partition("/")[2] for row in rows] == ["unchanged", "changed"]
    assert rows[0]["identity"] != rows[1]["identity"]


def test_sweep_runs_a_grid_and_draws_it(repro, tmp_path: Path):
    grid = ["--model", "mini-squeezenet", "--dropout", "0,.5", "--vary", "recipe.zoom=0,.1"]
    answer = repro("sweep", *grid, "--seeds", "1", *FAST, "--format", "json")
    assert answer.code == 0, answer.err
    rows = json.loads(answer.out)
    assert [row["variant"] for row in rows] == [
        f"with dropout {dropout}, with zoom {zoom}" for dropout in ("0", "0.5") for zoom in ("0", "0.1")
    ]
    assert all(row["described"]["n"] == 1 for row in rows)
    (drawn,) = tmp_path.glob("results/ablations/*/sweep-mini-squeezenet-dropout-0-0.5-zoom-0-0.1-*[0-9a-f].svg")
    assert all(text in drawn.read_text() for text in ("with zoom 0.1", "dropout"))
    again = repro("sweep", *grid, "--seeds", "1", *FAST, "--format", "json")
    assert again.out == answer.out


def test_a_value_of_a_sweep_may_be_a_list(repro):
    rows = json.loads(
        repro("sweep", "--remove", "fire2,fire2+fire5", "--seeds", "1", "--dry-run", *FAST, "--format", "json").out
    )
    assert [row["for"].partition("/")[2] for row in rows] == ["without-fire2", "without-fire2-and-fire5"]


def test_dry_run_and_explain_do_nothing(repro, tmp_path: Path):
    plan = json.loads(repro("run", "table1", "--budget", "smoke", "--dry-run", "--format", "json").out)
    assert {row["state"] for row in plan} == {"to do"}
    assert all(row["seconds"] > 0 for row in plan)
    assert repro("run", "table1", "--explain").code == 0
    assert not (tmp_path / "results").exists()


def test_an_experiment_file_of_ones_own(repro, tmp_path: Path):
    head = 'title = "mine"\nsource = "me"\nquestion = "does it run?"\n'
    (tmp_path / "mine.toml").write_text(head + '[[variants]]\nname = "a"\nmodel = "mini-squeezenet"\n')
    answer = repro("run", "mine.toml", "--seeds", "1", *FAST)
    assert answer.code == 0, answer.err
    assert "122,986" in answer.out


def test_a_new_study_runs_at_once(repro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two networks from its own file, a claim, a figure and a page, and nothing of SqueezeNet."""
    assert repro("new", "my-digits").code == 0
    again = repro("new", "my-digits")
    assert (again.code, again.err) == (2, "error: my-digits is there already, and not an empty folder\n")
    elsewhere = repro("--study", "my-digits", "list", "--format", "json")
    assert [row["name"] for row in json.loads(elsewhere.out)] == ["first"]
    monkeypatch.delenv("REPRO_STUDY")
    monkeypatch.chdir(tmp_path / "my-digits")
    planned = repro("run", "first", "--dry-run", "--budget", "smoke")
    assert "networks.py:Convolutions (channels=1, width=8)" in planned.out
    ran = repro("run", "first", "--budget", "smoke", "--device", "cpu", "--seeds", "1")
    assert ran.code == 0, ran.err
    assert "11,274" in ran.out
    (claim,) = json.loads(repro("claims", "--format", "json").out)
    assert (claim["id"], claim["verdict"]) == ("convolutions-better", "inconclusive")
    assert repro("report").code == 0
    page = (tmp_path / "my-digits" / "results" / "index.html").read_text()
    assert "<title>My digits: results</title>" in page
    assert "squeezenet" not in page.lower().replace("the science of {squeezenet}", "")
    (record, *_) = (tmp_path / "my-digits" / "results" / "runs").glob("Convolutions-mnist/*/record.json")
    assert json.loads(record.read_text())["macs"] == 28 * 28 * 8 * 25 + 14 * 14 * 16 * 8 * 25 + 784 * 10


def test_a_device_that_is_not_there(repro):
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("this machine has one")
    answer = repro("train", "mini-squeezenet", "--budget", "smoke", "--device", "mps")
    assert answer.code == 2
    assert "--device mps: there is none here" in answer.err


def test_data_that_is_not_there_is_told_for_each_run_and_the_exit_code_is_1(repro):
    answer = repro("train", "squeezenet", "--data", "bike-ship", "--seeds", "1", "--device", "cpu")
    assert answer.code == 1
    assert "bike-ship" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_results_folder_that_cannot_be_written(repro, tmp_path: Path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results").chmod(0o500)
    answer = repro("train", "mini-squeezenet", "--seeds", "1", *FAST)
    assert answer.code == 1
    assert "cannot write" in answer.err


def test_a_results_folder_that_is_a_file(repro, tmp_path: Path):
    (tmp_path / "results").write_text("")
    answer = repro("train", "mini-squeezenet", "--seeds", "1", *FAST)
    assert answer.code != 0
    assert "Traceback" not in answer.err


@pytest.mark.timeout(120)
def test_two_processes_share_a_plan(tmp_path: Path):
    command = [sys.executable, "-m", "repro", "train", "mini-squeezenet", "--seeds", "4", *FAST]
    command += ["--results-dir", str(tmp_path / "results")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    finished = sum(err.count("test images") for _, err in told)
    assert finished == 4
    assert len(list(tmp_path.glob("results/runs/*/*/record.json"))) == 4
    assert told[0][0] == told[1][0]


def test_merge_says_what_came_and_refuses_what_is_damaged(repro, tmp_path: Path):
    assert "no results folder" in repro("merge", "nowhere").err
    place = tmp_path / "other" / "runs" / "a-b" / "0123456789abcdef"
    place.mkdir(parents=True)
    (place / "record.json").write_text("{")
    answer = repro("merge", "other")
    assert answer.code == 1
    assert "0 added" in answer.out
    assert f"refused: {place.relative_to(tmp_path) / 'record.json'}" in answer.err
    # A machine may have made compressed files and trained nothing.
    (tmp_path / "files/compressed").mkdir(parents=True)
    assert repro("merge", "files").code == 0


def test_merge_brings_ablations(repro, tmp_path: Path):
    """With their seeds; what is kept here of other networks stays, and a damaged file is refused."""
    (tmp_path / "here" / "runs").mkdir(parents=True)
    experiment = experiments.find("width")
    experiment = msgspec.structs.replace(experiment, name="mine", variants=experiment.variants[:2])
    other = msgspec.structs.replace(experiment, variants=experiment.variants[:1])
    there = tmp_path / "there"
    ablations.keep(experiment, "ablate", "laptop", 2, there)
    answer = repro("merge", "there", "--results-dir", "here")
    assert (answer.code, answer.err) == (0, "")
    assert "there/ablations: 1 added, 0 extended" in answer.out
    kept = tmp_path / "here" / "ablations" / "mine" / "mine.toml"
    assert kept.read_bytes() == (there / "ablations" / "mine" / "mine.toml").read_bytes()
    assert "1 already here" in repro("merge", "there", "--results-dir", "here").out
    ablations.keep(experiment, "ablate", "laptop", 5, there)
    assert "1 extended" in repro("merge", "there", "--results-dir", "here").out
    assert experiments.read(kept).laptop.seeds == 5
    ablations.forget("mine", there)
    ablations.keep(other, "ablate", "laptop", 9, there)
    (there / "ablations" / "broken").mkdir()
    (there / "ablations" / "broken" / "broken.toml").write_text("title = ")
    answer = repro("merge", "there", "--results-dir", "here")
    assert answer.code == 1
    assert "conflict: ablations/mine: of other networks there; kept what is here" in answer.err
    assert "refused: " in answer.err
    assert "broken.toml is not valid TOML" in answer.err
    assert experiments.read(kept).laptop.seeds == 5


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--launcher", "ray", "--jobs", "2"], "--jobs belongs to --launcher local, not to ray"),
        (["--jobs", "2", "--address", "auto"], "--address belongs to --launcher ray, not to local"),
    ],
)
def test_launchers_options_that_contradict_each_other(repro, flags: list[str], message: str):
    answer = repro("run", "table1", "--dry-run", *flags)
    assert answer.code == 2
    assert message in answer.err


def test_runs_of_some_length_take_all_cores_without_being_asked(repro, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    run = importlib.import_module("repro.cli.run")
    asked, here, several = run.options.Launcher("here"), ("here", None, None), ("local", None, None)
    assert run.placed(run.options.Launcher(), jobs=8, runs=2, seconds=600) == several
    assert run.placed(run.options.Launcher(), jobs=8, runs=1, seconds=600) == here
    assert run.placed(run.options.Launcher(), jobs=1, runs=9, seconds=600) == here
    assert run.placed(run.options.Launcher(), jobs=8, runs=9, seconds=20) == here
    assert run.placed(asked, jobs=8, runs=9, seconds=600) == asked
    monkeypatch.setattr(run, "SHORT", -1.0)
    monkeypatch.setattr("repro.running.local.default_jobs", lambda _: 2)
    answer = repro("train", "mini-squeezenet", "--budget", "smoke", "--seeds", "2", "--set", "recipe.epochs=1")
    assert answer.code == 0
    assert "2 at a time" in answer.err
    assert len(list((tmp_path / "results/runs").rglob("record.json"))) == 2


def test_a_plan_says_which_images_and_files_are_missing(repro, tmp_path):
    shown = repro("run", "table1", "paper-table2", "--dry-run", "--data-dir", str(tmp_path)).out
    assert "The images of bike-ship are not here" in shown
    assert "The images of cifar10" not in shown  # they would be fetched
    assert re.search(r"paper-table2: \d+ compressed files to make and measure", shown)
    assert "on a CUDA GPU" in repro("run", "table1", "--dry-run", "--device", "cuda").out


def test_a_plan_on_imagenet_says_what_it_costs_on_many_gpus(repro, tmp_path):
    shown = repro("run", "imagenet", "--budget", "paper", "--dry-run", "--data-dir", str(tmp_path)).out
    assert "GPU-hours" in shown
    assert "No run on a GPU is recorded" in shown
    assert "155 GB" in shown
    assert "Cost" not in repro("run", "imagenet", "--budget", "smoke", "--dry-run", "--data-dir", str(tmp_path)).out


def test_central_claims_head_every_summary_with_verdict_and_kind(repro):
    answer = repro("claims", "--central")
    named = experiments.central()
    assert len(named.central) == 12
    assert [line.split(" (")[0] for line in answer.out.splitlines() if line.split(" (")[0] in named.central] == [
        *named.central
    ]
    assert "  REPRODUCED, counted: equal within ±10 %" in answer.out
    for title in ("Scope: ", "What was easy: ", "What was difficult: "):
        assert title in answer.out
    rows = json.loads(repro("claims", "--central", "--format", "json").out)
    assert [row["id"] for row in rows] == [*named.central]


def test_an_undecided_claim_says_what_it_lacks(repro):
    answer = repro("claims", "fire-removal-no-loss")
    assert "Lacks " in answer.out
    assert "on a CPU such as this" in answer.out
    assert "repro decide --hours" in answer.out
    # What no run can decide promises none.
    assert "Lacks" not in repro("claims", "paper-table2-6bit-no-loss").out


def test_work_of_more_than_an_hour_is_not_begun_unasked(repro, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    run = importlib.import_module("repro.cli.run")
    words = ("train", "mini-squeezenet", "--name", "mini", "--seeds", "1", *FAST)
    asked: list[str] = []

    def confirm(question: str, abort: bool, err: bool) -> None:
        asked.append(question)
        raise click.Abort

    monkeypatch.setattr(run, "LONG", 0)
    monkeypatch.setattr(run.click, "confirm", confirm)
    monkeypatch.setattr(run.sys.stdin, "isatty", lambda: True)
    answer = repro(*words)
    assert (answer.code, len(asked)) == (130, 1)
    assert re.fullmatch(r"1 run, about .* of work in all: go on\?", asked[0])
    assert "There are no records in results yet: all runs are to do." in answer.err
    assert answer.err.endswith("interrupted\n")
    assert not list((tmp_path / "results").rglob("*.*"))
    assert repro(*words, "--yes").code == 0
    assert len(asked) == 1


def test_status_is_shown_again_until_ctrl_c(repro, monkeypatch: pytest.MonkeyPatch):
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("repro.cli.status.time.sleep", sleep)
    monkeypatch.setattr(experiments, "everything", lambda: ())
    answer = repro("status", "--watch", "--interval", "3")
    assert (answer.code, waited) == (0, [3, 3])
    assert answer.out.count("again every 3 s; Ctrl-C ends this") == 2


@pytest.mark.parametrize("verb", ["list", "status", "claims", "report"])
def test_a_folder_without_records_is_named(repro, verb: str, tmp_path: Path):
    answer = repro(verb, "--results-dir", str(tmp_path / "typo"))
    assert "is not here. Run this in a checkout, or give --results-dir." in answer.out + answer.err
    assert not (tmp_path / "typo").exists()
    assert answer.code == (2 if verb == "report" else 0)


def test_help_is_a_command_too(repro):
    assert repro("help").out == repro("--help").out
    assert repro("help", "run").out == repro("run", "--help").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "table1", "--budget", "laptpo"], "did you mean 'laptop'?"),
        (["export", "x.sqz", "-o", "y.onnx"], "first: repro decompress"),
        (["run", "mine"], "give its whole name, mine.toml"),
        (["run", "broken.toml"], "broken.toml is not valid TOML: "),
    ],
)
def test_mistakes_name_what_to_do(repro, words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("x.sqz", ""), ("mine.toml", ""), ("broken.toml", 'title = "')):
        (tmp_path / name).write_text(text)
    answer = repro(*words)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert said in answer.err


def test_published_weights_are_fetched_and_those_that_cannot_be_are_named(
    repro, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import torch.hub

    def download(address: str, place: str, prefix: str | None, progress: bool):
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    answer = repro("data", "prepare", "weights", "--data-dir", str(tmp_path))
    assert answer.code == 1
    assert "cannot download https://download.pytorch.org/models/squeezenet1_0-b66bff10.pth (no route)" in answer.err
    assert answer.err.splitlines()[-1].endswith("8 of the published weights are missing")
