"""The look of verdicts on the page: a mark and a word, never by colour alone."""

from typing import Any

from repro.reporting.table import DASH
from repro.rules.claim import OUTCOMES

OUTCOME: dict[str, dict[str, Any]] = {
    name: {"name": name, "mark": mark, "css": css, "shape": shape, "order": order}
    for order, (name, mark, css, shape) in enumerate(
        zip(
            OUTCOMES,
            ("\N{CHECK MARK}", "\N{CIRCLE WITH LEFT HALF BLACK}", "\N{MULTIPLICATION X}", "?", DASH),
            ("good", "half", "bad", "open", "none"),
            ("dot", "square", "cross", "ring", "ring"),
            strict=True,
        )
    )
}
