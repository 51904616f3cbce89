"""Show the progress of runs: a live display on a terminal, plain lines elsewhere."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from repro.config.specification import Run
from repro.errors import printable
from repro.planning import plan
from repro.planning.plan import Step
from repro.records import Epoch, Record
from repro.records.store import run_key
from repro.reporting.summary import duration

PLAIN_EVERY = 30.0  # seconds between plain lines of one epoch


def describe_run(run: Run) -> str:
    """A run in few words: network with its options, what was done to its weights first, data, seed."""
    hidden = ("classes", "stem")
    options = ", ".join(f"{name}={value}" for name, value in run.model.options.items() if name not in hidden)
    network = run.model.name + (f" ({options})" if options else "")
    data = run.data.name + (" stand-in" if run.data.synthetic else "")
    stages = "".join(f", {words}" for words in map(stage_words, plan.chain(run)[1:]))
    return f"{network}{stages} on {data}, seed {run.seed}"


def stage_words(run: Run) -> str:
    """Describe what a stage does to the weights of the run before it."""
    hold = run.hold
    if hold.svd:
        return f"low rank {hold.svd}"
    if hold.bits:
        return f"{hold.bits} bits"
    if hold.density:
        return f"pruned {hold.density}"
    return "dense again" if hold.free else "trained further"


class ProgressDisplay:
    """Shows how a plan is carried out: on stderr, so that tables on stdout stay clean.

    together: several runs go on at a time, so every line says of which run it is.
    quiet: another process talks.
    """

    def __init__(self, total: int, together: bool = False, quiet: bool = False):
        self.total, self.together = total, together
        self.numbers: dict[bytes, int] = {}
        self.bars: dict[bytes, TaskID] = {}
        self.console = Console(stderr=True, quiet=quiet)
        self.live: Progress | None = None

    def label(self, step: Step) -> str:
        """The run's number among all, in the order in which they begin."""
        return f"[{self.numbers.setdefault(run_key(step.run), len(self.numbers) + 1)}/{self.total}]"

    def margin(self, step: Step) -> str:
        """The prefix of a line on a run that has begun."""
        return self.label(step) if self.together else " "

    def say(self, line: str) -> None:
        """A line, above the live display where there is one."""
        self.console.print(printable(line), highlight=False, markup=False, soft_wrap=True)

    def begins(self, step: Step) -> None:
        """Say which run starts, and whether it goes on from a checkpoint."""
        how = {"to resume": ", resumed", "to measure": ", measured only"}.get(step.state, "")
        self.say(f"{self.label(step)} {describe_run(step.run)}{how}")

    def restores(self, step: Step, prior: Run):
        """Say which run is trained again, this one or one before it; its watcher."""
        self.say(f"{self.margin(step)} trained again, as its weights are missing or damaged: {describe_run(prior)}")
        return self.follow(step, prior)

    def watch(self, step: Step):
        """The loop's watcher: a live bar with images/s, loss, accuracy and time left, or a line now and then."""
        return self.follow(step, step.run)

    def follow(self, step: Step, run: Run):
        """A watcher of the step's run, or of one before it."""
        return self.bar(step, run) if self.console.is_terminal else self.lines(step, run)

    def bar(self, step: Step, run: Run):
        """A live bar over the whole run."""
        key = run_key(step.run)
        columns = [
            TextColumn("{task.description} epoch {task.fields[epoch]}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:3.0f} %  {task.fields[rate]:,.0f} images/s"),
            TextColumn("loss {task.fields[loss]:.3f}  accuracy {task.fields[accuracy]:.1%}"),
            TimeRemainingColumn(),
        ]
        self.end(step)  # of the run before it, or left by a process that was killed
        live = self.live = self.live or Progress(*columns, console=self.console, transient=True)
        fields = {"epoch": f"1/{run.recipe.epochs}", "rate": 0.0, "loss": 0.0, "accuracy": 0.0}
        task = self.bars[key] = live.add_task(self.margin(step), total=None, **fields)
        live.start()
        began: list[float] = []
        first: list[int] = []

        def watch(epoch: int, seen: int, of: int, loss: float, accuracy: float, ended: Epoch | None = None) -> None:
            if key not in self.bars:
                return
            done, now = epoch * of + seen, time.monotonic()
            if not began:
                began.append(now)
                first.append(done)
            rate = (done - first[0]) / max(now - began[0], 1e-6)
            text = f"{epoch + 1}/{run.recipe.epochs}"
            live.update(
                task, completed=done, total=run.recipe.epochs * of, epoch=text, rate=rate, loss=loss, accuracy=accuracy
            )

        return watch

    def lines(self, step: Step, run: Run):
        """A plain line when an epoch ends, and every half minute within one."""
        last = [time.monotonic()]

        def watch(epoch: int, seen: int, of: int, loss: float, accuracy: float, ended: Epoch | None = None) -> None:
            now = time.monotonic()
            if seen >= of or now - last[0] > PLAIN_EVERY:
                last[0] = now
                place = f"epoch {epoch + 1}/{run.recipe.epochs}" + ("" if seen >= of else f", {seen / of:.0%}")
                self.say(f"{self.margin(step)} {place}: loss {loss:.3f}, training accuracy {accuracy:.1%}")

        return watch

    def end(self, step: Step) -> None:
        """Take the run's bar away, if it has one; the last one takes the display with it."""
        bar = self.bars.pop(run_key(step.run), None)
        if self.live is not None and bar is not None:
            self.live.remove_task(bar)
            if not self.bars:
                self.stop()

    def stop(self) -> None:
        """End the live display, if there is one."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def finished(self, step: Step, record: Record, history: list[Epoch]) -> None:
        """Say what came out."""
        self.end(step)
        measured = record.measurements["described"]
        self.say(
            f"{self.margin(step)} {record.status}: {measured.accuracy:.2f} % of {sum(measured.total):,} test images, "
            f"{duration(record.seconds)}, {record.images_per_second:,.0f} images/s"
        )
        if damaged := record.environment.get("replaced"):
            names = ", ".join(damaged[:3]) + (", ..." if len(damaged) > 3 else "")
            self.say(
                f"{self.margin(step)} unreadable images, replaced by others of their class: {len(damaged):,} ({names})"
            )

    def failed(self, step: Step, reason: str) -> None:
        """Say at once what failed; the rest goes on."""
        self.end(step)
        self.say(f"{self.margin(step)} error: {describe_run(step.run)}: {reason}")

    def waits(self, step: Step) -> None:
        """Say that another process has the rest."""
        self.say(f"another process is working on {describe_run(step.run)}; waiting for it")
