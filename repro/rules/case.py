"""A claim with its samples: whether it can be tested, what the samples say, how many more runs would decide."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

import msgspec

from repro.config.specification import BUDGETS, PROTOCOLS, Budget
from repro.rules import samples as comparing
from repro.rules import statistics
from repro.rules.claim import Claim
from repro.rules.interval import Interval
from repro.rules.registry import ALPHA, LOOKS, Finding
from repro.rules.samples import Contrast, Sample
from repro.rules.statistics import Estimate, Proportion

REDUCED = "reduced scale"  # the badge of verdicts on runs that are not quite what the claim is about
BOUND_DECIDES = 8  # runs of each variant from which P(A > B) has a say: 7 wins of 8 show more than 1/2, 6 of 7 do not
PLANNED_SEEDS = 5  # named where too few runs exist to know how much they vary
NO_CONTROL = "no positive control is registered with the experiment"


class Case:
    """A claim and what its variants measured, in the claim's unit.

    Attributes:
        rule: of the claim's type.
        samples: of the variants that were run, in the claim's order, as the last look saw them.
        waiting: what is still missing for the first look; empty = it was taken.
        look: 1 or 2; 0 where no number of seeds was planned.
        control: why a reduced scale cannot refute the claim; empty = a known difference was seen on the same runs.
        unclear: why the claim cannot be tested with these samples, though runs or data may come; empty = it can.
        withheld: why it cannot be tested at all here (no data, too small a budget); empty = it can.
        contrast: of the two variants, or of a trend's ends; None where a variant is missing or has no number.
        trains: whether the experiment can run what is missing; a file that nobody published it cannot.
    """

    def __init__(
        self,
        claim: Claim,
        samples: Mapping[str, Sample],
        experiment: str = "",
        trains: bool = True,
        control: str = NO_CONTROL,
    ):
        self.claim = claim
        self.rule = claim.rule
        self.control = control
        self.experiment = experiment
        self.trains = trains
        self.samples = {
            variant: _in_unit(samples[variant], claim)
            for variant in claim.variants
            if variant in samples and samples[variant].values
        }
        self.missing = [variant for variant in claim.variants if variant not in self.samples]
        self.look, self.waiting = self._take_look()
        self.withheld, self.unclear = self._withheld(), self._unclear()
        self.complete = not self.missing and not self._unmeasured()
        self.contrast = self._contrast() if self.complete and len(claim.variants) > 1 else None

    @property
    def testable(self) -> bool:
        return not self.withheld and not self.unclear

    @property
    def in_family(self) -> bool:
        """Whether Holm's correction counts this claim."""
        return self.rule.corrected and not self.claim.deterministic and not self.withheld

    def _take_look(self) -> tuple[int, str]:
        """Cut the samples to the runs that the last look saw; between looks more runs change nothing."""
        if self.missing or not all(sample.planned for sample in self.samples.values()):
            return 0, ""
        for name, sample in self.samples.items():
            if sample.n < sample.planned:
                return 0, f"{name} has {sample.n} of the {sample.planned} seeds planned: {self._command(self.budget)}"
        look = min(LOOKS, *(sample.n // sample.planned for sample in self.samples.values()))
        self.samples = {name: sample.first(look * sample.planned) for name, sample in self.samples.items()}
        return look, ""

    # What stands in the way

    def _withheld(self) -> str:
        claim = self.claim
        whole = self.rule.needs_full_scale(claim, self.control)
        if self.missing:
            return f"needs {claim.needs}" if claim.needs and (whole or not self.trains) else ""
        if claim.deterministic:
            return ""
        if self.budget == "smoke" and claim.budget != "smoke":
            return f"measured on stand-in images; to test it: {self._command(claim.budget if whole else 'laptop')}"
        if not whole or not self.reduced:
            return ""
        if claim.needs:
            return f"needs {claim.needs}"
        if BUDGETS.index(self.budget) < BUDGETS.index(claim.budget):
            return f"measured at the {self.budget} budget; to test it: {self._command(claim.budget)}"
        return "measured on other data, or trained by another recipe"

    def _unclear(self) -> str:
        if self.missing:
            names = "" if len(self.missing) == len(self.claim.variants) else f"{', '.join(self.missing)} "
            # Differences show at a reduced scale too; that nothing is lost, only beside a control.
            alone = self.control == NO_CONTROL and self.rule.needs_full_scale(self.claim, self.control)
            whole = self.rule.valued or alone or self.claim.budget == "smoke"
            return f"{names}not run: {self._command(self.claim.budget if whole else 'laptop')}"
        return self.waiting or self._unmeasured()

    @property
    def not_at_this_scale(self) -> str:
        """Why runs at a reduced scale cannot refute the claim; empty where they can, or are not reduced."""
        if not self.reduced:
            return ""
        if self.control:
            return self.control
        return self._moving()

    def _moving(self) -> str:
        """A reason if the difference still moves towards the published one, so that longer training could confirm it.

        Towards it: the change over the second half of the epochs passes the one-sided test, and as much again would end
        the contradiction. Empty where it does not, or where the accuracies halfway are not known.
        """
        found, sign = self.contrast, self.claim.sign
        if found is None:
            return ""
        first, second = self.ends
        if not (first.halfway and second.halfway):
            return ""
        change = comparing.contrast(first.changes(), second.changes(), sign)
        end = found.value * sign
        again = end + change.value * sign
        if change.p >= ALPHA or again < self.rule.bound(self.claim, found):
            return ""
        before = found.value - change.value
        return (
            f"the difference still moves towards the claim, from {before:+.1f} halfway to {found.value:+.1f}; as much "
            "again would end the contradiction"
        )

    def _unmeasured(self) -> str:
        for variant, sample in self.samples.items():
            for seed, value in zip(sample.seeds, sample.values, strict=True):
                if not math.isfinite(value):
                    return f"seed {seed} of {variant} has no finite {self.claim.metric}"
                if self.rule.relative and value <= 0:
                    return f"seed {seed} of {variant} has no positive {self.claim.metric} to take a ratio of"
        return ""

    def _command(self, budget: Budget) -> str:
        option = "" if self.claim.deterministic or not self.trains else f" --budget {budget}"
        return f"repro run {self.experiment or 'EXPERIMENT'}{option}"

    @property
    def budget(self) -> Budget:
        """The smallest budget among the samples."""
        return BUDGETS[min(BUDGETS.index(sample.budget) for sample in self.samples.values())]

    @property
    def reduced(self) -> bool:
        """Whether any sample is smaller than, or otherwise not quite, what the claim is about."""
        least = BUDGETS.index(self.claim.budget)
        own = [
            not self.claim.needs and BUDGETS.index(s.budget) >= least if s.same_scope is None else s.same_scope
            for s in self.samples.values()
        ]
        return not all(own)

    # What the samples say

    @property
    def n(self) -> int:
        """Runs of the variant with the fewest."""
        return min((sample.n for sample in self.samples.values()), default=0) if not self.missing else 0

    @property
    def ends(self) -> tuple[Sample, Sample]:
        """The two samples that are compared."""
        return self.rule.ends(self)

    @property
    def binary(self) -> bool:
        """Whether the values say of each run that it failed, or not."""
        return self.claim.metric == "collapsed"

    def _contrast(self) -> Contrast:
        return comparing.contrast(*self.ends, sign=self.claim.sign, binary=self.binary)

    @cached_property
    def p(self) -> float:
        """One-sided p of an ordering or trend, before Holm's correction; 1 where it was not tested."""
        return self.rule.p(self) if self.testable and self.contrast else 1.0

    @property
    def p_opposite(self) -> float:
        """One-sided p of the opposite of an ordering or trend, before Holm's correction; 1 where it was not tested."""
        return self.contrast.opposite if self.testable and self.contrast else 1.0

    @property
    def released(self) -> bool:
        """Whether the claim is judged by the weights that were published, and not by networks trained here."""
        return any(sample.released for sample in self.samples.values())

    @property
    def badge(self) -> str:
        """`REDUCED` for runs at a reduced scale, else empty."""
        return REDUCED if self.reduced else ""

    def predicts(self, off: Estimate | Proportion) -> bool | None:
        """Whether the published value, from which the runs are `off`, lies where they predict as many more to fall.

        At 95 %; None of a single run, and of a released network, of which there are no more.
        """
        if isinstance(off, Proportion):
            return None
        expected = off.prediction(self.claim.original_runs).limited()
        return None if expected is None else expected.low <= 0 <= expected.high

    def undecided(self, needed: int | None, badge: str = "", what: str = "it") -> Finding:
        """The finding that the runs do not decide, with the seeds that would; None = no number of them."""
        if self.released:
            (sample,) = self.samples.values()
            reason = f"{sample.total:,} test images do not decide it, and a released network has no seeds to add"
        elif self.n < 2:
            reason = f"one seed says nothing about variation: run at least {PLANNED_SEEDS}"
        elif needed is None:
            reason = f"n = {self.n} does not decide {what}, and more seeds would hardly"
        else:
            reason = f"n = {self.n} does not decide {what}: about {needed} seeds would"
        if self.look == LOOKS:
            reason += ", but both looks are taken"
        elif self.look:
            reason += f"; the second look is at {LOOKS * min(s.planned for s in self.samples.values())}"
        return Finding("inconclusive", reason, badge, needed)

    @cached_property
    def superiority(self) -> tuple[float, float]:
        """P(A > B), A being what is claimed to be better, and its one-sided lower 95 % bound."""
        a, b, paired = self._better_first()
        return statistics.probability_greater(a, b, paired), statistics.probability_bound(a, b)

    @property
    def superior(self) -> bool:
        """Whether the bound of P(A > B) exceeds 1/2, where it has a say: not on shares, which have an exact test."""
        return self.binary or self.n < BOUND_DECIDES or self.superiority[1] > 0.5

    def rank_p(self) -> float:
        return statistics.rank_p_greater(*self._better_first())

    def bootstrap_interval(self) -> Interval:
        """The BCa interval of the difference of means, 95 %."""
        first, second = self.ends
        assert self.contrast is not None
        return statistics.bootstrap_interval(first.by_seed, second.by_seed, self.contrast.paired, self._seed)

    def _better_first(self) -> tuple[list[float], list[float], bool]:
        first, second = self.ends
        a, b = (first, second) if self.claim.sign > 0 else (second, first)
        assert self.contrast is not None
        return a.by_seed, b.by_seed, self.contrast.paired

    @property
    def _seed(self) -> int:
        """The seed of the bootstrap: the same claim gets the same interval on every machine."""
        return int(self.claim.hash(), 16)

    # How many seeds would decide, per variant and in all, if means and deviations stay as they are

    def seeds_for_value(self, estimate: Estimate | Proportion, margin: float) -> int | None:
        """Seeds to decide on a value; None where none would: the seed noise of the published one does not shrink."""
        if isinstance(estimate, Proportion):
            return None  # what was released is one network
        if self.n < 2:
            return PLANNED_SEEDS
        off, sd, original = estimate.value, estimate.draw, self.claim.original_runs
        if self.claim.direction != "two-sided" and off * self.claim.sign > -margin:
            gap = off * self.claim.sign + margin
            return self._more(partial(_greater, gap, sd, True))
        if abs(off) < margin:
            return self._more(partial(_equivalent, margin, sd, off))
        excess = abs(off) - margin
        return self._more(lambda n: Estimate(excess, sd / math.sqrt(n), n - 1, sd).prediction(original).low > 0)

    def seeds_for_difference(self, gap: float, alpha: float = ALPHA) -> int | None:
        """Seeds to show a true difference `gap` > 0 by the one-sided test."""
        if self.n < 2:
            return PLANNED_SEEDS
        found = self.contrast
        assert found is not None
        # `draw` is the deviation of a difference; each of two independent runs has its 1/sqrt(2).
        sd = found.draw if found.paired else found.draw / math.sqrt(2)
        return self._more(partial(_greater, gap, sd, found.paired, alpha=alpha))

    def seeds_for_ordering(self, holm_p: float) -> int | None:
        """Seeds to show whichever comes first: the ordering, its opposite, or no difference."""
        found, margin = self.contrast, self.claim.margin
        if self.n < 2 or found is None:
            return PLANNED_SEEDS
        ahead = found.value * self.claim.sign
        # In the direction claimed, the test has to pass Holm's correction too.
        share = min(1.0, self.p / holm_p) if ahead > 0 and holm_p > 0 else 1.0
        options = [self.seeds_for_difference(abs(ahead), ALPHA * share)]
        if abs(ahead) < margin:
            options.append(self._more(partial(_equivalent, margin, found.draw, ahead)))
        return min((option for option in options if option is not None), default=None)

    def seeds_for_equals(self, steps: Sequence[Contrast]) -> int | None:
        """Seeds to show of each difference that it is inside the margin, or outside."""
        if self.n < 2:
            return PLANNED_SEEDS
        margin = self.claim.margin
        needed: list[int | None] = []
        for step in steps:
            off, sd, paired = abs(step.value), step.draw, step.paired
            if step.inside(margin):
                continue
            if off < margin:
                enough = partial(_equivalent, margin, sd, off)
            else:
                enough = partial(_greater, off - margin, sd if paired else sd / math.sqrt(2), paired)
            needed.append(self._more(enough))
        return None if None in needed else max((n for n in needed if n is not None), default=None)

    def _more(self, enough: Callable[[int], bool]) -> int | None:
        return statistics.seeds_needed(enough, start=max(self.n + 1, 2))


def _equivalent(margin: float, sd: float, off: float, n: int) -> bool:
    return statistics.power_equivalence(margin, sd, n, off, ALPHA) >= statistics.POWER


def _greater(gap: float, sd: float, paired: bool, n: int, alpha: float = ALPHA) -> bool:
    return statistics.power_superiority(gap, sd, n, paired, alpha) >= statistics.POWER


def _in_unit(sample: Sample, claim: Claim) -> Sample:
    """The sample in the claim's unit, with its step filled in."""
    step = sample.step
    if step is None:
        protocol = PROTOCOLS.get(claim.protocol)
        truncates = protocol is not None and protocol.truncate and not claim.deterministic
        step = 1.0 if truncates else 100 / sample.total if sample.total else 0.0
    values = tuple(value / claim.scale for value in sample.values)
    halfway = tuple(value / claim.scale for value in sample.halfway)
    return msgspec.structs.replace(sample, values=values, halfway=halfway, step=step / claim.scale)
