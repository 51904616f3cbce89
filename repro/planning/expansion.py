"""Fill in the defaults of an experiment file: `variant` for every row of `variants`, `claim` for every one of `claims`.

    variant = { model = "squeezenet", recipe = { flip = true } }
    variants = [
        { name = "plain" },
        { name = "bypass", options = { bypass = "simple" } },
    ]

A row's own keys win; tables such as `recipe` are joined key by key. The margin of an exact claim is half its
rounding and need not be written.
"""

from typing import Any

from repro.errors import BadInput

DEFAULTS = {"variant": "variants", "claim": "claims"}


def expanded(content: dict[str, Any], where: str) -> dict[str, Any]:
    """The content of a file with each row written in full.

    Raises:
        BadInput: defaults are not a table.
    """
    found = {key: value for key, value in content.items() if key not in DEFAULTS}
    for name, rows in DEFAULTS.items():
        defaults = content.get(name, {})
        if not isinstance(defaults, dict):
            raise BadInput(f"{where}: {name}: expected a table, the defaults of each of the {rows}")
        if isinstance(found.get(rows), list):
            found[rows] = [joined(defaults, row) if isinstance(row, dict) else row for row in found[rows]]
    if isinstance(found.get("claims"), list):
        found["claims"] = [with_margin(claim) if isinstance(claim, dict) else claim for claim in found["claims"]]
    return found


def joined(defaults: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """A row over its defaults; where both have a table, its keys are joined."""
    both = {
        key: joined(value, own[key])
        for key, value in defaults.items()
        if isinstance(value, dict) and isinstance(own.get(key), dict)
    }
    return {**defaults, **own, **both}


def with_margin(claim: dict[str, Any]) -> dict[str, Any]:
    """An exact claim with its margin: a tolerance beyond the rounding would hide a wrong definition."""
    rounding = claim.get("rounding", 0)
    if claim.get("type") != "exact" or "margin" in claim or not isinstance(rounding, int | float):
        return claim
    return {**claim, "margin": rounding / 2}
