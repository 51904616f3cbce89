"""BibTeX of what results rest on: the sources, networks and data sets."""

import re
from collections.abc import Iterable

from repro import __version__
from repro.config.specification import BUDGETS
from repro.data import DATASETS, find
from repro.planning import study
from repro.planning.experiments import Experiment, Variant

SUITE = f"""@software{{repro,
  author  = {{{{the repro authors}}}},
  title   = {{repro: the science of {{SqueezeNet}}, run again}},
  version = {{{__version__}}}
}}"""


def titled(name: str) -> str:
    """The title of a source, network or data set, without the braces of BibTeX."""
    found = re.search(r"\btitle\s*=\s*\{(.*)\},$", study.current().entry(name), re.MULTILINE)
    return found[1].replace("{", "").replace("}", "") if found else name


def address(name: str) -> str:
    """The address of a source on the web: its arXiv page or its repository; empty where its entry has neither."""
    entry = study.current().entry(name).replace("\\_", "_")
    if found := re.search(r"arXiv[: ](\d{4}\.\d{4,5})", entry):
        return f"https://arxiv.org/abs/{found[1]}"
    found = re.search(r"github\.com/[\w.-]+/[\w.-]+", entry)
    return f"https://{found[0]}" if found else ""


def bibliography(experiments: Iterable[Experiment]) -> list[str]:
    """BibTeX entries for the suite and for the sources, networks and data that these experiments rest on."""
    names: list[str] = []
    for experiment in experiments:
        names += [claim.source for claim in experiment.claims]
        for variant in experiment.variants:
            names += ["paper", variant.model]
            if experiment.work.trains or experiment.work.has_weights:
                names += data_of(experiment, variant)
    return [SUITE, *dict.fromkeys(entry for entry in map(entry_of, names) if entry)]


def data_of(experiment: Experiment, variant: Variant) -> list[str]:
    """The data sets of a variant, at any budget."""
    settings = [getattr(part, budget) for part in (experiment, variant) for budget in BUDGETS]
    named = [part.data["name"] for part in (variant, *settings) if "name" in part.data]
    return named or ["cifar10"]


def entry_of(name: str) -> str:
    """The entry of a source, network or data set; empty where it has none."""
    if name in DATASETS:
        return find(name).citation
    return study.current().entry(name) or study.read(study.shipped()).networks.get(name, "")
