"""Experiment files: `experiments/NAME.toml`, one per table or figure, and the budgets they share.

A setting of a run is looked up in this order, later ones winning: `experiments/budgets.toml` for the budget, its part
for the network, the experiment's own `[laptop]` (or other budget), the variant, the variant's part for the budget,
`--set` on the command line.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from repro import models
from repro.config.specification import (
    BUDGETS,
    PROTOCOLS,
    Budget,
    Compression,
    Data,
    FileName,
    Hold,
    Model,
    Recipe,
    Run,
    Spec,
    Weights,
)
from repro.data import DATASETS, SYNTHETIC_SIZE, DatasetInfo
from repro.data.catalogue import no_such
from repro.errors import BadInput, Failure, unknown
from repro.planning import study
from repro.planning.decoding import convert, decode
from repro.planning.expansion import expanded
from repro.planning.kinds import KINDS
from repro.planning.registry import ExperimentKind
from repro.rules.claim import Claim

SHARED = "budgets"  # the file of common settings, beside the experiments


class Settings(Spec, frozen=True):
    """Settings that a budget, an experiment or a variant gives; what is absent is left to the others.

    seeds: runs of each variant; 0 = it is left out at this budget.
    stem: the first layer of networks that have a choice, `imagenet` or `cifar`.
    networks: settings for one network of the experiment, by its name.
    """

    seeds: Annotated[int, Meta(ge=0, le=1000)] | None = None
    stem: Literal["imagenet", "cifar"] | None = None
    options: dict[str, Any] = {}
    data: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    networks: dict[str, "Settings"] = {}


class Stage(Spec, frozen=True):
    """One more training, of what the one before left (see `Hold`).

    epochs, learning_rate: as shares of the first training's; less than one pass is an epoch of fewer batches, and 0
        trains nothing.
    """

    density: str = ""
    bits: int = 0
    init: str = "linear"
    free: bool = False
    svd: str = ""
    epochs: Annotated[float, Meta(ge=0)] = 0.25
    learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if self.svd and self.epochs:
            raise ValueError("svd: training does not hold low-rank weights: give epochs = 0")


class Variant(Spec, frozen=True):
    """One row of an experiment: a network on a data set, trained by a recipe, once per seed.

    label: how tables and figures call it; the name when empty.
    compress: how the released network is compressed, in an experiment of kind `compression`; none where a variant
        stands for a network that is not compressed, or for one that cannot be made here.
    uncompressed: there, the variant is the network before compression, of which only the size is known.
    weights: the published file, in an experiment of kind `weights`.
    stages: trainings that follow the first: pruned, shared, dense again.
    at: where it stands on a sweep's axis (a squeeze ratio, a learning rate).
    series: which line or group of the figure it belongs to.
    """

    name: FileName
    model: str
    label: str = ""
    series: str = ""
    at: float | str | None = None
    stages: tuple[Stage, ...] = ()
    compress: Compression | None = None
    uncompressed: bool = False
    weights: Weights | None = None
    options: dict[str, Any] = {}
    data: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    smoke: Settings = Settings()
    laptop: Settings = Settings()
    paper: Settings = Settings()

    @property
    def title(self) -> str:
        """The name that a reader sees."""
        return self.label or self.name


class Figure(Spec, frozen=True):
    """The figure of an experiment; see `repro.reporting.figures.kinds` for what each kind shows.

    baseline: the variant that a second figure compares the others with, seed by seed; none when empty.
    """

    kind: str = "bars"
    title: str = ""
    x: str = ""
    y: str = ""
    baseline: str = ""


class Experiment(Spec, frozen=True):
    """A table or figure to reproduce: the runs it needs, the claims it checks, how it is shown.

    kind: its name among `repro.planning.kinds`, which say what is run, and `repro.reporting.kinds`, what is shown.
    control: two variants of which the first is known to be better. Only where the laptop's runs show that can they
        refute a claim (see docs/verdicts.md).
    finding: what came out, in a sentence; its numbers are made from records (see `repro.reporting.snippets`).
    reduced: what the laptop budget changes against the source, in a sentence.
    """

    title: str
    source: str
    question: str
    name: str = ""
    file: str = ""
    order: int = 100
    kind: str = "training"
    protocols: tuple[str, ...] = ("described",)
    finding: str = ""
    reduced: str = ""
    smoke: Settings = Settings()
    laptop: Settings = Settings()
    paper: Settings = Settings()
    variants: tuple[Variant, ...] = ()
    claims: tuple[Claim, ...] = ()
    control: tuple[str, str] | None = None
    figure: Figure = Figure()

    @property
    def work(self) -> ExperimentKind:
        """The kind of the experiment, which says what work there is."""
        return KINDS[self.kind]

    def variant(self, name: str) -> Variant:
        """The variant of that name.

        Raises:
            BadInput: there is none.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise unknown("variant", name, [v.name for v in self.variants], f"experiment {self.name}")


def folder() -> Path:
    """The folder of the study's experiment files."""
    return study.current().root / "experiments"


def names() -> list[str]:
    """All experiments, in the order of the report."""
    return [experiment.name for experiment in everything()]


def everything() -> tuple[Experiment, ...]:
    """All experiments of the present study, in order."""
    return all_of(folder())


@cache
def all_of(folder: Path) -> tuple[Experiment, ...]:
    """All experiments of a folder, in order."""
    files = [path for path in folder.glob("*.toml") if path.stem != SHARED]
    return tuple(sorted((read(path) for path in files), key=lambda e: (e.order, e.name)))


def find(name: str) -> Experiment:
    """An experiment of the suite by name, or of one's own by the path of its file.

    Raises:
        BadInput: there is no such experiment, or its file is wrong.
    """
    if name.endswith(".toml"):
        return read(Path(name))
    path = folder() / f"{name}.toml"
    if name == SHARED or not path.is_file():
        if Path(f"{name}.toml").is_file():
            raise BadInput(f"unknown experiment {name!r}; for the file in this folder give its whole name, {name}.toml")
        raise unknown("experiment", name, names())
    return read(path)


def central() -> study.Study:
    """The present study, with the claims that head every summary.

    Raises:
        BadInput: it names a claim that no experiment has.
    """
    found = study.current()
    known = {claim.id for experiment in everything() for claim in experiment.claims}
    for index, name in enumerate(found.central):
        if name not in known:
            raise unknown("claim", name, known, f"{found.root / study.FILE}: central[{index}]")
    return found


@cache
def read(path: Path) -> Experiment:
    """One experiment file.

    Raises:
        BadInput: it cannot be read, or has an unknown key, network, option, data set or a wrong value; the message
            names file and key.
    """
    experiment = msgspec.structs.replace(decode(path, Experiment, expanded), name=path.stem)
    if experiment.kind not in KINDS:
        raise unknown("kind", experiment.kind, KINDS, f"{path}: kind")
    for problem in experiment.work.problems(experiment):
        raise BadInput(f"{path}: {problem}")
    seen = set()
    for index, variant in enumerate(experiment.variants):
        if variant.name in seen:
            raise BadInput(f"{path}: variants[{index}].name: {variant.name!r} is there twice")
        seen.add(variant.name)
    for place, settings in parts(experiment):
        # Even where a later setting wins over them; options are checked with the network they are for.
        convert(settings.recipe, Recipe, f"{path}: {place}: recipe")
        convert({"name": "", **settings.data}, Data, f"{path}: {place}: data")
    for index, protocol in enumerate(experiment.protocols):
        if protocol not in PROTOCOLS:
            raise unknown("protocol", protocol, PROTOCOLS, f"{path}: protocols[{index}]")
    if experiment.figure.baseline and experiment.figure.baseline not in seen:
        raise unknown("variant", experiment.figure.baseline, seen, f"{path}: figure.baseline")
    for variant in experiment.control or ():
        if variant not in seen:
            raise unknown("variant", variant, seen, f"{path}: control")
    sources = study.of(path).sources
    for index, claim in enumerate(experiment.claims):
        if claim.source not in sources:
            raise unknown("source", claim.source, sources, f"{path}: claims[{index}].source")
        for variant in claim.variants:
            if variant not in seen:
                raise unknown("variant", variant, seen, f"{path}: claims[{index}].variants")
    return msgspec.structs.replace(experiment, file=str(path))


def parts(experiment: Experiment) -> Iterator[tuple[str, Settings]]:
    """All settings of an experiment's file and where they stand in it."""
    for budget in BUDGETS:
        settings: Settings = getattr(experiment, budget)
        yield budget, settings
        yield from ((f"{budget}.networks.{name}", part) for name, part in settings.networks.items())
    for variant in experiment.variants:
        yield f"variant {variant.name}", Settings(data=variant.data, recipe=variant.recipe)
        yield from ((f"variant {variant.name}: {budget}", getattr(variant, budget)) for budget in BUDGETS)


def budgets() -> dict[Budget, Settings]:
    """The settings all experiments share, by budget: the study's own, or those that come with this program."""
    own = folder() / f"{SHARED}.toml"
    return shared(own if own.is_file() else study.shipped() / "experiments" / f"{SHARED}.toml")


@cache
def shared(path: Path) -> dict[Budget, Settings]:
    """A file of settings by budget."""
    return decode(path, dict[Budget, Settings])


def resolve(experiment: Experiment, variant: Variant, budget: Budget, overrides: dict[str, Any] | None = None) -> Run:
    """The variant's run at a budget, with seed 0: every setting decided and checked.

    Args:
        overrides: dotted names to values, as `--set` gives them (`{"recipe.epochs": 3}`).

    Raises:
        BadInput: a setting does not exist, has a wrong value, or would overrule an option that makes the variant.
    """
    where = f"{experiment.file}: variant {variant.name}" if experiment.file else ""
    try:
        defined, options_taken = models.defined(variant.model), models.option_names(variant.model)
    except BadInput as error:
        raise BadInput(f"{where}: {error}" if where else str(error)) from None
    if variant.stages and not defined:
        raise BadInput(f"{where}: stages: only networks of `repro summary --help` are compressed")
    layers = []
    for settings in (budgets()[budget], getattr(experiment, budget)):
        layers += [settings, settings.networks.get(variant.model, Settings())]
    layers += [Settings(options=variant.options, data=variant.data, recipe=variant.recipe), getattr(variant, budget)]
    options: dict[str, Any] = {}
    data: dict[str, Any] = {"name": "cifar10"}
    recipe: dict[str, Any] = {}
    stem = None
    for layer in layers:
        options |= layer.options
        data |= layer.data
        recipe |= layer.recipe
        stem = layer.stem or stem
    if overrides:
        override(overrides, variant, options, data, recipe)
        # The file was checked as it is; what does not fit now was changed.
        where = "--set"
    known = dataset(str(data["name"]), where)
    if stem and "stem" in options_taken:
        options.setdefault("stem", stem)
    # The published notebooks keep ten outputs on two classes too; so do we, and every parameter count stays the same.
    if "classes" in options_taken:
        options.setdefault("classes", max(10 if defined else 1, len(known.classes)))
    images = convert(data, Data, f"{where}: data" if where else "data")
    try:
        canonical = models.canonical(variant.model, options)
        if defined:
            # Images that are too small for the network are noticed here and not when it trains.
            models.macs(variant.model, (canonical.get("channels", 3), images.pixels, images.pixels), **canonical)
    except BadInput as error:
        raise BadInput(f"{where}: {error}" if where else str(error)) from None
    if recipe.get("epochs") == 0:
        raise BadInput(f"{where + ': ' if where else ''}recipe: epochs: a first training needs at least one")
    run = Run(
        model=Model(name=variant.model, options=canonical, source=models.source(variant.model)),
        data=images,
        recipe=convert(recipe, Recipe, f"{where}: recipe" if where else "recipe"),
    )
    for stage in variant.stages:
        run = following(run, stage, f"{where}: stages" if where else "stages")
    return run


def override(
    overrides: dict[str, Any],
    variant: Variant,
    options: dict[str, Any],
    data: dict[str, Any],
    recipe: dict[str, Any],
) -> None:
    """Change settings of a run as `--set` says.

    Raises:
        BadInput: a setting does not exist, or would overrule an option that makes the variant.
    """
    for name, value in overrides.items():
        part, _, key = name.partition(".")
        target = {"data": data, "recipe": recipe, "train": recipe, "options": options, "model": options}.get(part)
        if target is None or not key:
            known = [
                f"{of}.{field}" for of, kind in (("recipe", Recipe), ("data", Data)) for field in kind.__struct_fields__
            ]
            raise unknown("setting", name, [*known, "options.NAME"], "--set")
        fields = {"data": Data, "recipe": Recipe, "train": Recipe}.get(part, Model).__struct_fields__
        if target is not options and key not in fields:
            raise unknown("setting", name, [f"{part}.{field}" for field in fields], "--set")
        if target is options and variant.options.get(key, value) != value:
            # Else a row would be shown under the name of another network.
            raise BadInput(f"--set {name}: {variant.title!r} is another network by its own {key}")
        target[key] = value


def dataset(name: str, where: str) -> DatasetInfo:
    """The description of a data set.

    Raises:
        Failure: there is none of that name, or it is one from outside that is not here; the line begins with `where`.
    """
    if name not in DATASETS:
        raise no_such(name, DATASETS, where)
    try:
        return DATASETS[name]
    except Failure as error:
        raise type(error)(f"{where}: {error}" if where else str(error)) from None


def following(run: Run, stage: Stage, where: str) -> Run:
    """The run of a stage that goes on from another one."""
    first = run
    while first.prior is not None:
        first = first.prior
    passes = stage.epochs * first.recipe.epochs
    batches = first.recipe.steps or pass_images(first) // first.recipe.batch
    recipe = {
        "epochs": max(1, round(passes)) if passes else 0,
        "steps": max(1, round(passes * batches)) if 0 < passes < 1 else first.recipe.steps,
        "learning_rate": stage.learning_rate * first.recipe.learning_rate,
        "milestones": [m for m in (round(stage.epochs * m) for m in first.recipe.milestones) if m],
    }
    held = {name: getattr(stage, name) for name in Hold.__struct_fields__}
    return msgspec.structs.replace(
        run,
        recipe=convert(msgspec.to_builtins(first.recipe) | recipe, Recipe, where),
        prior=run,
        hold=convert(held, Hold, where),
    )


def pass_images(run: Run) -> int:
    """Training images of a pass, going by the data set's published size."""
    train = SYNTHETIC_SIZE[0] if run.data.synthetic else DATASETS[run.data.name].train
    return min(run.data.train_images or train, train) - run.data.holdout


def seeds(experiment: Experiment, variant: Variant, budget: Budget) -> int:
    """The number of seeds of a variant at a budget; 0 = it is left out."""
    layers = (budgets()[budget], getattr(experiment, budget), getattr(variant, budget))
    return next((layer.seeds for layer in reversed(layers) if layer.seeds is not None), 3)
