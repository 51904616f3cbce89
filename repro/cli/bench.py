"""`repro bench`: measure speed, memory and start-up."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from repro.cli import options
from repro.cli.terminal import say

if TYPE_CHECKING:
    from repro.benchmarking.tables import Sheet

EXAMPLES = """\b
Examples:
  repro bench                                         everything, about twelve minutes on two idle cores
  repro bench --quick                                 start-up, loops and coders in two minutes, written nowhere
  repro bench training --network squeezenet
  repro bench startup --format json
"""

networks = click.option(
    "--network",
    "networks",
    multiple=True,
    type=click.Choice(["squeezenet", "alexnet", "vgg19", "mini-squeezenet"]),
    help="Only this one; may be given again.  [default: all]",
)
seconds = click.option(
    "--seconds", type=click.FloatRange(min=0.001), default=1.5, show_default=True, help="Length of a turn."
)
rounds = click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="Turns of each side.")


# What `--quick` measures, and by which options.
QUICK = {
    "startup": ["--repeats", "5"],
    "loops": ["--seconds", "0.5", "--rounds", "3"],
    "compression": ["--rounds", "3"],
}


@click.group("bench", epilog=EXAMPLES, invoke_without_command=True)
@click.option("--quick", is_flag=True, help="A rough answer in two minutes; the tables in results/ stay as they are.")
@click.pass_context
def bench_command(context: click.Context, quick: bool) -> None:
    """Measure speed, memory and start-up, on a machine that does nothing else meanwhile.

    Writes tables/bench-*.md and .csv into the results folder; docs/benchmark.md has the method. Without a command
    all of them, one after the other.
    """
    if context.invoked_subcommand is not None:
        if quick:
            raise click.UsageError("--quick goes without a command")
        return
    context.obj = quick
    everything = (
        startup_command,
        report_command,
        compression_command,
        loops_command,
        training_command,
        memory_command,
        scaling_command,
    )
    for command in everything:
        assert command.name
        if not quick or command.name in QUICK:
            with command.make_context(command.name, QUICK[command.name] if quick else [], parent=context) as own:
                command.invoke(own)


@bench_command.command("training", short_help="The loop against a plain torchvision loop.")
@networks
@seconds
@rounds
@options.device
@options.data_dir
@options.results_dir
@options.output_format
def training_command(
    networks: tuple[str, ...],
    seconds: float,
    rounds: int,
    device: str,
    data_dir: Path,
    results_dir: Path,
    output_format: str,
) -> None:
    """Compare the loop with a plain torchvision loop, in turns, and with the machine's matrix product."""
    from repro.benchmarking import training

    finish(training.measure(networks, seconds, rounds, device, data_dir, show_line), results_dir, output_format)


@bench_command.command("loops", short_help="Loops that people use today, on a CPU.")
@seconds
@rounds
@options.data_dir
@options.results_dir
@options.output_format
def loops_command(seconds: float, rounds: int, data_dir: Path, results_dir: Path, output_format: str) -> None:
    """Time SqueezeNet by torchvision's reference loop, timm's loader, torch.compile and this project, on the CPU.

    timm is left out where it is not installed: pip install 'squeezenet-repro[bench]'.
    """
    from repro.benchmarking import loops

    finish(loops.measure(seconds, rounds, data_dir, show_line), results_dir, output_format)


@bench_command.command("memory", short_help="The most memory that a run holds.")
@networks
@options.device
@options.data_dir
@options.results_dir
@options.output_format
def memory_command(
    networks: tuple[str, ...], device: str, data_dir: Path, results_dir: Path, output_format: str
) -> None:
    """Measure the most memory that a run on CIFAR-10 holds, for each network."""
    from repro.benchmarking import memory

    finish(memory.measure(networks, device, data_dir, show_line), results_dir, output_format)


@bench_command.command("scaling", short_help="Time and memory as sizes double.")
@options.device
@options.results_dir
@options.output_format
def scaling_command(device: str, results_dir: Path, output_format: str) -> None:
    """Measure time and memory as training set, batch, input and number of runs double."""
    from repro.benchmarking import scaling

    finish(scaling.measure(results_dir, device, progress=show_line), results_dir, output_format)


@bench_command.command("startup", short_help="Start-up time of commands.")
@click.option("--repeats", type=click.IntRange(min=1), default=15, show_default=True, help="Starts of each command.")
@options.results_dir
@options.output_format
def startup_command(repeats: int, results_dir: Path, output_format: str) -> None:
    """Time `--help`, `--version` and `list`, from the start of the process to its end."""
    from repro.benchmarking import startup

    finish(startup.measure(repeats, show_line), results_dir, output_format)


@bench_command.command("report", short_help="Seconds of each stage of `repro report`.")
@options.data_dir
@options.results_dir
@options.output_format
def report_command(data_dir: Path, results_dir: Path, output_format: str) -> None:
    """Time each stage of `repro report`, in a copy of the results folder."""
    from repro.benchmarking import stages

    finish(stages.measure(results_dir, data_dir, show_line), results_dir, output_format)


@bench_command.command("compression", short_help="Encoding and decoding SqueezeNet, by each coder.")
@click.option("--rounds", type=click.IntRange(min=1), default=11, show_default=True, help="Files by each coder.")
@options.data_dir
@options.results_dir
@options.output_format
def compression_command(rounds: int, data_dir: Path, results_dir: Path, output_format: str) -> None:
    """Time encoding and decoding of the whole SqueezeNet, by each coder."""
    from repro.benchmarking import compression

    finish(compression.measure(rounds, data_dir, show_line), results_dir, output_format)


def show_line(line: str) -> None:
    """Say what is measured next."""
    say(f"measuring {line}", err=True)


def finish(sheets: list["Sheet"], results_dir: Path, output_format: str) -> None:
    """Write the tables, but for a quick measurement, and print them."""
    from repro.benchmarking.tables import show

    quick = click.get_current_context().find_object(bool)
    for sheet in [] if quick else sheets:
        sheet.write(results_dir)
    show(sheets, output_format)
