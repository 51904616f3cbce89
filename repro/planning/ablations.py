"""Experiments that `repro ablate`, `sweep` and `train` made, kept in `results/ablations/NAME/` with what they show.

NAME.toml there is an experiment file as in `experiments/`. So every verb that reads experiments knows it by its name,
and `repro run NAME` goes on with it; its table and figures lie beside it.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from repro.config.specification import BUDGETS, Budget
from repro.errors import BadInput, nearest, unknown
from repro.planning import experiments
from repro.planning.experiments import Experiment, Settings
from repro.records.merge import Merged
from repro.storage import write_atomic

FOLDER = "ablations"
LAST = 1000  # their order: behind those of the study
HEAD = "# Written by `repro {verb}`. `repro run {name}` goes on with it; delete this folder to forget it.\n\n"


def file_of(name: str, results: Path) -> Path:
    """The experiment file that is kept by a name."""
    return results.resolve() / FOLDER / name / f"{name}.toml"


def names(results: Path) -> list[str]:
    """The names of experiments kept in a results folder, sorted."""
    return sorted(path.stem for path in results.glob(f"{FOLDER}/*/*.toml") if path.stem == path.parent.name)


def everything(results: Path) -> list[Experiment]:
    """All experiments of the present study, then those kept in a results folder.

    Raises:
        BadInput: one of their files is wrong.
    """
    return [*experiments.everything(), *(experiments.read(file_of(name, results)) for name in names(results))]


def find(name: str, results: Path) -> Experiment:
    """An experiment by name, also one that is kept, or by the path of its file.

    Raises:
        BadInput: there is no such experiment, or its file is wrong.
    """
    kept = names(results)
    if name in kept:
        return experiments.read(file_of(name, results))
    if nearest(name, kept) and name not in experiments.names():
        raise unknown("experiment", name, [*experiments.names(), *kept])
    return experiments.find(name)


def place(experiment: Experiment, kind: Literal["tables", "figures"]) -> str:
    """The folder below results/ of an experiment's tables or figures."""
    kept = Path(experiment.file).parts[-3:-1] == (FOLDER, experiment.name)
    return f"{FOLDER}/{experiment.name}" if kept else kind


def settled(experiment: Experiment, overrides: dict[str, Any]) -> Experiment:
    """The experiment with what `--set` gave written into each variant (see `experiments.resolve` for the names)."""
    variants = []
    for variant in experiment.variants:
        parts = {"options": dict(variant.options), "data": dict(variant.data), "recipe": dict(variant.recipe)}
        for name, value in overrides.items():
            part, _, key = name.partition(".")
            parts[{"model": "options", "train": "recipe"}.get(part, part)][key] = value
        variants.append(msgspec.structs.replace(variant, **parts))
    return msgspec.structs.replace(experiment, variants=tuple(variants))


def keep(experiment: Experiment, verb: str, budget: Budget, seeds: int, results: Path) -> None:
    """Write an experiment, with so many seeds at the budget; one kept before keeps its other budgets and seeds.

    Raises:
        BadInput: another experiment is kept by that name.
        Failure: the folder cannot be written to.
    """
    path = file_of(experiment.name, results)
    before = experiments.read(path) if path.is_file() else None
    if before and stated(before, {})["variants"] != stated(experiment, {})["variants"]:
        raise BadInput(
            f"{experiment.name} is kept already, of other networks: give another --name, or delete {path.parent}"
        )
    counts: dict[Budget, int] = {each: planned(before, each) if before else 0 for each in BUDGETS}
    counts[budget] = max(counts[budget], seeds)
    content = stated(experiment, counts)
    import tomli_w

    write_atomic(path, HEAD.format(verb=verb, name=experiment.name) + tomli_w.dumps(content))
    experiments.read.cache_clear()


def merge(ours: Path, theirs: Path) -> Merged:
    """Keep what another results folder keeps too; of what both do, the larger number of seeds.

    What is kept here of other networks by the same name is a conflict, and stays; a wrong file is refused.
    """
    found = Merged(0, 0, 0, [], [])
    for name in names(theirs):
        source, path = file_of(name, theirs), file_of(name, ours)
        try:
            new = experiments.read(source)
            before = experiments.read(path) if path.is_file() else None
        except BadInput as error:
            found.refused.append(str(error))
            continue
        if before is None:
            write_atomic(path, source.read_bytes())
            found = found._replace(added=found.added + 1)
        elif stated(before, {})["variants"] != stated(new, {})["variants"]:
            found.conflicts.append(f"{FOLDER}/{name}: of other networks there; kept what is here")
        elif any((planned(new, budget) > planned(before, budget)) for budget in BUDGETS):
            for budget in BUDGETS:
                keep(new, "merge", budget, planned(new, budget), ours)
            found = found._replace(extended=found.extended + 1)
        else:
            found = found._replace(same=found.same + 1)
    return found


def planned(experiment: Experiment, budget: Budget) -> int:
    """The number of seeds that an experiment's file states for a budget; 0 where it states none."""
    return getattr(experiment, budget).seeds or 0


def forget(name: str, results: Path) -> None:
    """Remove what is kept by a name; records stay."""
    shutil.rmtree(file_of(name, results).parent, ignore_errors=True)


def stated(experiment: Experiment, seeds: dict[Budget, int]) -> dict[str, Any]:
    """The experiment as its file has it."""
    return {
        **chosen(experiment, ("title", "source", "question")),
        "order": LAST,
        "figure": chosen(experiment.figure, ("kind", "x", "y", "baseline")),
        **{budget: chosen(Settings(seeds=count), ("seeds",)) for budget, count in seeds.items()},
        "variants": [
            chosen(variant, ("name", "label", "series", "at", "model", "options", "data", "recipe"))
            for variant in experiment.variants
        ],
    }


def chosen(spec: Any, fields: Sequence[str]) -> dict[str, Any]:
    """Some fields of a specification, as plain values, without those that are empty."""
    found = {name: msgspec.to_builtins(getattr(spec, name)) for name in fields}
    return {name: value for name, value in found.items() if value not in ("", None, {}, [])}
