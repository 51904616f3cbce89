"""What runs leave behind: reading and writing of `results/runs/`. Knows no torch."""

from repro.records.record import Epoch, Measurement, Record, Status
from repro.records.store import Store

__all__ = ["Epoch", "Measurement", "Record", "Status", "Store"]
