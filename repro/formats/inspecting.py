"""Account for every byte of a compressed file, by layer and kind."""

from pathlib import Path
from typing import Any

import numpy as np

from repro import models
from repro.errors import Failure
from repro.formats import coding, container, released, version2
from repro.formats.shared import CompressedNetwork, Shared, dense
from repro.models.layers import Conv, Linear

# The kinds that a reader sees; a bias or batch norm is one kind, whatever sections it has.
KINDS = ("codebook", "tables", "codes", "index", "values", "biases", "header")
FLOAT = 4  # bytes of a number that is not compressed


def account(path: Path) -> list[dict[str, Any]]:
    """A row for each layer of a .sqz file or the released .net, one for the header and checksums, one for all of it.

    layer: its published name. weights: without biases. density: share kept. distinct: values in the codebook.
    bits: that number in bits, rounded up. bits_per_weight: of codes, index and tables, for each weight kept.
    Then bytes by kind (see `KINDS`), `bytes` in all, and `ratio` to float32.

    Raises:
        Failure: the file cannot be read or is damaged.
    """
    if path.suffix == ".net":
        return summed(account_released(released.read(path)), path.stat().st_size)
    data = released.content(path)
    if data[:4] == version2.MAGIC:
        return summed(account_version2(version2.decode(data, str(path)), len(data)), len(data))
    opened, network = container.unwrap(data, str(path)), container.decode(data, str(path))
    definition = models.architecture(network.network, network.options)
    rows: dict[str, dict[str, Any]] = {}
    for entry in opened.header.tensors:
        prefix, _, kind = entry.name.rpartition(".")
        name, _ = definition.named_parts()[prefix]
        row = rows.setdefault(name, {"layer": name, "parameters": 0, **dict.fromkeys(KINDS, 0)})
        tensor = network.tensors[entry.name]
        row["parameters"] += dense(tensor).size
        stored, code_table, codes, index_table, index = entry.lengths
        if kind == "weight" and len(entry.shape) > 1:
            values = len(tensor.codebook) if isinstance(tensor, Shared) else None
            row |= {
                "weights": dense(tensor).size,
                "kept": int((dense(tensor) != 0).sum()),
                "distinct": values,
                "bits": coding.width(values) if values else 16 if entry.half else 32,
            }
            row["codebook" if values else "values"] += stored
            row["tables"] += code_table + index_table
            row["codes"] += codes
            row["index"] += index
        else:
            row["biases"] += sum(entry.lengths)
    rows[""] = {"layer": "header, checksums", **dict.fromkeys(KINDS, 0), "header": sum(opened.overhead.values())}
    return summed(list(rows.values()), opened.size)


def account_version2(network: CompressedNetwork, size: int) -> list[dict[str, Any]]:
    """As `account`, of a file whose layers share one stream: each gets what it takes of information, in whole bytes.

    What is left is the header's: checksums, the coder's states, and less than a byte for each layer and kind.
    """
    entries, parts = version2.parts_of(network)
    definition = models.architecture(network.network, network.options)
    rows: dict[str, dict[str, Any]] = {}
    for (tensor_name, tensor), entry, spent in zip(network.tensors.items(), entries, parts.information, strict=True):
        prefix, _, kind = tensor_name.rpartition(".")
        name, _ = definition.named_parts()[prefix]
        row = rows.setdefault(name, {"layer": name, "parameters": 0, **dict.fromkeys(KINDS, 0)})
        row["parameters"] += dense(tensor).size
        taken = {key: int(bits / 8) for key, bits in spent.items()}
        if kind == "weight" and len(entry.shape) > 1:
            values = len(np.unique(dense(tensor)))
            row |= {
                "weights": dense(tensor).size,
                "kept": int((dense(tensor) != 0).sum()),
                "distinct": values,
                "bits": coding.width(values),
            }
            for key, count in taken.items():
                row[key] += count
        else:
            row["biases"] += sum(taken.values())
    left = size - sum(row[kind] for row in rows.values() for kind in KINDS)
    return [*rows.values(), {"layer": "header, checksums", **dict.fromkeys(KINDS, 0), "header": left}]


def account_released(network: CompressedNetwork) -> list[dict[str, Any]]:
    """As `account`, of a file in the released format: the layers and, before them, how many entries each has."""
    rows = []
    for name, prefix in weight_layers(network).items():
        weight, bias = network.tensors[f"{prefix}.weight"], network.tensors[f"{prefix}.bias"]
        assert isinstance(weight, Shared)
        entries, _ = released.gaps(np.flatnonzero(weight.codes))
        rows.append(
            {
                "layer": name,
                "parameters": weight.codes.size + dense(bias).size,
                "weights": weight.codes.size,
                "kept": int((dense(weight) != 0).sum()),
                "distinct": len(np.unique(weight.codes[weight.codes > 0])),
                "bits": coding.width(released.CODEBOOK),
                **dict.fromkeys(KINDS, 0),
                "codebook": FLOAT * released.CODEBOOK,
                "codes": len(entries),
                "index": -(-len(entries) // 2),
                "biases": FLOAT * dense(bias).size,
            }
        )
    return [*rows, {"layer": "header", **dict.fromkeys(KINDS, 0), "header": 4 * len(rows)}]


def summed(rows: list[dict[str, Any]], size: int) -> list[dict[str, Any]]:
    """The rows with their bytes and ratios, and one for all of a file of this size."""
    for row in rows:
        row["bytes"] = sum(row[kind] for kind in KINDS)
        row["ratio"] = FLOAT * row["parameters"] / row["bytes"] if row.get("parameters") else None
        row |= shares(row) if "weights" in row else {}
    return [*rows, total(rows, size)]


def shares(row: dict[str, Any]) -> dict[str, float | None]:
    """The share of weights kept in a layer or a file, and the bits that each of those takes where they are coded."""
    coded = row["codes"] + row["index"] + row["tables"]
    return {
        "density": row["kept"] / max(1, row["weights"]),
        "bits_per_weight": 8 * coded / max(1, row["kept"]) if coded else None,
    }


def weight_layers(network: CompressedNetwork) -> dict[str, str]:
    """State-dict prefixes of convolutions and dense layers by their published names."""
    definition = models.architecture(network.network, network.options)
    return {
        name: prefix for prefix, (name, part) in definition.named_parts().items() if isinstance(part, Conv | Linear)
    }


def total(rows: list[dict[str, Any]], size: int) -> dict[str, Any]:
    """The sums. Raises Failure where they are not the file's size, which should be unreachable."""
    sums = {key: sum(row.get(key) or 0 for row in rows) for key in ("parameters", "weights", "kept", "bytes", *KINDS)}
    if sums["bytes"] != size:
        raise Failure(f"{sums['bytes']:,} bytes are accounted for, of {size:,}")
    return {"layer": "total", **sums, **shares(sums), "ratio": FLOAT * sums["parameters"] / size}
