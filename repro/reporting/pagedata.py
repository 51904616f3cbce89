"""Data for the page's script: the runs behind each experiment, and their training curves."""

import json
import math
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from repro.config.specification import Budget, Run
from repro.judging.evidence import value
from repro.records import Record, Store
from repro.reporting.figures.curves import on_the_way, trained
from repro.reporting.figures.selection import first_protocol
from repro.reporting.figures.words import published_text
from repro.reporting.summary import Section, duration


def script_safe(content: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def run_tables(sections: list[Section], store: Store) -> dict[str, Any]:
    """The runs of all experiments, for the page's script: texts stand there once."""
    words: dict[str, int] = {}
    tables = {
        section.experiment.name: [
            [*numbers, *(words.setdefault(text, len(words)) for text in texts)]
            for numbers, texts in run_rows(section, store)
        ]
        for section in sections
        if section.records
    }
    return {"words": list(words), "tables": tables}


def run_rows(section: Section, store: Store) -> Iterator[tuple[list[Any], list[str]]]:
    """The runs behind an experiment, in the order of its table."""
    for budget, items in section.evidence.items():
        for item in first_protocol(items):
            for record in item.records:
                yield run_row(record, item.variant.title, budget, section, store)


def run_row(
    record: Record, variant: str, budget: Budget, section: Section, store: Store
) -> tuple[list[Any], list[str]]:
    """One run: its identity, numbers and percentages; then its texts, in the order of the columns."""
    place = store.place(record.run, record.identity).relative_to(store.folder.parent)
    percents = [value(record, protocol, store) for protocol in section.experiment.protocols]
    environment = record.environment
    commit = (environment.get("commit") or "")[:10]
    numbers = [place.name, record.run.seed, round(record.seconds), ["" if p is None else f"{p:.1f}" for p in percents]]
    return numbers, [
        place.parent.as_posix(),
        variant,
        budget,
        record.status,
        configuration(record.run),
        duration(record.seconds),
        environment.get("device_name") or environment.get("device") or "",
        commit + (" (changed)" if environment.get("dirty") else ""),
    ]


def configuration(run: Run) -> str:
    """A run's settings in a line; its record has all of them."""
    recipe, images = run.recipe, run.data
    options = ", ".join(f"{name}={value}" for name, value in run.model.options.items() if name != "classes")
    parts = [
        f"{run.model.name}({options})" if options else run.model.name,
        f"{images.name} at {images.pixels} px{', synthetic' if images.synthetic else ''}"
        + (f", {images.train_images:,} images" if images.train_images else ""),
        f"{recipe.optimizer} {recipe.learning_rate:g} {recipe.schedule}",
        f"batch {recipe.batch}, {recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
        + (f" of {recipe.steps:,} batches" if recipe.steps else ""),
    ]
    changes = {
        "flips": recipe.flip,
        f"crops after padding by {recipe.crop_padding}": recipe.crop_padding,
        f"crops of {recipe.crop} from {' to '.join(map(str, recipe.resize))} px": recipe.crop,
        f"shear {recipe.shear:g} {recipe.shear_unit}": recipe.shear,
        f"zoom {recipe.zoom:g}": recipe.zoom,
    }
    if made := [name for name, there in changes.items() if there]:
        parts.append(", ".join(made))
    if images.holdout:
        parts.append(f"{images.holdout:,} training images held out and measured")
    return "; ".join(parts)


def learning_curves(section: Section, store: Store) -> dict[str, list[dict[str, Any]]]:
    """Accuracy in percent after each epoch, by budget and variant: one row for each seed, for the page's script.

    failed: the rows of seeds that did not train, which are left out of the mean.
    published: epoch, value and text of what is published of some epochs.
    """
    curves: dict[str, list[dict[str, Any]]] = {}
    for budget, items in section.evidence.items():
        curves[budget] = []
        for item in trained(items):
            histories = [store.history(record) for record in item.records]
            if any(histories):
                failed = [seed for seed, lost in enumerate(item.failed) if lost]
                stated = [[c.epoch, c.published, published_text(c)] for c in on_the_way(section.experiment, item)]
                curves[budget].append(
                    {
                        "name": item.variant.title,
                        "test": [[percent(epoch.test_accuracy) for epoch in history] for history in histories],
                        "train": [[percent(epoch.train_accuracy) for epoch in history] for history in histories],
                    }
                    | ({"failed": failed} if failed else {})
                    | ({"published": stated} if stated else {})
                )
    return {budget: variants for budget, variants in curves.items() if variants}


def percent(share: float) -> float | None:
    """A share in percent, to a tenth."""
    return round(100 * share, 1) if math.isfinite(share) else None
