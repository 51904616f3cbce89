"""From records to samples: what is counted, what is left out."""

import math
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from repro import data, models
from repro.config.specification import NUMERICS, PROTOCOLS, Budget, Run
from repro.errors import BadInput
from repro.judging.evidence import (
    begins,
    contrast,
    gather,
    halfway,
    metric,
    network_property,
    pairing,
    published,
    samples_of,
    shown,
    value,
    verdicts_of,
)
from repro.planning import experiments, plan
from repro.planning.experiments import Experiment
from repro.records import Epoch, Measurement, Record, Status, Store
from repro.reporting.tables import notes
from repro.rules.claim import Claim

NAME = "preprocessing"


@pytest.fixture
def experiment() -> Experiment:
    return experiments.find(NAME)


def record_of(
    run: Run, data_dir: Path, percent: float = 60.0, status: Status = "done", protocols=("described", "notebook")
):
    """A record that scored `percent`, and a history that climbs there and was better before."""
    right = round(10 * percent)
    measured = {
        name: Measurement(
            protocol=PROTOCOLS[name], correct=[right] * 10, total=[1000] * 10, loss=1.0, active_logits=0.5, epoch=2
        )
        for name in protocols
    }
    checksum = data.checksum(run.data, data_dir) or "any"
    record = Record(
        identity=run.identity(checksum), run=run, checksum=checksum, numerics=NUMERICS, status=status, parameters=1,
        measurements=measured, seconds=1.0, images_per_second=1.0, finished="2026-01-01T00:00:00+00:00", environment={},
    )  # fmt: skip
    history = [
        Epoch(
            epoch=e, learning_rate=0.1, train_loss=1.0, train_accuracy=0.5 + e / 100, test_loss=1.0,
            test_accuracy=percent / 100 + better, active_logits=0.5, seconds=1.0,
        )
        for e, better in ((1, 0.05), (2, 0.0))
    ]  # fmt: skip
    return record, history


def fill(store: Store, experiment: Experiment, budget: Budget, data_dir: Path, percents=(60.0, 61.0, 62.0)) -> None:
    for cell in plan.cells(experiment, budget):
        for seed, percent in enumerate(percents):
            store.save(*record_of(msgspec.structs.replace(cell.runs[0], seed=seed), data_dir, percent))


def test_nothing_run_is_no_evidence(experiment: Experiment, tmp_path: Path) -> None:
    found = gather(experiment, "laptop", Store(tmp_path), tmp_path)
    assert len(found) == len(experiment.variants) * len(experiment.protocols)
    assert all(item.n == 0 and item.missing == tuple(range(item.expected)) for item in found)
    assert shown(experiment, Store(tmp_path), tmp_path) == {}


def test_mean_and_interval_are_students(experiment: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, experiment, "laptop", tmp_path)
    item = gather(experiment, "laptop", store, tmp_path)[0]
    assert item.values == (60.0, 61.0, 62.0)
    assert item.seeds == (0, 1, 2)
    assert item.mean == pytest.approx(61)
    assert item.sd == pytest.approx(1)
    assert item.interval is not None
    half = 4.302652729911275 / math.sqrt(3)  # the 97.5 % quantile of t with 2 degrees of freedom
    assert item.interval == pytest.approx((61 - half, 61 + half))


def test_an_interval_stays_a_percentage(experiment: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    fill(store, experiment, "laptop", tmp_path, (99.0, 50.0))
    item = gather(experiment, "laptop", store, tmp_path)[0]
    assert item.interval == (0.0, 100.0)


def test_seeds_beyond_the_plan_count_while_there_is_no_gap(experiment: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = plan.cells(experiment, "laptop")[0].runs[0]
    for seed in (0, 1, 2, 3, 5):
        store.save(*record_of(msgspec.structs.replace(run, seed=seed), tmp_path))
    assert gather(experiment, "laptop", store, tmp_path)[0].seeds == (0, 1, 2, 3)


def test_a_missing_seed_is_named(experiment: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = plan.cells(experiment, "laptop")[0].runs[0]
    for seed in (0, 2):
        store.save(*record_of(msgspec.structs.replace(run, seed=seed), tmp_path))
    item = gather(experiment, "laptop", store, tmp_path)[0]
    assert item.missing == (1, 3, 4)
    assert item.n == 2


def test_failures_count_with_their_score(experiment: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = plan.cells(experiment, "laptop")[0].runs[0]
    store.save(*record_of(run, tmp_path))
    broken, history = record_of(msgspec.structs.replace(run, seed=1), tmp_path, 10.0, "diverged", ("described",))
    store.save(broken, history)
    described, notebook = gather(experiment, "laptop", store, tmp_path)[:2]
    assert described.values == (60.0, 10.0)
    assert described.failures == 1
    # Nothing can be measured on a diverged network: its one measurement stands for all protocols.
    assert notebook.values == (60.0, 10.0)


def test_an_unmeasured_protocol_is_left_out(experiment: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = plan.cells(experiment, "laptop")[0].runs[0]
    store.save(*record_of(run, tmp_path, protocols=("described",)))
    described, notebook = gather(experiment, "laptop", store, tmp_path)[:2]
    assert (described.n, notebook.n) == (1, 0)


def test_the_best_epoch_comes_from_the_history(experiment: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    record, history = record_of(plan.cells(experiment, "laptop")[0].runs[0], tmp_path)
    store.save(record, history)
    assert value(record, "described", store) == pytest.approx(60)
    assert value(record, "best-epoch", store) == pytest.approx(65)


def test_the_mean_of_the_last_ten_epochs(experiment: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    record, (first, *_) = record_of(plan.cells(experiment, "laptop")[0].runs[0], tmp_path)
    history = [
        msgspec.structs.replace(first, epoch=e, test_accuracy=e / 100, train_accuracy=e / 50) for e in range(1, 13)
    ]
    store.save(record, history)
    assert value(record, "last-ten", store) == pytest.approx(7.5)  # of epochs 3 to 12
    train = claim(metric="train_accuracy", protocol="last-ten")
    assert metric(record, train, store) == pytest.approx(15)
    assert metric(record, msgspec.structs.replace(train, epoch=4), store) == pytest.approx(5)


def test_half_of_the_training_is_looked_at_where_it_was_measured_as_the_claim_is(
    experiment: Experiment, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    record, (first, *_) = record_of(plan.cells(experiment, "laptop")[0].runs[0], tmp_path)
    assert record.run.recipe.epochs == 12
    store.save(record, [msgspec.structs.replace(first, epoch=e, test_accuracy=e / 100) for e in range(1, 13)])
    order = claim(type="ordering", variants=("squeezenet-augmented", "squeezenet-plain"), published=None)
    assert halfway([record, record], order, store) == pytest.approx((6, 6))
    for protocol in ("notebook", "best-epoch", "augmented"):  # not measured so after each epoch
        assert halfway([record], msgspec.structs.replace(order, protocol=protocol), store) == ()
    assert halfway([record], msgspec.structs.replace(order, epoch=12), store) == ()
    assert halfway([record], claim(), store) == ()


def test_multiply_accumulates_are_those_of_the_runs_own_images(experiment: Experiment, tmp_path: Path) -> None:
    item = gather(experiment, "laptop", Store(tmp_path), tmp_path)[0]
    assert item.macs == models.macs("squeezenet", (3, 32, 32), **item.run.model.options)
    grey = msgspec.structs.replace(item.run.model, options=item.run.model.options | {"channels": 1})
    of_grey = replace(item, run=msgspec.structs.replace(item.run, model=grey))
    assert of_grey.macs == models.macs("squeezenet", (1, 32, 32), **grey.options)


def test_what_is_not_to_be_had_is_not_counted_on_another_network(tmp_path: Path) -> None:
    experiment = experiments.find("parameters")
    verdicts = {verdict.id: verdict for verdict in verdicts_of(experiment, Store(tmp_path), tmp_path)}
    assert verdicts["parameters-squeezenext-112x"].verdict == "not testable"
    assert verdicts["parameters-squeezenext-112x"].measured is None


def test_balanced_runs_are_measured_over_classes(tmp_path: Path) -> None:
    run = plan.cells(experiments.find("table1"), "laptop")[-1].runs[0]
    assert run.data.balanced
    record, _ = record_of(run, tmp_path)
    uneven = Measurement(
        protocol=PROTOCOLS["described"], correct=[90, 10], total=[100, 20], loss=1.0, active_logits=0.5, epoch=1
    )
    record = msgspec.structs.replace(record, measurements={"described": uneven})
    assert value(record, "described", Store(tmp_path)) == pytest.approx(70)


def claim(**fields) -> Claim:
    defaults = {
        "id": "c", "source": "report", "place": "here", "statement": "It is so.", "type": "point",
        "variants": ("squeezenet-plain",), "published": 60.0, "margin": 1.0,
    }  # fmt: skip
    return Claim(**(defaults | fields))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 60.0),
        ({"epoch": 1}, 65.0),
        ({"epoch": 1, "protocol": "notebook"}, None),
        ({"metric": "train_accuracy"}, 52.0),
        ({"metric": "train_accuracy", "epoch": 1}, 51.0),
        ({"metric": "collapsed", "type": "ordering", "variants": ("a", "b"), "published": None}, 0.0),
        ({"metric": "loss"}, 1.0),
        ({"metric": "top5"}, None),
    ],
)
def test_metrics_of_claims(experiment: Experiment, tmp_path: Path, fields: dict, expected: float | None) -> None:
    store = Store(tmp_path)
    record, history = record_of(plan.cells(experiment, "laptop")[0].runs[0], tmp_path)
    store.save(record, history)
    assert metric(record, claim(**fields), store) == (None if expected is None else pytest.approx(expected))


def test_claims_are_judged_on_the_largest_budget_that_has_all_variants(experiment: Experiment, tmp_path: Path) -> None:
    pair = ("squeezenet-augmented", "squeezenet-plain")
    order = claim(type="ordering", variants=pair, published=None)
    experiment = msgspec.structs.replace(experiment, claims=(order,))
    store = Store(tmp_path)
    fill(store, experiment, "laptop", tmp_path)
    assert {sample.budget for sample in samples_of(experiment, store, tmp_path)["c"].values()} == {"laptop"}
    cells = {cell.variant.name: cell for cell in plan.cells(experiment, "paper")}
    for index, name in enumerate(pair):
        store.save(*record_of(cells[name].runs[0], tmp_path))
        budgets = {sample.budget for sample in samples_of(experiment, store, tmp_path)["c"].values()}
        assert budgets == ({"paper"} if index else {"laptop"})


def test_networks_that_were_trained_apart_are_not_paired(tmp_path: Path) -> None:
    experiment = experiments.find("fire-removal")
    order = claim(type="no-loss", variants=("fire2-fire5", "none"), published=None)
    experiment = msgspec.structs.replace(experiment, claims=(order,))
    store = Store(tmp_path)
    fill(store, experiment, "laptop", tmp_path)
    first, second = samples_of(experiment, store, tmp_path)["c"].values()
    assert first.pairing != second.pairing


def test_augmentation_breaks_the_pairing(experiment: Experiment, tmp_path: Path) -> None:
    order = claim(type="ordering", variants=("squeezenet-augmented", "squeezenet-plain"), published=None)
    experiment = msgspec.structs.replace(experiment, claims=(order,))
    store = Store(tmp_path)
    fill(store, experiment, "laptop", tmp_path)
    first, second = samples_of(experiment, store, tmp_path)["c"].values()
    assert first.pairing != second.pairing


def test_stages_are_paired_with_the_network_they_began_with(tmp_path: Path) -> None:
    experiment = experiments.find("deep-compression")
    runs = {cell.variant.name: cell.runs[0] for cell in plan.cells(experiment, "laptop")}
    first = pairing(runs["squeezenet"])
    assert runs["squeezenet-8bit"].recipe.epochs != runs["squeezenet"].recipe.epochs
    assert {pairing(runs[name]) for name in ("squeezenet-pruned", "squeezenet-8bit", "squeezenet-longer")} == {first}
    assert pairing(runs["alexnet"]) != first


def test_differences_in_tables_are_those_that_verdicts_are_made_of(experiment: Experiment, tmp_path: Path) -> None:
    for variants in (("squeezenet-augmented", "squeezenet-plain"), ("squeezenet-plain", "alexnet-plain")):
        order = claim(type="ordering", variants=variants, published=None)
        judged = msgspec.structs.replace(experiment, claims=(order,))
        store = Store(tmp_path)
        fill(store, judged, "laptop", tmp_path)
        (verdict,) = verdicts_of(judged, store, tmp_path)
        items = {item.variant.name: item for item in gather(judged, "laptop", store, tmp_path)}
        found = contrast(*(items[name] for name in variants))
        assert verdict.measured == pytest.approx(found.value)
        assert verdict.interval == pytest.approx(found.interval)


def test_every_claim_of_the_suite_gets_a_verdict_from_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for experiment in experiments.everything():
        verdicts = verdicts_of(experiment, store, tmp_path)
        assert [verdict.id for verdict in verdicts] == [claim.id for claim in experiment.claims]
        assert all(verdict.reason for verdict in verdicts)


def test_published_values_are_those_of_the_variant_alone(experiment: Experiment) -> None:
    plain, augmented = experiment.variants[:2]
    claims = (
        claim(id="a"),
        claim(id="b", metric="train_accuracy"),
        claim(id="c", type="ordering", variants=(augmented.name, plain.name), published=None),
    )
    experiment = msgspec.structs.replace(experiment, claims=claims, name="another")
    assert [claim.id for claim in published(experiment, plain)] == ["a"]
    assert published(experiment, augmented) == []


def test_a_value_is_shown_where_its_network_stands_too() -> None:
    figure = experiments.find("paper-figure3a")
    (claim,) = published(figure, figure.variant("sr-0.125"), ("top5",))
    assert claim.id == "imagenet-v1.0-top5"
    assert claim.needs == "the ImageNet training and test images; CIFAR-10 stands in for them"
    pairs = experiments.find("squeeze-expand")
    (claim,) = published(pairs, pairs.variant("baseline"))
    assert (claim.id, claim.needs) == ("fire-removal-baseline", "")


def test_what_is_published_of_earlier_epochs_stands_beside_no_whole_training(experiment: Experiment) -> None:
    plain = experiment.variants[0]
    claims = (claim(id="whole", epoch=12), claim(id="second", epoch=2), claim(id="any"))
    experiment = msgspec.structs.replace(experiment, claims=claims, name="another")
    assert [claim.id for claim in published(experiment, plain)] == ["whole", "any"]
    assert [claim.id for claim in published(experiment, plain, earlier=True)] == ["whole", "second", "any"]


@pytest.mark.parametrize(
    ("name", "layer", "expected"),
    [("parameters", "", 740_554), ("bytes", "", 2_962_216), ("parameters", "fire2", 11_920), ("side", "fire2", 55)],
)
def test_properties_of_networks_at_the_paper_budget(
    experiment: Experiment, name: str, layer: str, expected: int
) -> None:
    run = plan.cells(experiment, "paper")[0].runs[0]
    assert network_property(run, name, layer) == expected


def test_a_layer_that_does_not_exist_is_named(experiment: Experiment) -> None:
    run = plan.cells(experiment, "paper")[0].runs[0]
    with pytest.raises(BadInput, match="did you mean 'fire2'"):
        network_property(run, "parameters", "fire22")


def test_top5_is_judged_where_it_was_measured(tmp_path: Path) -> None:
    experiment = experiments.find("paper-figure3a")
    claim = next(claim for claim in experiment.claims if claim.id == "paper-figure3a-saturates")
    record, _ = record_of(plan.cells(experiment, "laptop")[0].runs[0], tmp_path, protocols=("described",))
    assert metric(record, claim, Store(tmp_path)) is None  # records of before it was measured
    counted = msgspec.structs.replace(record.measurements["described"], top5=9_123)
    record = msgspec.structs.replace(record, measurements={"described": counted})
    assert metric(record, claim, Store(tmp_path)) == pytest.approx(91.23)


@pytest.mark.parametrize(("photographs", "scope"), [([1_281_167, 50_000], None), ([575, 374], False)])
def test_a_part_of_imagenet_is_of_reduced_scope(tmp_path: Path, photographs, scope) -> None:
    imagenet, store = experiments.find("imagenet"), Store(tmp_path)
    for cell in plan.cells(imagenet, "paper"):
        for run in cell.runs:
            record, history = record_of(run, tmp_path)
            record.environment["photographs"] = photographs
            store.save(record, history)
    sample = samples_of(imagenet, store, tmp_path)["imagenet-v1.0-top1"]["v1.0"]
    assert sample.same_scope is scope
    item = gather(imagenet, "paper", store, tmp_path)[0]
    shown = " ".join(notes(imagenet, {"paper": [item]}))
    assert ("only 575 of 1,281,167 training and 374 of 50,000 test photographs" in shown) is (scope is False)


def test_the_first_epochs_of_a_constant_rate_are_the_published_ones(tmp_path: Path) -> None:
    """Fifty of the author's epochs are the first fifty of 250: what is stated of the tenth can be judged on them."""
    experiment, store = experiments.find("mini-squeezenet"), Store(tmp_path)
    (author,) = (cell for cell in plan.cells(experiment, "laptop") if cell.variant.name == "mini-squeezenet")
    for run in author.runs:
        store.save(*record_of(run, tmp_path))
    samples = samples_of(experiment, store, tmp_path)
    scopes = {
        name: found["mini-squeezenet"].same_scope for name, found in samples.items() if "mini-squeezenet" in found
    }
    assert scopes["mini-10-train-log"] is True
    assert scopes["mini-100-test-log"] is False
    assert scopes["mini-best-test-log"] is None
    verdicts = {verdict.id: verdict for verdict in verdicts_of(experiment, store, tmp_path)}
    assert verdicts["mini-10-train-log"].verdict != "not testable"
    assert verdicts["mini-100-test-log"].verdict == "not testable"
    assert verdicts["mini-best-test-log"].verdict == "not testable"


def test_a_run_begins_another_only_if_all_else_is_the_same() -> None:
    experiment = experiments.find("mini-squeezenet")
    variant = experiment.variant("mini-squeezenet")
    short, whole = (experiments.resolve(experiment, variant, budget) for budget in ("laptop", "paper"))
    assert begins(short, whole)
    assert not begins(whole, short)
    for other in ({"recipe.batch": 64}, {"recipe.schedule": "step"}, {"data.pixels": 64}, {"recipe.epochs": 250}):
        assert not begins(experiments.resolve(experiment, variant, "laptop", other), whole)
    falling = msgspec.structs.replace(whole, recipe=msgspec.structs.replace(whole.recipe, schedule="one-cycle"))
    assert not begins(
        msgspec.structs.replace(falling, recipe=msgspec.structs.replace(falling.recipe, epochs=5)), falling
    )
