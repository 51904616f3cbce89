"""Compress one network, as `repro compress` does: prune it or make it low-rank, then share or round its weights."""

from collections.abc import Callable
from typing import Any, NamedTuple

from repro import models
from repro.compression import stages
from repro.compression.prune import densities
from repro.compression.rounding import Rounded, Rounder
from repro.formats import files
from repro.formats.shared import CompressedNetwork
from repro.running.calibrating import calibrated
from repro.running.images import Images


class Settings(NamedTuple):
    """Settings of compression: the options of `repro compress`.

    density: share of the weights that pruning keeps, as `compression.prune.densities` reads it.
    svd: share of the weights that low-rank layers have.
    bits: of a weight's code; 32 = weights share no values; None = not said.
    max_bytes, max_loss, frontier: goals of rounding, of which at most one is given.
    coder, init: None, or as `repro compress --help` lists them.
    calibrate: how many images.
    """

    density: str | None
    svd: float | None
    bits: int | None
    max_bytes: int | None
    max_loss: float | None
    frontier: bool
    coder: Any
    init: Any
    calibrate: int | None

    @property
    def goals(self) -> list[str]:
        """The options given that say how far weights are rounded."""
        given = {"--max-bytes": self.max_bytes, "--max-loss": self.max_loss, "--frontier": self.frontier}
        return [name for name, value in given.items() if value]

    @property
    def rounds(self) -> bool:
        """Whether each weight is rounded by itself; with bits given, `max_bytes` is a limit only."""
        return bool(self.goals) and not self.bits


class Stage(NamedTuple):
    """A network on its way into a file. loss: in nats, where weights were rounded."""

    name: str
    network: CompressedNetwork
    bytes: int
    loss: float | None = None


def prepared(network: CompressedNetwork, how: Settings) -> tuple[CompressedNetwork, list[Stage]]:
    """The network pruned or of low rank, and the stages so far."""
    passed = [Stage("weights", network, 4 * network.parameters)]
    if how.density is not None:
        wanted = densities(how.density, models.architecture(network.network, network.options))
        network = stages.prune(network, wanted)
        passed.append(Stage("pruned", network, len(files.encode(network, how.coder or "huffman"))))
    if how.svd is not None:
        network = stages.factor(network, how.svd)
    return network, passed


def shared(network: CompressedNetwork, how: Settings, images: Images | None) -> CompressedNetwork:
    """The network with weights that share a few values; errors are weighed by what images show, if there are any."""
    if how.svd is not None or how.bits == 32:
        return network
    arrays = network.arrays()
    seen = calibrated(network, images, len(images.labels)) if images else {}
    importance = {name: stages.importance(one, arrays[f"{name}.weight"]) for name, one in seen.items()}
    return stages.share(network, how.bits or 8, how.init, importance or None)


def rounded(
    network: CompressedNetwork, how: Settings, images: Images, progress: Callable[[Rounded], None]
) -> tuple[list[Rounded], int]:
    """The network rounded to each goal, and on how many of the images the loss was measured."""
    rounder = Rounder(network, calibrated(network, images), images.prepare(images.images))
    if how.max_bytes is not None:
        found = [rounder.within_bytes(how.max_bytes, progress)]
    elif how.max_loss is not None:
        found = [rounder.within_loss(how.max_loss, progress)]
    else:
        found = rounder.frontier(progress)
    return found, rounder.checked
