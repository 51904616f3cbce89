"""What `repro summary` shows: a network layer by layer, as plain data."""

from collections.abc import Mapping
from typing import Any

from repro.errors import BadInput

from . import architecture, canonical, input_shape
from .layers import AnyLayer, Shape

# Layers that neither hold parameters nor change the shape say nothing in a table.
SILENT = ("relu", "dropout")


def summarise(name: str, options: Mapping[str, Any], input: Shape | None = None) -> dict[str, Any]:
    """A network's layers and totals for one input (channels, height, width); None = the size its source states.

    Keys: `network`, `options`, `input`, `parameters`, `macs`, `bytes` (float32), and `layers`: rows of `name`, `kind`,
    `output` (channels, height, width), `parameters`, `macs`, `share` (of all parameters) and `parts` (a fire module's
    layers, as rows with the same keys). Raises BadInput where the input does not fit.
    """
    resolved = architecture(name, options)
    shape = input or input_shape(name, options)
    total = resolved.parameters
    rows: list[dict[str, Any]] = []
    try:
        for layer, taken, output in resolved.trace(shape):
            if layer.__struct_config__.tag not in SILENT:
                rows.append(_row(layer, taken, output, total) | {"parts": _parts(layer, taken, total)})
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None
    return {
        "network": name,
        "options": canonical(name, options),
        "input": list(shape),
        "parameters": total,
        "macs": sum(row["macs"] for row in rows),
        "bytes": 4 * total,
        "layers": rows,
    }


def _row(layer: Any, taken: Shape, output: Shape, total: int) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.__struct_config__.tag,
        "output": list(output),
        "parameters": layer.parameters,
        "macs": layer.macs(taken),
        "share": layer.parameters / total,
    }


def _parts(layer: AnyLayer, taken: Shape, total: int) -> list[dict[str, Any]]:
    rows = []
    for part in layer.parts().values():
        # All parts work at the module's output size; one with a stride takes the module's input.
        sizes = taken if getattr(part, "stride", 1) > 1 else layer.output(taken)
        inside = (part.inputs, *sizes[1:])
        rows.append(_row(part, inside, part.output(inside), total))
    return rows
