"""The record of published weights: right answers to their data set's test images. Imports no torch."""

from typing import Annotated, ClassVar

from msgspec import Meta

from repro.config.specification import Count, Data, Model
from repro.data import DATASETS, weights
from repro.records.record import Measurement, NonNegative
from repro.records.variants import VariantRecord


class WeightsRecord(VariantRecord, frozen=True):
    """A network's published weights, measured.

    file, sha256: which weights. model, data: as the experiment has them.
    checksum: of the images. hits: which are right, one bit an image in their order, as hex.
    seconds: of evaluation.
    """

    FOLDER: ClassVar[str] = "weights"

    file: str
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    model: Model
    data: Data
    checksum: str
    numerics: int
    parameters: Count
    measurement: Measurement
    hits: Annotated[str, Meta(pattern=r"^[0-9a-f]*\Z")]
    seconds: NonNegative

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data.name not in DATASETS:
            raise ValueError(f"there is no data set {self.data.name}")
        if len(self.right) != self.total or sum(self.right) != sum(self.measurement.correct):
            raise ValueError("the hits are not those that were counted")

    @property
    def total(self) -> int:
        """The number of images it was measured on."""
        return sum(self.measurement.total)

    @property
    def whole(self) -> bool:
        """Whether these are all test images of the data set, cut as the network's library does."""
        return not self.data.synthetic and weights.whole(self.total, self.data.name)

    @property
    def right(self) -> list[bool]:
        """Flags of the images it is right on."""
        bits = "".join(f"{byte:08b}" for byte in bytes.fromhex(self.hits))
        return [bit == "1" for bit in bits[: self.total]]
