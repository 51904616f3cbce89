"""Networks named on the command line, by a file or a run, and the images that they take."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repro.cli import options
from repro.data import DATASETS
from repro.errors import BadInput
from repro.planning.plan import weights_file
from repro.records import Store

if TYPE_CHECKING:
    from repro.formats.shared import CompressedNetwork, Inputs

FILE = click.Path(path_type=Path, dir_okay=False)
IN_MEMORY = [name for name, info in DATASETS.items() if not info.published_bytes]
# Which images a network takes, and where they and the runs are.
images_options = options.stack(
    click.option(
        "--data",
        metavar="DATASET",
        help=f"{', '.join(IN_MEMORY)} or imagenet-val.  [default: what it was trained on, where known]",
    ),
    click.option(
        "--normalisation",
        type=click.Choice(options.NORMALISATIONS),
        help="How images are normalised. data: by the data set's own means and deviations. half: to -1..1. none: only "
        "scaled to 0..1. image: each by its own. imagenet: by ImageNet's. caffe: BGR from 0 to 255 less its means.  "
        "[default: as in training, where known]",
    ),
    options.data_dir,
    options.results_dir,
)


def find_network(source: str, results: Path) -> "CompressedNetwork":
    """The network in a file, or the trained one of a run. Raises BadInput where there is neither."""
    import dataclasses

    from repro.formats import files
    from repro.formats.shared import Inputs

    if Path(source).exists() or "." in source or "/" in source:
        return files.open_network(Path(source))
    found = [record for record in Store(results).all if len(source) >= 4 and record.identity.startswith(source)]
    if len(found) != 1:
        what = "is the beginning of several runs' identities" if found else "is neither a file nor a run's identity"
        raise BadInput(f"{source} {what}; `repro run EXPERIMENT --explain --format json` lists identities")
    run, path = found[0].run, weights_file(found[0].identity)
    if not path.is_file():
        raise BadInput(f"{source}: the run's weights are not here ({path}); only the machine that trained it has them")
    network = files.open_network(path)
    inputs = Inputs(run.data.name, run.data.pixels, run.data.normalisation)
    return dataclasses.replace(network, inputs=inputs)


def inputs_of(network: "CompressedNetwork", data: str | None, normalisation: Any) -> "Inputs":
    """The images that the network takes: those asked for, else those that its file names."""
    import msgspec

    own = network.inputs
    changes = {"data": data or own.data, "normalisation": normalisation or own.normalisation}
    return msgspec.structs.replace(own, **changes)
