"""Options that change a network, its data or its recipe, for `repro ablate` and `repro sweep`."""

from collections.abc import Callable
from typing import Any

import click

from repro import models
from repro.cli import options
from repro.cli.options import read_value
from repro.data import DATASETS
from repro.errors import BadInput, unknown
from repro.planning.experiments import Variant

# Options of networks that have a flag of their own: name, placeholder, help.
FLAGS = [
    ("remove", "FIRES", "Fire modules to leave out: fire2,fire5."),
    ("batch-norm", "PLACES", "Batch norm after conv1, squeeze, expand, conv10, or all."),
    ("squeeze-factor", "FACTOR", "Squeeze and expand fire modules, the squeeze ones divided by 1, 2, 4 or 8."),
    ("bypass", "KIND", "simple or complex."),
    ("squeeze-ratio", "RATIO", "Squeeze filters over expand filters; published .125."),
    ("pct3x3", "SHARE", "Share of 3x3 filters in the expand layers; published .5."),
    ("base-e", "FILTERS", "Expand filters of the first fire modules; published 128."),
    ("incr-e", "FILTERS", "How many more expand filters every `freq` fire modules; published 128."),
    ("freq", "FIRES", "After how many fire modules the expand filters grow; published 2."),
    ("compression", "WIDTH", "Factor on conv1 and the squeeze widths; published 1."),
    ("pools", "PLACES", "After which layers the max pools stand; published conv1,fire4,fire8: 1,4,8."),
    ("version", "VERSION", "1.0 or 1.1."),
    ("dropout", "SHARE", "Share of dropout before the last layer; published .5."),
    ("initialisation", "KIND", "torchvision, caffe, glorot, he or orthogonal."),
    ("unit", "ORDER", "Order in preact-squeezenet: bn-relu-conv, conv-bn-relu, conv-relu."),
]
PARTS = ("options", "recipe", "data")


def flags(function: Callable[..., Any]) -> Callable[..., Any]:
    """The flags of `FLAGS`."""
    for name, placeholder, text in reversed(FLAGS):
        function = click.option(f"--{name}", metavar=placeholder, help=text)(function)
    return function


def images(dataset: str) -> dict[str, Any]:
    """A data set as a variant names it; its classes are drawn equally often where its source does that."""
    return {"name": dataset, "balanced": dataset in DATASETS and DATASETS[dataset].balanced}


def parted(settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Dotted names (`recipe.shear`) and their values, by part; all of `PARTS` are there.

    Raises:
        BadInput: a name begins with none of them.
    """
    parts: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for name, value in settings.items():
        part, _, key = name.partition(".")
        if part not in parts or not key:
            raise unknown("setting", name, [f"{part}.NAME" for part in PARTS], "a change")
        parts[part][key] = value
    return parts


def variant(name: str, model: str, data: dict[str, Any], settings: dict[str, Any], **more: Any) -> Variant:
    """A network with changed settings, as one variant of an experiment."""
    parts = parted(settings)
    return Variant(
        name=name, model=model, options=parts["options"], data=data | parts["data"], recipe=parts["recipe"], **more
    )


def label(model: str, settings: dict[str, Any]) -> str:
    """Changed settings in words: options as the network understands them, the others as they were given."""
    parts = parted(settings)
    said = [words(f"options.{name}", value) for name, value in models.understood(model, parts["options"]).items()]
    return ", ".join(
        said + [words(f"{part}.{n}", value) for part in ("recipe", "data") for n, value in parts[part].items()]
    )


# Options that read better otherwise than by name and value: the words for a value.
WORDED: dict[str, Callable[[Any], str]] = {
    "remove": lambda value: f"without {listed(value, 'fire')}",
    "batch_norm": lambda value: "without batch norm" if value == "none" else f"with batch norm after {listed(value)}",
    "bypass": lambda value: "without bypass" if value == "none" else f"with {value} bypass",
    "final_relu": lambda value: "with a last ReLU" if value else "without the last ReLU",
    "separable": lambda value: "with separable filters" if value else "with full filters",
}


def words(name: str, value: Any) -> str:
    """A setting and its value as a reader says them: "without fire2 and fire5", "with dropout 0"."""
    short = name.partition(".")[2]
    if name.startswith("options.") and short in WORDED:
        return WORDED[short](value)
    return f"with {short.replace('_', ' ')} {spoken(value)}"


def listed(value: Any, prefix: str = "") -> str:
    """One or several places: "fire2, fire3 and fire5"."""
    places = value if isinstance(value, list | tuple) else str(value).split(",")
    names = [f"{prefix}{place}" if str(place).isdigit() else str(place) for place in places]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "nothing"


def where(dataset: str) -> str:
    """On which images, where these are not those that are taken by default."""
    return "" if dataset == options.DATASET else f", on {dataset}"


def several(name: str, text: str) -> list[Any]:
    """The values of a sweep: separated by commas; the items of a value that is a list itself, by `+`.

    Raises:
        BadInput: there is no value, or one is there twice.
    """
    values = [word.strip() for word in text.split(",")]
    if not all(values) or len(set(values)) < len(values):
        raise BadInput(f"{name}={text}: give different values with commas between them, such as .125,.25,.5")
    return [
        [read_value(item) for item in word.split("+")] if "+" in word and not is_number(word) else read_value(word)
        for word in values
    ]


def is_number(word: str) -> bool:
    """Whether a word such as 1e+3 is a number."""
    return isinstance(read_value(word), int | float)


def spoken(value: Any) -> str:
    """A value as it would be typed."""
    return "+".join(map(str, value)) if isinstance(value, list) else str(value).lower()
