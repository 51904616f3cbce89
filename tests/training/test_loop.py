"""The loop: learning, determinism, resume, failure."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import torch

from repro import data
from repro.config.specification import Data, Model, Protocol, Recipe, Run
from repro.errors import Failure
from repro.planning import plan
from repro.planning.experiments import Experiment, Variant
from repro.records import Measurement, Store
from repro.running import worker
from repro.running.worker import carry_out
from repro.training.checkpoint import Checkpoint
from repro.training.devices import without_denormals
from repro.training.graph import captured
from repro.training.loop import Trainee, judge_status, train

CPU = torch.device("cpu")
RUN = Run(
    model=Model(name="mini-squeezenet"),
    data=Data(name="cifar10", synthetic=True, train_images=128, pixels=32),
    recipe=Recipe(optimizer="adam", learning_rate=1e-3, batch=16, epochs=3, flip=True, crop_padding=2),
)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(run: Run, folder: Path, name: str = "a", watch=lambda *_: None):
    dataset = data.load(run.data, folder)
    return train(run, dataset, ("described", "notebook"), CPU, Checkpoint(folder / f"{name}.pt"), watch)


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


class Killed(Exception):
    pass


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("moment", [1, 8, 9, 23])
def test_a_run_cut_off_anywhere_ends_as_if_it_had_not_been(tmp_path: Path, moment: int, optimizer: str, monkeypatch):
    run = msgspec.structs.replace(RUN, recipe=msgspec.structs.replace(RUN.recipe, optimizer=optimizer))
    monkeypatch.setattr("repro.training.loop.WATCH_EVERY", -1)
    monkeypatch.setattr("repro.training.checkpoint.SHARE", 1e9)  # none is put off
    whole, history, network = trained(run, tmp_path)
    calls, epochs = [], []

    def kill(*_: object) -> None:
        calls.append(1)
        if len(calls) == moment:
            raise Killed

    with pytest.raises(Killed):
        trained(run, tmp_path, "b", kill)
    again, history_again, network_again = trained(run, tmp_path, "b", lambda epoch, *_: epochs.append(epoch))
    assert epochs[0] == (moment - 1) // 8  # it went on: an epoch is heard of 8 times
    assert same(network, network_again)
    assert again.measurements == whole.measurements
    strip = [msgspec.structs.replace(epoch, seconds=0) for epoch in history]
    assert [msgspec.structs.replace(epoch, seconds=0) for epoch in history_again] == strip


def test_seeds_make_a_difference_and_repeat(tmp_path: Path):
    _, _, first = trained(RUN, tmp_path, "a")
    _, _, second = trained(RUN, tmp_path, "b")
    _, _, other = trained(msgspec.structs.replace(RUN, seed=1), tmp_path, "c")
    assert same(first, second)
    assert not same(first, other)


def test_variants_of_one_seed_see_the_same_images_in_the_same_order(tmp_path: Path, monkeypatch):
    from repro.training import loop

    seen: dict[str, list] = {}

    def note(self, *arguments):
        seen.setdefault(self.run.model.name, []).append([a.tolist() for a in arguments])

    monkeypatch.setattr(loop.Trainee, "step", note)
    trained(RUN, tmp_path, "a")
    trained(msgspec.structs.replace(RUN, model=Model(name="notebook-mlp", options={"pixels": 32})), tmp_path, "b")
    assert seen["mini-squeezenet"] == seen["notebook-mlp"]
    assert len(seen["notebook-mlp"]) == 3 * 128 // 16


CHANGED = {
    "author of the mini SqueezeNet": {"steps": 5, "shear": 3.0, "zoom": 0.1, "flip": True, "epsilon": 1e-7},
    "author of the pre-activation one": {"resize": (31, 33), "crop": 30, "order": "independent", "steps": 3},
}


@pytest.mark.parametrize("changes", CHANGED.values(), ids=CHANGED)
def test_epochs_of_so_many_changed_batches(tmp_path: Path, changes: dict):
    """What the re-implementations' recipes need, through the whole loop; cut off and resumed too."""
    recipe = Recipe(optimizer="adam", learning_rate=1e-3, batch=16, epochs=3, **changes)
    run = msgspec.structs.replace(
        RUN, recipe=recipe, data=msgspec.structs.replace(RUN.data, normalisation="image", pixels=32)
    )
    dataset = data.load(run.data, tmp_path)
    protocols = ("described", "augmented")
    whole, history, network = train(run, dataset, protocols, CPU, Checkpoint(tmp_path / "a.pt"))
    assert whole.status != "diverged"
    assert set(whole.measurements) == set(protocols)
    assert all(m.top5 is not None and sum(m.correct) <= m.top5 for m in whole.measurements.values())
    # The learning images, and nothing else, are changed at random; the augmented test images are others.
    assert whole.measurements["augmented"].loss != whole.measurements["described"].loss

    def kill(epoch: int, seen: int, count: int, *_: object) -> None:
        assert count == recipe.steps * recipe.batch
        if epoch == 1:
            raise Killed

    with pytest.raises(Killed):
        train(run, dataset, protocols, CPU, Checkpoint(tmp_path / "b.pt"), kill)
    epochs = []
    again, history_again, network_again = train(
        run, dataset, protocols, CPU, Checkpoint(tmp_path / "b.pt"), lambda epoch, *_: epochs.append(epoch)
    )
    assert epochs[0] == 1
    assert len(history) == len(history_again) == 3
    assert same(network, network_again)
    assert again.measurements == whole.measurements


def test_images_a_second_count_those_that_are_drawn_twice(tmp_path: Path):
    """With `balanced`, a class of few images is drawn as often as the largest one."""
    run = msgspec.structs.replace(RUN, data=msgspec.structs.replace(RUN.data, balanced=True))
    dataset = data.load(run.data, tmp_path)
    few = dataset.train[(dataset.train.labels < 2) | (torch.arange(128) < 40)]
    counts = few.labels.unique(return_counts=True)[1]
    told = []
    record, _, _ = train(
        run, replace(dataset, train=few), (), CPU, Checkpoint(tmp_path / "a.pt"), lambda *state: told.append(state[2])
    )
    drawn = len(counts) * int(counts.max()) // 16 * 16
    assert drawn > len(few)
    assert set(told) == {drawn}
    assert record.images_per_second * record.seconds == pytest.approx(3 * drawn)


def test_a_loss_that_is_not_finite_ends_the_run_as_diverged(tmp_path: Path):
    recipe = msgspec.structs.replace(RUN.recipe, optimizer="sgd", learning_rate=1e30, momentum=0.99)
    record, history, _ = trained(msgspec.structs.replace(RUN, recipe=recipe), tmp_path)
    assert record.status == "diverged"
    assert len(history) < 3 or not torch.isfinite(torch.tensor(history[-1].train_loss))
    store = Store(tmp_path)
    store.save(record, history)
    assert store.find(record.run, record.checksum) == record


def test_a_run_that_stays_at_chance_is_collapsed(tmp_path: Path):
    recipe = msgspec.structs.replace(RUN.recipe, optimizer="sgd", learning_rate=1e-12)
    record, _, _ = trained(msgspec.structs.replace(RUN, recipe=recipe), tmp_path)
    assert record.status == "collapsed"


@pytest.mark.parametrize(
    ("classes", "accuracy", "status"),
    [
        (2, 0.55, "collapsed"), (2, 0.56, "done"), (10, 0.199, "collapsed"), (10, 0.201, "done"),
        (1000, 0.0019, "collapsed"), (1000, 0.0021, "done"), (1000, 0.1, "done"),
    ],
)  # fmt: skip
def test_near_chance_is_below_twice_chance_or_a_ninth_of_the_way(classes: int, accuracy: float, status: str):
    """A network that is right on a tenth of a thousand classes has learnt a lot."""
    total = [10_000] * classes
    measured = Measurement(
        protocol=Protocol(), correct=[round(accuracy * n) for n in total], total=total, loss=1.0, active_logits=1.0,
        epoch=1,
    )  # fmt: skip
    assert judge_status([], measured) == status


def test_a_damaged_checkpoint_starts_the_run_again(tmp_path: Path):
    (tmp_path / "a.pt").write_bytes(b"not a checkpoint")
    damaged, _, _ = trained(RUN, tmp_path, "a")
    whole, _, _ = trained(RUN, tmp_path, "b")
    assert damaged.measurements == whole.measurements


def test_denormal_numbers_are_zero_while_a_cpu_trains_and_only_then():
    tiny = torch.tensor(1e-39)
    with without_denormals(CPU):
        assert float(tiny * 0.5) == 0
    assert float(tiny * 0.5) > 0


@pytest.mark.parametrize("normalisation", ["data", "half", "none", "caffe"])
def test_caffes_networks_alone_see_blue_first(tmp_path: Path, normalisation: str):
    run = msgspec.structs.replace(RUN, data=msgspec.structs.replace(RUN.data, normalisation=normalisation))
    red = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    red[:, 0] = 255
    seen = Trainee(run, data.load(run.data, tmp_path), CPU).pipeline(red)
    brightest = seen.mean((0, 2, 3)).argmax()
    assert brightest == (2 if normalisation == "caffe" else 0)


def test_whatever_process_trains_float32_convolutions_are_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A launcher's processes are not those in which the device was chosen."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    Trainee(RUN, data.load(RUN.data, tmp_path), CPU)
    assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.benchmark


def test_a_learning_rate_that_a_graph_would_not_see_change_is_refused(tmp_path: Path):
    with pytest.raises(AssertionError, match="learning rate"):
        captured(Trainee(RUN, data.load(RUN.data, tmp_path), CPU))


class Quiet:
    """A listener that only counts."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.errors: list[str] = []

    def begins(self, step):
        pass

    def restores(self, step, prior):
        return lambda *_: None

    def watch(self, step):
        return lambda *_: None

    def finished(self, step, record, history):
        self.done.append(record.identity)

    def failed(self, step, reason):
        self.errors.append(reason)

    def waits(self, step):
        pass


def steps_for(store: Store, folder: Path, protocols: tuple[str, ...] = ("described",), seeds: int = 2):
    settings = {"synthetic": True, "train_images": 128}
    variant = Variant(name="v", model="mini-squeezenet", data=settings, recipe={"epochs": 1, "batch": 32})
    experiment = Experiment(title="", source="", question="", name="e", variants=(variant,), protocols=protocols)
    return plan.plan(plan.cells(experiment, "smoke", seeds), store, folder)


def test_what_another_process_still_works_on_is_told_once(tmp_path: Path, monkeypatch):
    """Of two runs that were taken when their turn came, one is done since; it is the other that is waited for."""
    store, told = Store(tmp_path / "results"), []
    found = steps_for(store, tmp_path)
    outcomes = {0: ["taken", "done"], 1: ["taken", "taken", "taken", "done"]}
    monkeypatch.setattr(worker, "attempt", lambda step, *_: outcomes[step.run.seed].pop(0))
    listener = Quiet()
    listener.waits = lambda step: told.append(step.run.seed)
    assert carry_out(found, store, tmp_path, CPU, listener) == 0
    assert told == [1]
    assert outcomes == {0: [], 1: []}


def test_a_plan_is_done_once_and_a_new_protocol_needs_no_training(tmp_path: Path, monkeypatch):
    store, listener = Store(tmp_path / "results"), Quiet()
    assert carry_out(steps_for(store, tmp_path), store, tmp_path, CPU, listener) == 0
    assert len(listener.done) == 2
    assert {step.state for step in steps_for(store, tmp_path)} == {"done"}
    more = steps_for(store, tmp_path, ("described", "notebook"))
    assert {step.state for step in more} == {"to measure"}
    monkeypatch.setattr("repro.running.worker.train", None)
    assert carry_out(more, store, tmp_path, CPU, listener) == 0
    for step in steps_for(store, tmp_path, ("described", "notebook")):
        assert step.state == "done"
        assert step.record is not None
        assert set(step.record.measurements) == {"described", "notebook"}


def test_a_checkpoint_that_a_kill_left_beside_the_record_is_removed_when_the_run_is_met_again(tmp_path: Path):
    store, listener = Store(tmp_path / "results"), Quiet()
    planned = steps_for(store, tmp_path, seeds=1)
    assert carry_out(planned, store, tmp_path, CPU, listener) == 0
    (identity,) = listener.done
    checkpoint, kept = plan.checkpoint_file(identity), plan.weights_file(identity)

    checkpoint.touch()
    assert carry_out(planned, store, tmp_path, CPU, listener) == 0  # of an older plan, which another process has done
    assert not checkpoint.exists()

    checkpoint.touch()
    with worker.run_lock(identity, 0):
        worker.clear(steps_for(store, tmp_path, seeds=1))
        assert checkpoint.exists()  # it is in use
    worker.clear(steps_for(store, tmp_path, seeds=1))
    assert not checkpoint.exists()

    checkpoint.touch()
    kept.unlink()
    worker.clear(steps_for(store, tmp_path, seeds=1))
    assert checkpoint.exists()  # weights that are gone are trained again from it
    assert listener.done == [identity]


def test_a_run_that_fails_is_told_and_tried_again_later(tmp_path: Path, monkeypatch):
    store, listener = Store(tmp_path / "results"), Quiet()
    steps = steps_for(store, tmp_path)
    attempts = []

    def fails_once(*arguments, **settings):
        attempts.append(1)
        if len(attempts) == 1:
            raise Failure("the first one breaks")
        return train(*arguments, **settings)

    monkeypatch.setattr("repro.running.worker.train", fails_once)
    assert carry_out(steps, store, tmp_path, CPU, listener) == 1
    assert listener.errors == ["the first one breaks"]
    assert [step.state for step in steps_for(store, tmp_path)] == ["to do", "done"]
    assert carry_out(steps, store, tmp_path, CPU, Quiet(), fail_fast=True) == 0


COMMAND = [
    sys.executable,
    "-m",
    "repro",
    "train",
    "mini-squeezenet",
    "--budget",
    "smoke",
    "--device",
    "cpu",
    "--seeds",
    "1",
]
COMMAND += ["--set", "data.train_images=256", "--set", "recipe.epochs=4", "--set", "recipe.batch=16"]


def epochs_kept(cache: Path) -> int:
    """How many epochs the checkpoint holds of the one run in this cache."""
    return sum(len(torch.load(path)["history"]) for path in cache.glob("checkpoints/*.pt"))


def results_of(folder: Path) -> list[dict]:
    return [json.loads(path.read_text())["measurements"] for path in sorted(folder.glob("runs/*/*/record.json"))]


@pytest.mark.timeout(240)
def test_a_process_killed_at_random_moments_ends_bit_identical(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache-whole"))
    subprocess.run([*COMMAND, "--results-dir", str(tmp_path / "whole")], check=True, capture_output=True)
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache-killed"))
    generator = torch.Generator().manual_seed(11)
    command = [*COMMAND, "--results-dir", str(tmp_path / "killed")]
    for kills in (1, 2, 0):
        kept = epochs_kept(tmp_path / "cache-killed")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        told = next((line for line in process.stderr if line.startswith("  epoch")), "none was left")
        assert told.startswith(f"  epoch {kept + 1}/4" if kept < 4 else "none")  # it went on
        if kills:
            time.sleep(0.5 * float(torch.rand((), generator=generator)))
            process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == (-signal.SIGKILL if kills else 0), told
    assert results_of(tmp_path / "whole")
    assert results_of(tmp_path / "killed") == results_of(tmp_path / "whole")
