"""Summarise a network layer by layer, as plain data, for `repro summary`."""

from collections.abc import Callable, Mapping
from typing import Any

from repro.errors import BadInput, Failure

from . import architecture, build, canonical, input_shape
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


def measured(name: str, options: Mapping[str, Any], input: Shape) -> dict[str, Any]:
    """As `summarise`, of a network from outside: it is built and shown one image; torch counts what it computes.

    `layers` are its modules without modules inside, in the order in which they are called.

    Raises:
        Failure: it cannot be built, or does not take such an image.
    """
    import torch
    from torch import nn
    from torch.utils.flop_counter import FlopCounterMode

    network = build(name, **canonical(name, options)).eval()
    total = sum(parameter.numel() for parameter in network.parameters())
    rows: list[dict[str, Any]] = []

    def called(path: str) -> Callable[[nn.Module, Any, Any], None]:
        def note(module: nn.Module, taken: Any, output: Any) -> None:
            known = any(row["name"] == path for row in rows)
            count = 0 if known else sum(parameter.numel() for parameter in module.parameters())
            shape = list(output.shape[1:]) if isinstance(output, torch.Tensor) else []
            rows.append({"name": path, "kind": type(module).__name__, "output": shape, "parameters": count})

        return note

    for path, module in network.named_modules():
        if path and not list(module.children()):
            module.register_forward_hook(called(path))
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, *input))
    except Exception as error:
        raise Failure(f"{name}: {type(error).__name__}: {' '.join(str(error).split())}") from error
    counts, root = counter.get_flop_counts(), type(network).__name__
    for row in rows:
        row["macs"] = sum(counts.get(f"{root}.{row['name']}", {}).values()) // 2
        row["share"] = row["parameters"] / max(1, total)
    return {
        "network": name,
        "options": canonical(name, options),
        "input": list(input),
        "parameters": total,
        "macs": counter.get_total_flops() // 2,
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
