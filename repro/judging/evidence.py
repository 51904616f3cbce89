"""Gather records into samples: for each variant, protocol and budget, the values of all seeds."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from repro import data, models
from repro.config.specification import PROTOCOLS, Budget, Run
from repro.errors import unknown
from repro.planning import experiments, plan, weights
from repro.planning.experiments import Experiment, Variant
from repro.planning.plan import Cell
from repro.records import Record, Store, compressed
from repro.rules.claim import Claim

if TYPE_CHECKING:
    from repro.rules.samples import Contrast
    from repro.rules.verdicts import Sample, Verdict

ACCURACIES = ("accuracy", "balanced_accuracy")
LEDGER = "ledger.csv"  # in the results folder; see `repro.judging.ledger`
JUDGED: tuple[Budget, ...] = ("paper", "laptop")  # budgets whose runs can decide a claim, largest first


@dataclass(frozen=True)
class Evidence:
    """One variant at one budget, measured under one protocol.

    run: the variant's run, of seed 0.
    expected: how many seeds the experiment asks for; more may have been run.
    records: of the seeds that have been run, by seed.
    values: accuracy in percent, one a record. A diverged or collapsed network counts with what it scored.
    """

    experiment: str
    variant: Variant
    budget: Budget
    protocol: str
    run: Run
    expected: int
    records: tuple[Record, ...]
    values: tuple[float, ...]

    @property
    def n(self) -> int:
        """The number of seeds that have been run."""
        return len(self.values)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that have been run."""
        return tuple(record.run.seed for record in self.records)

    @property
    def failed(self) -> tuple[bool, ...]:
        """Flags of the records that diverged or collapsed."""
        return tuple(record.status != "done" for record in self.records)

    @property
    def failures(self) -> int:
        """The number of records that diverged or collapsed."""
        return sum(self.failed)

    @property
    def dead(self) -> tuple[str, ...]:
        """The first layer whose output is the same for every image, of each network that has one."""
        return tuple(record.dead_layer for record in self.records if record.dead_layer)

    @property
    def missing(self) -> tuple[int, ...]:
        """The seeds that the experiment asks for and that have no record."""
        return tuple(seed for seed in range(self.expected) if seed not in self.seeds)

    @property
    def parameters(self) -> int | None:
        """Parameters of the trained networks; None where none was trained."""
        return self.records[0].parameters if self.records else None

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of the network for one test image; None where it would have to be built to know."""
        if not models.defined(self.run.model.name):
            return self.records[0].macs if self.records else None
        size = (self.run.model.options.get("channels", 3), self.run.data.pixels, self.run.data.pixels)
        return models.macs(self.run.model.name, size, **self.run.model.options)

    @cached_property
    def mean(self) -> float:
        """In percent; defined where `n` is not 0."""
        return self._estimate.value

    @cached_property
    def sd(self) -> float | None:
        """Sample standard deviation over seeds, in points; None for fewer than two."""
        return self._estimate.draw if self.n > 1 else None

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % t interval of the mean, cut to 0..100; None for fewer than two seeds."""
        if self.n < 2:
            return None
        low, high = self._estimate.interval(0.95)
        return max(low, 0.0), min(high, 100.0)

    @cached_property
    def _estimate(self):
        # Imported here because scipy takes longer to load than most verbs to run.
        from repro.rules.statistics import mean_of

        return mean_of(self.values, step=1.0 if PROTOCOLS[self.protocol].truncate else 0.0)


def gather(experiment: Experiment, budget: Budget, store: Store, data_dir: Path) -> list[Evidence]:
    """The experiment's variants x protocols at a budget, in that order, with the records there are.

    Seeds beyond those that the experiment asks for count too, as far as they follow without a gap. Gathered once for a
    store, because tables, figures, claims and the page all ask.
    """
    key = (gather, id(experiment), budget, data_dir)
    if key not in store.derived:
        cells = plan.cells(experiment, budget)
        found = [item for cell in cells for item in of_cell(cell, budget, store, data_dir, further=True)]
        store.derived[key] = (experiment, found)  # kept with it, so that its id stays its own
    return list(store.derived[key][1])


def of_cell(cell: Cell, budget: Budget, store: Store, data_dir: Path, further: bool = False) -> list[Evidence]:
    """The evidence of one cell, one for each of its protocols.

    further: seeds that follow those of the cell count too.
    """
    records = [record for run in cell.runs if (record := find(run, store, data_dir)) is not None]
    if further and len(records) == len(cell.runs):
        following = (cell.runs[0].with_seed(seed) for seed in count(len(cell.runs)))
        for run in following:
            record = find(run, store, data_dir)
            if record is None:
                break
            records.append(record)
    evidence = []
    for protocol in cell.protocols:
        measured = [(record, percent) for record in records if (percent := value(record, protocol, store)) is not None]
        evidence.append(
            Evidence(
                experiment=cell.experiment,
                variant=cell.variant,
                budget=budget,
                protocol=protocol,
                run=cell.runs[0],
                expected=len(cell.runs),
                records=tuple(record for record, _ in measured),
                values=tuple(percent for _, percent in measured),
            )
        )
    return evidence


def find(run: Run, store: Store, data_dir: Path) -> Record | None:
    """The record of one run on the images at hand, or on whichever it was made where none are."""
    key = (data.checksum, run.data, data_dir)
    if key not in store.derived:
        store.derived[key] = data.checksum(run.data, data_dir)
    return store.find(run, store.derived[key])


def value(record: Record, protocol: str, store: Store) -> float | None:
    """Accuracy in percent under a protocol, over classes where the run is balanced; None where it was not measured.

    A diverged network answers the same under every protocol, so its one measurement stands for all. The best epoch and
    the mean of the last ten are read from the history.
    """
    if PROTOCOLS[protocol].epoch != "last":
        return of_epochs([100 * epoch.test_accuracy for epoch in store.history(record)], protocol)
    measurement = record.measurements.get(protocol)
    if measurement is None and record.status == "diverged":
        measurement = record.measurements.get("described")
    if measurement is None:
        return None
    return measurement.balanced_accuracy if record.run.data.balanced else measurement.accuracy


def shown(
    experiment: Experiment, store: Store, data_dir: Path, budgets: Iterable[Budget] = ()
) -> dict[Budget, list[Evidence]]:
    """The evidence by budget: of those asked for, or of all that have records.

    `smoke` is shown only where asked for, or where there is nothing else.
    """
    if budgets:
        return {budget: gather(experiment, budget, store, data_dir) for budget in budgets}
    found: dict[Budget, list[Evidence]] = {}
    for budget in ("laptop", "paper", "smoke"):
        if budget == "smoke" and found:
            continue
        evidence = gather(experiment, budget, store, data_dir)
        if any(item.n for item in evidence):
            found[budget] = evidence
    return found


def published(
    experiment: Experiment, variant: Variant, metrics: tuple[str, ...] = ACCURACIES, earlier: bool = False
) -> list[Claim]:
    """The point claims about one variant: the values that its measurement stands beside.

    earlier: those after fewer epochs than a whole training too.
    """
    claims = [
        claim
        for claim in (*experiment.claims, *borrowed(experiment))
        if claim.published is not None and claim.metric in metrics and claim.variants == (variant.name,)
    ]
    return claims if earlier else [claim for claim in claims if at_the_end(experiment, variant, claim)]


def borrowed(experiment: Experiment) -> list[Claim]:
    """Claims that are judged in another experiment and state the same of a variant of this one, as if made about that.

    Where the other experiment has other images, that is what they need.
    """
    own = {variant.name for variant in experiment.variants}
    found = []
    for other in experiments.everything():
        for claim in other.claims:
            for name in claim.also:
                home, _, variant = name.partition("/")
                if home != experiment.name or variant not in own:
                    continue
                there, here = (
                    experiments.resolve(each, each.variant(of), claim.budget).data.name
                    for each, of in ((other, claim.variants[0]), (experiment, variant))
                )
                there, here = data.DATASETS[there].title, data.DATASETS[here].title
                stands_in = f"the {there} training and test images; {here} stands in for them"
                needs = claim.needs if there == here else stands_in
                found.append(msgspec.structs.replace(claim, variants=(variant,), needs=needs))
    return found


def at_the_end(experiment: Experiment, variant: Variant, claim: Claim) -> bool:
    """Whether a claim is about a whole training, at the budget that tests it."""
    if claim.epoch is None:
        return True
    return claim.epoch >= experiments.resolve(experiment, variant, claim.budget).recipe.epochs


def verdicts_of(experiment: Experiment, store: Store, data_dir: Path) -> "list[Verdict]":
    """The verdicts on all claims of an experiment, in their order."""
    if not experiment.claims:
        return []
    # Imported here because scipy takes longer to load than most verbs to run.
    from repro.judging import ledger
    from repro.rules.verdicts import judge_family

    samples = samples_of(experiment, store, data_dir)
    control = control_of(experiment, store, data_dir)
    found = judge_family(experiment.claims, samples, experiment.name, experiment.work.trains, control)
    return ledger.marked(found, ledger.read(store.folder.parent / LEDGER))


def control_of(experiment: Experiment, store: Store, data_dir: Path) -> str:
    """Why the experiment's reduced runs cannot refute a claim; empty where its positive control was seen."""
    from repro.rules import samples
    from repro.rules.case import NO_CONTROL
    from repro.rules.registry import ALPHA

    if not experiment.control:
        return NO_CONTROL
    found = by_variant(gather(experiment, "laptop", store, data_dir))
    better, worse = (found[name] for name in experiment.control)
    for item in (better, worse):
        if item.n < item.expected:
            return f"the positive control has {item.n} of {item.expected} seeds of {item.variant.name}"
    if better.failures > 0.1 * better.n:
        return f"{better.failures} of {better.n} runs of {better.variant.name} failed"
    seen = contrast(better, worse)
    if seen.p >= ALPHA:
        return (
            f"the positive control was not seen: {experiment.control[0]} against {experiment.control[1]} "
            f"{samples.in_words(seen)}"
        )
    return ""


def samples_of(experiment: Experiment, store: Store, data_dir: Path) -> "dict[str, dict[str, Sample]]":
    """The samples that claims are judged by: for each claim's id, one for each of its variants that has been run.

    Each claim is judged on the largest budget at which all its variants have been run; where there is none, on the
    largest at which any has. The smoke budget shows that the code runs and judges nothing.
    """
    if experiment.work.has_weights:
        return {
            claim.id: {name: s for name in claim.variants if (s := measured(experiment, claim, name, store))}
            for claim in experiment.claims
        }
    evidence = {budget: by_variant(gather(experiment, budget, store, data_dir)) for budget in JUDGED}
    found = {}
    for claim in experiment.claims:
        if claim.deterministic:
            found[claim.id] = {name: s for name in claim.variants if (s := counted(experiment, claim, name, store))}
            continue
        candidates = [
            {name: s for name in claim.variants if (s := sample(experiment, claim, evidence[budget].get(name), store))}
            for budget in JUDGED
        ]
        # `max` takes the first of equals, and budgets come largest first.
        found[claim.id] = max(candidates, key=len)
    return found


def by_variant(found: list[Evidence]) -> dict[str, Evidence]:
    """One piece of evidence for each variant, whatever the protocol: for its run and records."""
    return {item.variant.name: item for item in reversed(found)}


def sample(experiment: Experiment, claim: Claim, item: Evidence | None, store: Store) -> "Sample | None":
    """The values of one variant's runs in the claim's metric; None where there are none."""
    from repro.rules.verdicts import Sample

    if item is None:
        return None
    measured = [(record, number) for record in item.records if (number := metric(record, claim, store)) is not None]
    if not measured:
        return None
    run = item.run
    scope = None
    if claim.epoch is not None and begins(run, experiments.resolve(experiment, item.variant, claim.budget)):
        scope = True
    if claim.epoch is not None and run.recipe.epochs < claim.epoch:
        scope = False
    if run.data.synthetic or any(part_of(record) for record, _ in measured):
        scope = False
    described = measured[0][0].measurements.get("described")
    return Sample(
        values=tuple(number for _, number in measured),
        seeds=tuple(record.run.seed for record, _ in measured),
        failed=tuple(record.run.seed for record, _ in measured if record.status != "done"),
        budget=item.budget,
        same_scope=scope,
        total=sum(described.total) if described and claim.metric in ACCURACIES else 0,
        pairing=pairing(run),
        planned=item.expected,
        halfway=halfway([record for record, _ in measured], claim, store),
        substitutes=substitutes(run, measured[0][0], claim),
    )


def halfway(records: list[Record], claim: Claim, store: Store) -> tuple[float, ...]:
    """Accuracies in percent after half of the epochs, where they were measured as the claim's are; else empty."""
    protocol = PROTOCOLS[claim.protocol]
    plain = protocol.mode == "eval" and protocol.epoch == "last" and not protocol.augmented
    if claim.metric != "accuracy" or claim.epoch or not plain or claim.rule.valued:
        return ()
    values = []
    for record in records:
        history = store.history(record)
        middle = record.run.recipe.epochs // 2
        if record.run.data.balanced or not middle or len(history) <= middle:
            return ()
        values.append(100 * history[middle - 1].test_accuracy)
    return tuple(values)


def substitutes(run: Run, record: Record, claim: Claim) -> int:
    """Test images, where accuracy is measured on such as stand in for the published ones; else 0."""
    described = record.measurements.get("described")
    if claim.metric not in ACCURACIES or described is None or not data.DATASETS[run.data.name].substitute:
        return 0
    return sum(described.total)


def pairing(run: Run) -> str:
    """The training that a run's weights come from, as a name; runs of one seed are pairs where they share it.

    Stages of one network, and that network itself, share its weights. Networks that were trained apart share nothing
    worth pairing by: over the records here their accuracies do not correlate from seed to seed (0 to 0.1), although
    the order of images is the same.
    """
    while run.prior is not None:
        run = run.prior
    return run.without_seed().decode()


def contrast(first: Evidence, second: Evidence) -> "Contrast":
    """First minus second in points, by the tests that judge claims: seed by seed where both have the same weights."""
    # Imported here because scipy takes longer to load than most verbs to run.
    from repro.rules import samples

    def sample_of(item: Evidence) -> "Sample":
        step = 1.0 if PROTOCOLS[item.protocol].truncate else 0.0
        return samples.Sample(values=item.values, seeds=item.seeds, step=step, pairing=pairing(item.run))

    return samples.contrast(sample_of(first), sample_of(second))


def begins(run: Run, whole: Run) -> bool:
    """Whether a run is the beginning of another: the same to the last of its epochs, for the rate stays as it is."""
    if whole.recipe.schedule != "constant":
        return False
    # The warm-up belongs to other schedules.
    same = msgspec.structs.replace(whole.recipe, epochs=run.recipe.epochs, warmup=run.recipe.warmup)
    return run.recipe.epochs < whole.recipe.epochs and run == msgspec.structs.replace(whole, recipe=same)


def part_of(record: Record) -> str:
    """The part of a data set on disk that a run saw, in words; empty where it saw all."""
    seen = record.environment.get("photographs")
    info = data.DATASETS[record.run.data.name]
    if not seen or seen == [info.train, info.test]:
        return ""
    train, test = seen
    return f"{train:,} of {info.train:,} training and {test:,} of {info.test:,} test photographs"


def metric(record: Record, claim: Claim, store: Store) -> float | None:
    """A claim's metric of one run, in the metric's own unit; None where it was not measured, NaN where it has
    no finite value.

    Earlier epochs are known from the history, which is measured in eval mode and over all images alike.
    """
    if claim.metric == "collapsed":
        return 0.0 if record.status == "done" else 100.0
    if claim.metric in ACCURACIES:
        if claim.epoch is None or claim.epoch >= record.run.recipe.epochs:
            return value(record, claim.protocol, store)
        protocol = PROTOCOLS[claim.protocol]
        if protocol.mode != "eval" or protocol.augmented or record.run.data.balanced:
            return None
    if claim.metric == "top5" and claim.epoch is None:
        measurement = record.measurements.get(claim.protocol)
        if measurement is None or measurement.top5 is None:
            return None
        return 100 * measurement.top5 / sum(measurement.total)
    if claim.metric == "loss" and claim.epoch is None:
        measurement = record.measurements.get(claim.protocol)
        return (math.nan if measurement.loss is None else measurement.loss) if measurement else None
    names = {"accuracy": "test_accuracy", "train_accuracy": "train_accuracy", "loss": "test_loss"}
    history = store.history(record)
    if claim.metric not in names or not history:
        return None
    epochs = history[: claim.epoch] if claim.epoch else history
    scale = 1.0 if claim.metric == "loss" else 100.0
    return of_epochs([scale * getattr(epoch, names[claim.metric]) for epoch in epochs], claim.protocol)


def of_epochs(numbers: list[float], protocol: str) -> float | None:
    """The one number that a protocol takes from those of all epochs; None where there are none."""
    if not numbers:
        return None
    match PROTOCOLS[protocol].epoch:
        case "best":
            return max(numbers)
        case "last-ten":
            return math.fsum(numbers[-10:]) / len(numbers[-10:])
        case _:
            return numbers[-1]


def measured(experiment: Experiment, claim: Claim, name: str, store: Store) -> "Sample | None":
    """The sample of published weights; None where they have no record."""
    from repro.rules.verdicts import Sample

    record = weights.find(store, experiment, experiment.variant(name))
    if record is None:
        return None
    right = record.measurement.top5 if claim.metric == "top5" else sum(record.measurement.correct)
    if right is None:
        return None
    return Sample(
        values=(100 * right / record.total,),
        seeds=(0,),
        budget=claim.budget,
        same_scope=record.whole,
        total=record.total,
        released=True,
    )


def counted(experiment: Experiment, claim: Claim, name: str, store: Store) -> "Sample | None":
    """A property of a network, computed from its definition at the claim's budget, or of a file that was made of it;
    None where there is neither.
    """
    from repro.rules.verdicts import Sample

    variant = experiment.variant(name)
    if claim.needs:
        return None  # it is about a network or a file that is not to be had: no other is counted in its place
    if variant.compress is not None:
        number = file_property(experiment, variant, claim, store)
    elif not experiment.work.countable(variant):
        number = None  # stands for a network that cannot be made here
    else:
        run = experiments.resolve(experiment, variant, claim.budget)
        metric = "bytes" if claim.metric == "file_bytes" else claim.metric
        if models.defined(run.model.name):
            number = network_property(run, metric, claim.layer)
        else:
            number = recorded_property(run, metric, store) if not claim.layer else None
    return None if number is None else Sample(values=(number,), seeds=(0,), budget=claim.budget)


def file_property(experiment: Experiment, variant: Variant, claim: Claim, store: Store) -> float | None:
    """Bytes or kept parameters of a compressed file, or of the layers whose name begins with the claim's."""
    assert variant.compress is not None
    record = compressed.find(store, experiment.name, variant.name, variant.compress)
    if record is None:
        return None
    if claim.metric == "file_bytes":
        return record.bytes if not claim.layer else None
    layers = [one for one in record.layers if claim.layer in ("", one.layer, one.layer.split("/")[0])]
    if not layers:
        return None
    weights = sum(one.weights for one in layers)
    kept = sum(one.kept for one in layers)
    return {"nonzero": kept + sum(one.outputs for one in layers), "kept": 100 * kept / weights}.get(claim.metric)


def recorded_property(run: Run, name: str, store: Store) -> float | None:
    """Parameters, multiply-accumulates or bytes of a network of a study's own, from a record of it, if there is one."""
    for record in store.all:
        if (record.run.model, record.run.data.pixels) == (run.model, run.data.pixels):
            return {"parameters": record.parameters, "bytes": 4 * record.parameters, "macs": record.macs}.get(name)
    return None


def network_property(run: Run, name: str, layer: str) -> float | None:
    """Parameters, multiply-accumulates, bytes (float32) or output height of a network or one of its layers.

    None for what its definition does not say.

    Raises:
        BadInput: the network has no such layer.
    """
    architecture = models.architecture(run.model.name, run.model.options)
    shape = (architecture.channels, run.data.pixels, run.data.pixels)
    steps = list(architecture.trace(shape))
    if layer:
        steps = [step for step in steps if step[0].name == layer]
        if not steps:
            raise unknown("layer", layer, [step[0].name for step in architecture.trace(shape)], run.model.name)
    match name:
        case "parameters":
            return sum(step.parameters for step, _, _ in steps)
        case "bytes":
            return 4 * sum(step.parameters for step, _, _ in steps)
        case "macs":
            return sum(step.macs(taken) for step, taken, _ in steps)
        case "side":
            return steps[-1][2][1]
    return None
