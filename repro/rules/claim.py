"""A claim: one published number or statement, as it stands under `claims` in an experiment file.

What is tested, and by which margin, is fixed here before anything runs; `Claim.hash` makes a later change visible.
"""

import hashlib
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from repro.config.specification import Budget, Positive, Spec
from repro.errors import unknown
from repro.rules.registry import ClaimType, Outcome
from repro.rules.types import TYPES

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
    type: its name among `repro.rules.types`, which say what each is judged by.
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
    type: str
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
    def rule(self) -> ClaimType:
        """The type of the claim: what such claims state and how they are judged."""
        return TYPES[self.type]

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
        """The number of the metric's own units (percent, parameters, bytes) in one `unit`."""
        return UNITS[self.unit]

    def hash(self) -> str:
        """A hash of all that decides the verdict; a changed margin or metric changes it, a better wording does not."""
        defaults = {field.name: field.default for field in msgspec.structs.fields(self)}
        # Fields at their default are left out, so that a field added later does not touch earlier claims.
        judged = {
            name: float(value) if isinstance(value, int) and not isinstance(value, bool) else value
            for name, value in msgspec.structs.asdict(self).items()
            if name not in _DESCRIPTIVE and value != defaults[name]
        }
        return hashlib.sha256(msgspec.json.encode(judged, order="deterministic")).hexdigest()[:16]

    def _problems(self):
        """Problems of the claim, in words; the first one is reported."""
        if self.type not in TYPES:
            yield str(unknown("type", self.type, TYPES))
        if len(set(self.variants)) != len(self.variants):
            yield "names a variant twice"
        if self.unit not in UNITS:
            yield f"unknown unit {self.unit!r}; choose from {', '.join(UNITS)}"
        if self.effect is not None and self.effect * self.sign <= 0:
            yield f"`effect` {self.effect} contradicts the direction of the claim"
        yield from self.rule.problems(self)
