"""A claim: one published number or statement, as it stands under `claims` in an experiment file.

What is tested, and by which margin, is fixed here before anything runs; `Claim.hash` makes a later change visible.
"""

import hashlib
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from repro.config.specification import Budget, Positive, Spec

Type = Literal["exact", "point", "ordering", "no-loss", "trend", "ratio"]
Outcome = Literal["reproduced", "direction only", "not reproduced", "inconclusive", "not testable"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
# What a verdict rests on, from arithmetic to training; empty = nothing was measured.
EvidenceKind = Literal[
    "", "counted", "published file", "published weights", "trained at full scale", "trained at reduced scale"
]
EVIDENCE_KINDS: tuple[EvidenceKind, ...] = get_args(EvidenceKind)[1:]
Direction = Literal["two-sided", "at-least", "at-most"]

# Accuracies and shares are in percent of images (`kept` of weights); `collapsed` is 100 for a run that diverged or
# stayed at chance and 0 for any other; `bytes` are the float32 weights, `file_bytes` a compressed file; `side` is the
# height of an output map.
Metric = Literal[
    "accuracy", "balanced_accuracy", "top5", "train_accuracy", "loss", "collapsed",
    "parameters", "macs", "bytes", "file_bytes", "kept", "nonzero", "side",
]  # fmt: skip
# Properties of a network or a file: measured once, without error.
DETERMINISTIC = ("parameters", "macs", "bytes", "file_bytes", "kept", "nonzero", "side")
# Of these, what only a file of weights has; the others follow from the network's definition.
FILE_METRICS = ("file_bytes", "kept", "nonzero")

# How many of the metric's own unit one published unit is.
UNITS: dict[str, float] = {
    "%": 1,
    "points": 1,
    "x": 1,
    "nats": 1,
    "parameters": 1,
    "thousand parameters": 1e3,
    "million parameters": 1e6,
    "macs": 1,
    "bytes": 1,
    "KiB": 2**10,
    "MB": 1e6,
    "MiB": 2**20,
    "pixels": 1,
}

# Fields that describe a claim without changing how it is judged.
_DESCRIPTIVE = ("id", "source", "place", "statement", "obtained", "verified", "also", "assumptions")

NonNegative = Annotated[float, Meta(ge=0)]


class Claim(Spec, frozen=True):
    """One published number or statement.

    id: unique over all experiments.
    source: where it was published, a word of the `[sources]` of `study.toml`.
    place: where in the source, such as "Table 1, row CIFAR-10".
    type:
        exact: a count or a size, equal up to the published rounding; of two variants, their difference.
        point: a measured value of one variant.
        ordering: the first variant is better than the second.
        no-loss: the first variant is not worse than the second by more than the margin.
        trend: the metric grows along the variants, up to `saturates` where that is given, and is flat from there.
        ratio: the first variant's value over the second's.
    variants: names of the experiment's variants.
    layer: for a property of a part of the network ("fire2"); empty = the whole.
    protocol: how the accuracy is measured, a name of `repro.config.specification.PROTOCOLS`.
    epoch: the metric after that many epochs; a shorter run counts by its last epoch, at reduced scope.
    published: the value, in `unit`; None for statements without one.
    rounding: one unit of the published value's last digit; 0 = published in full.
    margin: how far off is still the same, in `unit`; a fraction for ratios. Orderings and trends use it for the effect,
        and for "no difference at all".
    direction: for values: `at-least` means that exceeding the value is no contradiction. For the other types `at-most`
        means that less is better (or that the trend falls).
    budget: the smallest budget whose runs can test the value itself.
    effect: the published difference of first minus second variant (trend: of the last, or saturated, minus the first).
    saturates: the variant from which a trend is flat.
    collapse: the claim is that training fails: failed runs are then its subject and not a fault of the recipe.
    original_runs: how many runs the published value is the mean of.
    needs: what this project cannot have (data, unpublished settings) and stands in for; runs are then of reduced scope.
    obtained: how the source came by the value, where known: "best epoch on test", "no stored run".
    verified: the value was re-read at its source.
    also: variants of other experiments, as EXPERIMENT/VARIANT, of which the claim states the same: it is judged in its
        own experiment and shown beside them too.
    assumptions: what the source leaves open and how it is read here.
    """

    id: str
    source: str
    place: str
    statement: str
    type: Type
    variants: tuple[str, ...]
    layer: str = ""
    protocol: str = "described"
    metric: Metric = "accuracy"
    epoch: Positive | None = None
    published: float | None = None
    unit: str = "%"
    rounding: NonNegative = 0.0
    margin: NonNegative = 0.0
    direction: Direction = "two-sided"
    budget: Budget = "paper"
    effect: float | None = None
    saturates: str = ""
    collapse: bool = False
    original_runs: Positive = 1
    needs: str = ""
    obtained: str = ""
    verified: bool = True
    also: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise ValueError(f"claim {self.id!r}: {problem}")

    @property
    def deterministic(self) -> bool:
        """Whether one measurement settles the value, with no seeds and at any budget."""
        return self.metric in DETERMINISTIC

    @property
    def sign(self) -> int:
        """+1 where more is better (a trend rises), -1 where less is."""
        return -1 if self.direction == "at-most" else 1

    @property
    def scale(self) -> float:
        """How many of the metric's own unit (percent, parameters, bytes) one `unit` is."""
        return UNITS[self.unit]

    def hash(self) -> str:
        """Of everything that decides the verdict; a changed margin or metric changes it, a better wording does not."""
        defaults = {field.name: field.default for field in msgspec.structs.fields(self)}
        # Fields at their default are left out, so that a field added later does not touch earlier claims.
        judged = {
            name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
            for name, value in msgspec.structs.asdict(self).items()
            if name not in _DESCRIPTIVE and value != defaults[name]
        }
        return hashlib.sha256(msgspec.json.encode(judged, order="deterministic")).hexdigest()[:16]

    def _problems(self):
        """What is wrong with the claim, in words; the first one is reported."""
        count = len(self.variants)
        if len(set(self.variants)) != count:
            yield "names a variant twice"
        allowed = {"exact": (1, 2), "point": (1,), "ordering": (2,), "no-loss": (2,), "ratio": (2,)}
        if self.type == "trend":
            if count < 3:
                yield f"a trend needs at least 3 variants, not {count}"
        elif count not in allowed[self.type]:
            yield f"type {self.type} takes {' or '.join(map(str, allowed[self.type]))} variants, not {count}"
        if self.unit not in UNITS:
            yield f"unknown unit {self.unit!r}; choose from {', '.join(UNITS)}"
        valued = self.type in ("exact", "point", "ratio")
        if valued and self.published is None:
            yield f"type {self.type} needs `published`"
        if not valued and self.published is not None:
            yield f"type {self.type} takes `effect`, not `published`"
        if self.effect is not None:
            if self.type not in ("ordering", "trend"):
                yield f"type {self.type} takes no `effect`"
            elif self.effect * self.sign <= 0:
                yield f"`effect` {self.effect} contradicts the direction of the claim"
        if self.saturates and (self.type != "trend" or self.saturates not in self.variants[1:-1]):
            yield "`saturates` names a variant of a trend that is neither its first nor its last"
        if self.type == "exact" and not self.deterministic:
            yield f"{self.metric} varies between runs; use type point"
        if self.metric == "collapsed" and self.type in ("point", "ratio"):
            yield "a share of failed runs is compared between variants; use type ordering, no-loss or trend"
        if self.deterministic and self.type not in ("exact", "ratio", "ordering"):
            yield f"{self.metric} is measured without error; use type exact, ratio or ordering"
        yield from self._margin_problems()

    def _margin_problems(self):
        if self.type == "exact":
            # A tolerance beyond the rounding would hide a wrong definition.
            if abs(self.margin - self.rounding / 2) > 1e-12 * max(1.0, self.rounding):
                yield "the margin of an exact claim is half its rounding"
            return
        if self.type == "ratio" and self.published is not None:
            if self.published <= 0:
                yield "a ratio is positive"
            if not 0 < self.margin < 1:
                yield "the margin of a ratio is a fraction between 0 and 1"
            smallest = self.rounding / 2 / self.published
        else:
            smallest = self.rounding / 2
        if self.margin < smallest * (1 - 1e-9):
            yield f"margin {self.margin} is less than half the published rounding, {smallest:g}"
        if self.margin == 0 and not (self.type == "ordering" and self.deterministic):
            yield "needs a margin"
