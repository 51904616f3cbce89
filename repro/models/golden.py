"""The golden numbers of every network: one versioned file that drives the tests and the tables.

    python -m repro.models.golden           re-measure every network with torch and print what differs
    python -m repro.models.golden --write   and write the measured numbers back

Measured fields are `parameters`, `macs`, `bytes` and `fingerprint`; the others are written by hand, from the sources.
Reading the file needs no torch.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).with_name("golden.json")
# Two machines' float32 sums differ in their order: outputs agree to this share of the largest one.
TOLERANCE = 1e-3


class Published(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The published numbers, where there are any: counts and sizes as printed.

    layers: parameters by layer. maps: output (channels, height, width) by layer at the entry's input.
    megabytes: as printed; the sources mean now 10^6 and now 2^20 bytes.
    """

    parameters: int | None = None
    megabytes: float | None = None
    layers: dict[str, int] = {}
    maps: dict[str, tuple[int, int, int]] = {}


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One network at one input size.

    macs: multiply-accumulates for one input. bytes: parameters as float32. fingerprint: see `fingerprint.py`.
    source: where its definition and count stand, or `measured here`.
    """

    network: str
    options: dict[str, Any] = {}
    input: tuple[int, int, int]
    source: str
    published: Published = Published()
    parameters: int = 0
    macs: int = 0
    bytes: int = 0
    fingerprint: tuple[float, ...] = ()

    @property
    def megabytes(self) -> float:
        """Size in 10^6 bytes."""
        return self.bytes / 1e6


@cache
def golden() -> dict[str, Golden]:
    """All entries by name, in the file's order."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Golden])


def agree(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two fingerprints are those of one network."""
    largest = max(map(abs, (*one, *other)), default=0.0)
    return len(one) == len(other) and all(abs(a - b) <= TOLERANCE * largest for a, b in zip(one, other, strict=True))


def remeasure() -> Iterator[tuple[str, Golden, Golden]]:
    """Each entry's name, the entry, and the entry as torch measures it now."""
    from .fingerprint import measure

    for name, entry in golden().items():
        parameters, macs, fingerprint = measure(entry.network, entry.options, entry.input)
        now = {"parameters": parameters, "macs": macs, "bytes": 4 * parameters, "fingerprint": tuple(fingerprint)}
        yield name, entry, msgspec.structs.replace(entry, **now)


def differences(entry: Golden, now: Golden) -> list[str]:
    """Describe what changed; a fingerprint within the tolerance has not."""
    found = [
        f"{field} {getattr(entry, field):,} -> {getattr(now, field):,}"
        for field in ("parameters", "macs", "bytes")
        if getattr(entry, field) != getattr(now, field)
    ]
    if not agree(entry.fingerprint, now.fingerprint):
        found.append(f"fingerprint {list(entry.fingerprint)} -> {list(now.fingerprint)}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Exit status 1 when something differs and is not written back."""
    parser = argparse.ArgumentParser(prog="python -m repro.models.golden", description="Re-measure every network.")
    parser.add_argument("--write", action="store_true", help="write the measured numbers to the golden file")
    write = parser.parse_args(arguments).write
    entries, changed = {}, 0
    for name, entry, now in remeasure():
        found = differences(entry, now)
        changed += bool(found)
        entries[name] = now if found else entry
        for line in found:
            print(f"{name}: {line}")
    if changed and write:
        FILE.write_bytes(encoded(entries))
    print(f"{len(entries)} networks measured, {changed} {'written' if write else 'differ'}")
    return 1 if changed and not write else 0


def encoded(entries: dict[str, Golden]) -> bytes:
    """The file's bytes: one line for each field, whatever it holds."""
    blocks = []
    for name, entry in entries.items():
        fields = msgspec.to_builtins(entry)
        lines = [f"    {_json(field)}: {_json(value)}" for field, value in fields.items()]
        blocks.append(f"  {_json(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    return ("{\n" + ",\n".join(blocks) + "\n}\n").encode()


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


if __name__ == "__main__":
    sys.exit(main())
