"""Choose the runs that decide most claims in the time there is: the cheapest decision first."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from repro.config.specification import BUDGETS, Budget
from repro.judging.evidence import begins, by_variant, gather, verdicts_of
from repro.planning import experiments, plan
from repro.planning.experiments import Experiment
from repro.planning.plan import Cell, Step
from repro.records import Store
from repro.records.store import run_key
from repro.rules.case import NO_CONTROL
from repro.rules.claim import Claim
from repro.rules.registry import LOOKS
from repro.rules.verdicts import Verdict


class Decision(NamedTuple):
    """A claim without a verdict, and the runs that its next look needs.

    look: 1 = at the seeds planned, 2 = at twice as many.
    cells: the claim's variants, and at a reduced scale those of the positive control, with their seeds.
    steps: runs still to do that no earlier decision of the queue does.
    seconds: of these runs, one after the other.
    likely: whether the look decides in 80 % if means and deviations stay as they are; True before the first look.
    """

    claim: Claim
    experiment: Experiment
    look: int
    cells: tuple[Cell, ...]
    steps: tuple[Step, ...]
    seconds: float
    likely: bool


def queue(
    suite: Sequence[Experiment], budget: Budget, store: Store, data_dir: Path, device: str, only: str = ""
) -> list[Decision]:
    """The claims that runs at a budget could decide: likely ones first, then the cheapest; shared runs count once.

    Left out is what needs images that are not here.

    Args:
        device: the kind of device that the times are estimated for, such as `cpu`.
        only: the id of a claim: nothing else is looked at, and nothing shared with others.
    """
    open_ones = [found for experiment in suite for found in undecided(experiment, budget, store, data_dir)]
    open_ones = [decision for decision in open_ones if only in ("", decision.claim.id)]
    steps = plan.plan([cell for decision in open_ones for cell in decision.cells], store, data_dir)
    todo = {run_key(step.run): step for step in steps if step.state != "done"}
    seconds = dict(zip(map(key, steps), plan.estimates(steps, store, device), strict=True))
    needs = {id(decision): {k for run in runs(decision.cells) if (k := run_key(run)) in todo} for decision in open_ones}
    absent = {k for k, step in todo.items() if step.identity is None}
    open_ones = [decision for decision in open_ones if not needs[id(decision)] & absent]
    ordered: list[Decision] = []
    while open_ones:

        def cost(decision: Decision) -> tuple[bool, float]:
            return not decision.likely, sum(seconds[run] for run in needs[id(decision)])

        best = min(open_ones, key=cost)
        open_ones.remove(best)
        own = needs.pop(id(best))
        for others in needs.values():
            others -= own
        planned = tuple(step for k, step in todo.items() if k in own)
        ordered.append(best._replace(steps=planned, seconds=sum(seconds[k] for k in own)))
    return ordered


def undecided(experiment: Experiment, budget: Budget, store: Store, data_dir: Path) -> list[Decision]:
    """The claims of one experiment that more runs at a budget could decide, with the runs of their next look."""
    if not experiment.work.trains:
        return []
    cells = {cell.variant.name: cell for cell in plan.cells(experiment, budget)}
    done = {name: item.n for name, item in by_variant(gather(experiment, budget, store, data_dir)).items()}
    control = [cells[name] for name in experiment.control or () if name in cells]
    tested = all(done[cell.variant.name] >= len(cell.runs) for cell in control)
    found = []
    for claim, verdict in zip(experiment.claims, verdicts_of(experiment, store, data_dir), strict=True):
        own = [cells[name] for name in claim.variants if name in cells]
        if len(own) < len(claim.variants) or not decidable(experiment, claim, verdict, budget, tested):
            continue
        taken = min(done[cell.variant.name] // len(cell.runs) for cell in own)
        if taken >= LOOKS:
            continue
        look = taken + 1
        # The control keeps to its own plan: it is no claim, and is seen or not.
        others = [cell for cell in control if cell not in own] if not claim.rule.valued else []
        needed = (*(with_seeds(cell, look * len(cell.runs)) for cell in own), *others)
        seeds = verdict.seeds_needed
        most = look * min(len(cell.runs) for cell in own)
        likely = not taken or (seeds is not None and seeds <= most)
        found.append(Decision(claim, experiment, look, needed, (), 0.0, likely))
    return found


def decidable(experiment: Experiment, claim: Claim, verdict: Verdict, budget: Budget, tested: bool) -> bool:
    """Whether more runs at a budget could decide a claim that has this verdict.

    tested: the runs of the positive control are there, so that more of them change nothing.
    """
    if claim.deterministic or verdict.decided:
        return False
    complete = len(verdict.variants) == len(claim.variants)
    if complete and verdict.budget is not None and BUDGETS.index(verdict.budget) > BUDGETS.index(budget):
        return False  # it is judged on larger runs
    small = BUDGETS.index(budget) < BUDGETS.index(claim.budget)
    if claim.rule.valued:
        whole = not small or all(is_beginning(experiment, name, claim, budget) for name in claim.variants)
        return whole and not claim.needs
    control = "" if experiment.control else NO_CONTROL
    if (small or claim.needs) and claim.rule.needs_full_scale(claim, control):
        return False
    return verdict.verdict == "inconclusive" or not tested


def is_beginning(experiment: Experiment, name: str, claim: Claim, budget: Budget) -> bool:
    """Whether a variant's runs at a budget are the first epochs of those that the claim is about."""
    variant = experiment.variant(name)
    run, whole = (experiments.resolve(experiment, variant, of) for of in (budget, claim.budget))
    return claim.epoch is not None and claim.epoch <= run.recipe.epochs and begins(run, whole)


def with_seeds(cell: Cell, seeds: int) -> Cell:
    """The same row with so many seeds."""
    return msgspec.structs.replace(cell, runs=tuple(cell.runs[0].with_seed(seed) for seed in range(seeds)))


def runs(cells: Iterable[Cell]) -> list:
    """All runs of some cells, and those they go on from."""
    return [each for cell in cells for run in cell.runs for each in plan.chain(run)]


def key(step: Step) -> bytes:
    """A key that is equal for equal runs."""
    return run_key(step.run)
