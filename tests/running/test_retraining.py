"""Retraining under a mask, with a shared codebook, and dense again: what is held stays, the rest learns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from repro import data
from repro.compression import svd
from repro.config.specification import Data, Hold, Model, Recipe, Run
from repro.errors import Failure
from repro.formats import weights
from repro.formats.shared import dense, kept
from repro.models import architecture, build
from repro.planning import plan
from repro.planning.experiments import Experiment, Stage, Variant, resolve
from repro.planning.plan import weights_file
from repro.records import Store
from repro.running import retraining
from repro.running.worker import beginning, carry_out
from repro.training.checkpoint import Checkpoint
from repro.training.loop import train

CPU = torch.device("cpu")
MODEL = Model(name="mini-squeezenet")
PRUNED = Stage(density="expand3x3=0.33,expand1x1=0.5")


def small(*stages: Stage) -> Run:
    variant = Variant(name="v", model="mini-squeezenet", stages=stages, recipe={"epochs": 1, "batch": 16})
    return resolve(
        Experiment(title="", source="", question="", variants=(variant,)),
        variant, "smoke", {"data.train_images": 96, "recipe.schedule": "constant", "recipe.weight_decay": 1e-3},
    )  # fmt: skip


def test_stages_are_runs_that_follow_each_other() -> None:
    first, last = small(), small(PRUNED, Stage(bits=4, epochs=2.0, learning_rate=0.01))
    assert last.prior
    assert last.prior.prior == first
    assert (last.hold.bits, last.prior.hold.density) == (4, PRUNED.density)
    assert last.recipe.epochs == 2
    assert last.recipe.learning_rate == pytest.approx(0.01 * first.recipe.learning_rate)
    assert plan.chain(last) == [first, last.prior, last]
    assert last.with_seed(3).prior.prior.seed == 3  # pyright: ignore
    assert first.identity("x") == Run(model=first.model, data=first.data, recipe=first.recipe).identity("x")
    assert len({run.identity("x") for run in plan.chain(last)}) == 3


class Silent:
    def __init__(self) -> None:
        self.restored: list[Run] = []

    def begins(self, step: plan.Step) -> None: ...
    def restores(self, step: plan.Step, prior: Run) -> Callable[..., None]:
        self.restored.append(prior)
        return lambda *_: None

    def watch(self, step: plan.Step) -> Callable[..., None]:
        return lambda *_: None

    def finished(self, step: plan.Step, record: object, history: object) -> None: ...
    def failed(self, step: plan.Step, reason: str) -> None:
        raise AssertionError(reason)

    def waits(self, step: plan.Step) -> None: ...


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("results"))


def test_a_pipeline_from_dense_to_shared(tmp_path: Path, store: Store) -> None:
    runs = [small(PRUNED, Stage(bits=3)), small(PRUNED, Stage(free=True))]
    variants = (Variant(name="v", model="mini-squeezenet"),)
    cells = [plan.Cell(experiment="e", variant=variants[0], runs=(run,), protocols=("described",)) for run in runs]
    steps = plan.plan(cells, store, tmp_path)
    assert len(steps) == 4  # the first two are shared
    assert carry_out(steps, store, tmp_path, CPU, Silent()) == 0
    checksum = data.checksum(runs[0].data, tmp_path)
    assert checksum
    named = dict(zip(("dense", "pruned", "shared"), plan.chain(runs[0]), strict=True)) | {"free": runs[1]}
    states = {key: weights.load(weights_file(run.identity(checksum))).state_dict() for key, run in named.items()}
    prefixes = architecture("mini-squeezenet", runs[0].model.options).paths()
    for layer, prefix in prefixes.items():
        dense, pruned, shared, free = (states[key][f"{prefix}.weight"].numpy() for key in states)
        share = {"expand3x3": 0.33, "expand1x1": 0.5}.get(layer.rpartition("/")[2], 1.0)
        assert np.count_nonzero(pruned) == round(share * pruned.size)
        assert (pruned[pruned != 0] != dense[pruned != 0]).mean() > 0.9  # what stays has learnt on
        assert ((shared != 0) <= (pruned != 0)).all()
        assert len(np.unique(shared[shared != 0])) <= 7
        if share < 1:
            assert np.count_nonzero(free) > 1.2 * np.count_nonzero(pruned)
    found = {key: store.find(run, checksum) for key, run in named.items()}
    sizes = {key: record.file_bytes for key, record in found.items() if record}
    assert sizes["dense"] is None
    assert sizes["pruned"]
    assert sizes["shared"]
    assert sizes["pruned"] > 3 * sizes["shared"]


def test_what_comes_before_is_trained_again_where_its_weights_are_not(tmp_path: Path) -> None:
    """Records travel, weights do not: the plan counts it, the user is told, the record stays as it is."""
    store, run = Store(tmp_path / "results"), small(PRUNED)
    assert run.prior
    variant = Variant(name="v", model="")

    def steps(of: Run) -> list[plan.Step]:
        return plan.plan([plan.Cell("e", variant, (of,), ("described",))], store, tmp_path)

    assert carry_out(steps(run.prior), store, tmp_path, CPU, Silent()) == 0
    (first,) = steps(run.prior)
    here = plan.estimates(steps(run), store, "cpu")
    assert first.identity
    weights_file(first.identity).unlink()
    gone = plan.estimates(steps(run), store, "cpu")
    assert here[0] == gone[0] == 0
    assert gone[1] / here[1] == pytest.approx(1 + plan.cost(run.prior) / plan.cost(run))
    audience = Silent()
    assert carry_out(steps(run), store, tmp_path, CPU, audience) == 0
    assert audience.restored == [run.prior]
    assert steps(run.prior) == [first]


@pytest.mark.parametrize("damage", ["flipped bits", "no hash"])
def test_damaged_weights_are_never_measured_nor_gone_on_from(tmp_path: Path, damage: str) -> None:
    """Their tensors have a hash in the file: what does not fit, or has none, is trained again and said."""
    store, run = Store(tmp_path / "results"), small(PRUNED)
    assert run.prior

    def steps(of: Run, protocols: tuple[str, ...] = ("described",)) -> list[plan.Step]:
        return plan.plan([plan.Cell("e", Variant(name="v", model=""), (of,), protocols)], store, tmp_path)

    def damaged(identity: str | None) -> None:
        assert identity
        path = weights_file(identity)
        content = bytearray(path.read_bytes())
        if damage == "no hash":
            content = content.replace(b'"sha256"', b'"sha25x"')
        else:
            content[-2000] ^= 0x40
        path.write_bytes(content)

    assert carry_out(steps(run.prior), store, tmp_path, CPU, Silent()) == 0
    (first,) = steps(run.prior)
    assert first.identity
    whole = weights.load(weights_file(first.identity)).state_dict()
    both = ("described", "train-mode-128")
    expected = Store(tmp_path / "expected")
    assert carry_out(plan.plan([plan.Cell("e", Variant(name="v", model=""), (run.prior,), both)], expected, tmp_path),
                     expected, tmp_path, CPU, Silent()) == 0  # fmt: skip
    damaged(first.identity)
    audience = Silent()
    assert carry_out(steps(run.prior, both), store, tmp_path, CPU, audience) == 0
    assert audience.restored == [run.prior]
    (again,), (wanted,) = (one.all for one in (store, expected))
    assert again.measurements == wanted.measurements
    damaged(first.identity)
    audience = Silent()
    assert carry_out(steps(run), store, tmp_path, CPU, audience) == 0
    assert audience.restored == [run.prior]
    again_weights = weights.load(weights_file(first.identity)).state_dict()
    assert all(torch.equal(whole[name], again_weights[name]) for name in whole)


def test_a_stage_that_trains_nothing_measures_what_it_did(tmp_path: Path, store: Store) -> None:
    """Low-rank weights of two layers: their file has the factors, everything else is as the first run left it."""
    run = small(Stage(svd="expand3x3=0.3", epochs=0.0))
    assert run.prior
    assert (run.recipe.epochs, plan.images(run)) == (0, (0, 500))
    cell = plan.Cell(experiment="e", variant=Variant(name="v", model=""), runs=(run,), protocols=("described",))
    assert carry_out(plan.plan([cell], store, tmp_path), store, tmp_path, CPU, Silent()) == 0
    checksum = data.checksum(run.data, tmp_path)
    assert checksum
    record, first = store.find(run, checksum), store.find(run.prior, checksum)
    assert record
    assert first
    assert (store.history(record), record.seconds, record.images_per_second) == ([], 0, 0)
    assert sum(record.measurements["described"].total) == sum(first.measurements["described"].total)
    before, after = (weights.load(weights_file(one.identity)).state_dict() for one in (first, record))
    saved = 0
    for name, tensor in after.items():
        if "expand3x3.weight" in name:
            found = svd.factor(before[name].numpy(), 0.3)
            assert tensor.numpy() == pytest.approx(dense(found), abs=1e-6)
            saved += 4 * (tensor.numel() - kept(found))
        else:
            assert torch.equal(tensor, before[name])
    assert record.file_bytes
    assert 4 * first.parameters - record.file_bytes == pytest.approx(saved, abs=2_000)  # the header, masks


@pytest.mark.parametrize(
    ("name", "options"),
    [("squeezenet", {"separable": True, "compression": 0.125}), ("squeezenext", {"width": 0.25})],
)
def test_separable_filters_have_a_size(name: str, options: dict[str, Any]) -> None:
    model = Model(name=name, options=options)
    network, first = (build(name, **options) for _ in range(2))
    hold = Hold(bits=4)
    retraining.begin(network, first, model, hold)
    assert 0.5 < 8 * retraining.file_bytes(network, model, hold) / sum(p.numel() for p in network.parameters()) < 16


def test_weights_are_kept_whatever_happens_to_the_record(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> int:
        raise Failure("it breaks")

    class Told(Silent):
        def failed(self, step: plan.Step, reason: str) -> None:
            assert reason == "it breaks"

    monkeypatch.setattr(retraining, "file_bytes", breaks)
    run = small(Stage(density="0.5", epochs=0.0))
    cell = plan.Cell(experiment="e", variant=Variant(name="v", model=""), runs=(run,), protocols=("described",))
    assert carry_out(plan.plan([cell], store, tmp_path), store, tmp_path, CPU, Told()) == 1
    checksum = data.checksum(run.data, tmp_path)
    assert checksum
    assert weights_file(run.identity(checksum)).is_file()
    assert store.find(run, checksum) is None


def test_low_rank_weights_are_not_trained() -> None:
    with pytest.raises(ValueError, match="epochs = 0"):
        Stage(svd="0.2")


def test_less_than_a_pass_is_an_epoch_of_fewer_batches() -> None:
    stage = small(Stage(epochs=0.5))
    assert (stage.recipe.epochs, stage.recipe.steps) == (1, 3)
    assert plan.images(stage)[0] == 48
    assert small(Stage(epochs=1.0)).recipe.steps == 0


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_held_run_cut_off_ends_as_if_it_had_not_been(tmp_path: Path, optimizer: str) -> None:
    recipe = Recipe(optimizer=optimizer, batch=16, epochs=2, learning_rate=1e-3, weight_decay=1e-3)  # pyright: ignore
    source = Data(name="cifar10", synthetic=True, train_images=64)
    first = Run(model=MODEL, data=source, recipe=msgspec.structs.replace(recipe, epochs=1))
    run = Run(model=MODEL, data=source, recipe=recipe, prior=first, hold=Hold(density="0.5", bits=0))
    shared = Run(model=MODEL, data=source, recipe=recipe, prior=run, hold=Hold(bits=4))
    dataset = data.load(source, tmp_path)
    restored = []

    def restores(prior: Run) -> Callable[..., None]:
        restored.append(prior)
        return lambda *_: None

    class Killed(Exception):
        pass

    def kill(epoch: int, *_: object) -> None:
        if epoch == 1:
            raise Killed

    def trained(name: str, watch: Callable[..., None] = lambda *_: None) -> nn.Module:
        begin = beginning(shared, dataset, CPU, restores)  # trains what comes before, once
        return train(shared, dataset, ("described",), CPU, Checkpoint(tmp_path / f"{name}.pt"), watch, begin)[2]

    whole = trained("a")
    with pytest.raises(Killed):
        trained("b", kill)
    epochs = []
    again = trained("b", lambda epoch, *_: epochs.append(epoch))
    assert epochs[0] == 1
    assert restored == [first, run]
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True))


def test_shared_weights_get_the_sum_of_their_gradients() -> None:
    """Against the gradient of the codebook itself."""
    torch.manual_seed(0)
    network, first = build("mini-squeezenet"), build("mini-squeezenet")
    retraining.begin(network, first, MODEL, Hold(bits=2))
    layer = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    values = layer.weight.detach().unique()
    assert 2 <= len(values) <= 4
    images = torch.randn(4, 3, 32, 32)
    network.eval()(images).square().sum().backward()
    codebook = values.clone().requires_grad_()
    index = torch.searchsorted(values, layer.weight.detach())
    torch.func.functional_call(network, {name_of(network, layer): codebook[index]}, images).square().sum().backward()
    assert layer.weight.grad is not None
    assert codebook.grad is not None
    for place, value in enumerate(values):
        mine = layer.weight.grad[layer.weight == value]
        expected = 0 if value == 0 else float(codebook.grad[place])
        assert mine.numpy() == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_settling_leaves_equal_weights_as_they_are() -> None:
    """Also in groups of hundreds of thousands, whose naive float32 sums are off by a thousandth."""
    torch.manual_seed(0)
    network, first = build("notebook-mlp"), build("notebook-mlp")
    settle = retraining.begin(network, first, Model(name="notebook-mlp"), Hold(bits=2))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    _, counts = network.get_parameter("classifier.0.weight").unique(return_counts=True)
    assert counts.max() > 200_000
    settle()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1e-7 * torch.randn_like(parameter))
    settle()
    for name, tensor in network.state_dict().items():
        if tensor.ndim == 2:
            assert len(tensor.unique()) == len(before[name].unique())
            assert (tensor - before[name]).abs().max() < 1e-6


def name_of(network: nn.Module, layer: nn.Module) -> str:
    return next(f"{name}.weight" for name, module in network.named_modules() if module is layer)
