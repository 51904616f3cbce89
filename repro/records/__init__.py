"""Read and write the records of runs in `results/runs/`. Imports no torch."""

from repro.records.record import Epoch, Measurement, Record, Status
from repro.records.store import Store

__all__ = ["Epoch", "Measurement", "Record", "Status", "Store"]
