"""Telling a person how a plan goes: live on a terminal, plain lines elsewhere."""

import time

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from repro.planning.plan import Step
from repro.planning.specification import Run
from repro.records import Epoch, Record
from repro.reporting.summary import duration

PLAIN_EVERY = 30.0  # seconds between plain lines of one epoch


def describe_run(run: Run) -> str:
    """A run in few words: network with its options, data, seed."""
    hidden = ("classes", "stem")
    options = ", ".join(f"{name}={value}" for name, value in run.model.options.items() if name not in hidden)
    network = run.model.name + (f" ({options})" if options else "")
    data = run.data.name + (" stand-in" if run.data.synthetic else "")
    return f"{network} on {data}, seed {run.seed}"


class Teller:
    """The audience of `carry_out`: progress on stderr, so that tables on stdout stay clean."""

    def __init__(self, total: int):
        self.total, self.number = total, 0
        self.console = Console(stderr=True)
        self.live: Progress | None = None

    def begins(self, step: Step) -> None:
        """Say which run starts, and whether it goes on from a checkpoint."""
        self.number += 1
        how = {"to resume": ", resumed", "to measure": ", measured only"}.get(step.state, "")
        text = f"[{self.number}/{self.total}] {describe_run(step.run)}{how}"
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def watch(self, step: Step):
        """The loop's watcher: a live bar with images/s, loss, accuracy and time left, or a line now and then."""
        return self.bar(step.run) if self.console.is_terminal else self.lines(step.run)

    def bar(self, run: Run):
        """A live bar over the whole run."""
        columns = [
            TextColumn("  epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:3.0f} %  {task.fields[rate]:,.0f} images/s"),
            TextColumn("loss {task.fields[loss]:.3f}  accuracy {task.fields[accuracy]:.1%}"),
            TimeRemainingColumn(),
        ]
        self.live = Progress(*columns, console=self.console, transient=True)
        fields = {"epoch": f"1/{run.recipe.epochs}", "rate": 0.0, "loss": 0.0, "accuracy": 0.0}
        task = self.live.add_task("", total=None, **fields)
        self.live.start()
        began: list[float] = []
        first: list[int] = []

        def watch(epoch: int, seen: int, of: int, loss: float, accuracy: float) -> None:
            if self.live is None:
                return
            done, now = epoch * of + seen, time.monotonic()
            if not began:
                began.append(now)
                first.append(done)
            rate = (done - first[0]) / max(now - began[0], 1e-6)
            text = f"{epoch + 1}/{run.recipe.epochs}"
            self.live.update(
                task, completed=done, total=run.recipe.epochs * of, epoch=text, rate=rate, loss=loss, accuracy=accuracy
            )

        return watch

    def lines(self, run: Run):
        """A plain line when an epoch ends, and every half minute within one."""
        last = [time.monotonic()]

        def watch(epoch: int, seen: int, of: int, loss: float, accuracy: float) -> None:
            now = time.monotonic()
            if seen >= of or now - last[0] > PLAIN_EVERY:
                last[0] = now
                place = f"epoch {epoch + 1}/{run.recipe.epochs}" + ("" if seen >= of else f", {seen / of:.0%}")
                click.echo(f"  {place}: loss {loss:.3f}, training accuracy {accuracy:.1%}", err=True)

        return watch

    def stop(self) -> None:
        """End the live bar, if there is one."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def finished(self, step: Step, record: Record, history: list[Epoch]) -> None:
        """Say what came out."""
        self.stop()
        measured = record.measurements["described"]
        click.echo(
            f"  {record.status}: {measured.accuracy:.2f} % of {sum(measured.total):,} test images, "
            f"{duration(record.seconds)}, {record.images_per_second:,.0f} images/s",
            err=True,
        )

    def failed(self, step: Step, reason: str) -> None:
        """Say at once what failed; the rest goes on."""
        self.stop()
        click.echo(f"  error: {describe_run(step.run)}: {reason}", err=True)

    def waits(self, step: Step) -> None:
        """Say that another process has the rest."""
        click.echo(f"another process is working on {describe_run(step.run)}; waiting for it", err=True)
