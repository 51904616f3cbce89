"""Claims and samples for the tests of this folder."""

from collections.abc import Sequence

import msgspec
import numpy as np

from repro.rules.claim import Claim
from repro.rules.samples import Sample

POINT = Claim(
    id="point",
    source="report",
    place="Table 1",
    statement="A reaches 67 %.",
    type="point",
    variants=("a",),
    published=67,
    rounding=1,
    margin=1.0,
)
ORDERING = Claim(
    id="ordering",
    source="report",
    place="Section 6",
    statement="A is better than B.",
    type="ordering",
    variants=("a", "b"),
    unit="points",
    margin=0.5,
)
NO_LOSS = Claim(
    id="no-loss",
    source="report",
    place="Section 6",
    statement="A loses nothing against B.",
    type="no-loss",
    variants=("a", "b"),
    unit="points",
    margin=1.0,
)
TREND = Claim(
    id="trend",
    source="paper",
    place="Figure 3",
    statement="More is better, up to C.",
    type="trend",
    variants=("a", "b", "c", "d"),
    unit="points",
    margin=1.0,
    saturates="c",
)
RATIO = Claim(
    id="ratio",
    source="report",
    place="Section 6",
    statement="A is 1.2 times B.",
    type="ratio",
    variants=("a", "b"),
    published=1.2,
    unit="x",
    margin=0.05,
)
EXACT = Claim(
    id="exact",
    source="paper",
    place="Table 1",
    statement="A has 1,248,424 parameters.",
    type="exact",
    variants=("a",),
    metric="parameters",
    published=1_248_424,
    unit="parameters",
)


def change(claim: Claim, **fields) -> Claim:
    """The claim with other fields, checked again as if it were read from a file."""
    return msgspec.convert(msgspec.to_builtins(claim) | msgspec.to_builtins(fields), Claim)


def sample(values: Sequence[float] | np.ndarray, **fields) -> Sample:
    return Sample(values=tuple(map(float, values)), seeds=tuple(range(len(values))), **fields)
