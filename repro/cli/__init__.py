"""The command line: parses, calls, prints. Commands are imported when they are used, so that help is instant."""

import importlib
import os
import re
import sys
from typing import Any

import click

from repro import __version__
from repro.errors import Failure, nearest, printable, unknown

# verb: (module, one line of help)
VERBS = {
    "new": ("repro.cli.new", "Begin a study of your own."),
    "list": ("repro.cli.listing", "Experiments of the suite and the progress of each."),
    "run": ("repro.cli.run", "Run experiments, show their tables."),
    "decide": ("repro.cli.decide", "Spend hours where they decide most claims."),
    "ablate": ("repro.cli.ablate", "Change a network, train both, compare."),
    "sweep": ("repro.cli.sweep", "Train a network over a grid of settings, show table and figure."),
    "train": ("repro.cli.train", "Train one network."),
    "summary": ("repro.cli.summary", "A network's layers, parameters and multiply-accumulates."),
    "import": ("repro.cli.weights", "Bring weights of other programs into a network."),
    "export": ("repro.cli.weights", "Write a network as safetensors or ONNX."),
    "compress": ("repro.cli.compress", "Prune, share and code a network into a file."),
    "decompress": ("repro.cli.compress", "Write a compressed network's weights out again."),
    "inspect": ("repro.cli.inspect", "Bytes of a compressed file, by layer and kind."),
    "evaluate": ("repro.cli.evaluate", "Measure a network on real images."),
    "claims": ("repro.cli.claims", "Published numbers and their verdicts."),
    "compare": ("repro.cli.claims", "Judge two results folders against each other."),
    "merge": ("repro.cli.merge", "Join the records of another results folder."),
    "export-records": ("repro.cli.records", "All records as one table: CSV or Parquet."),
    "cite": ("repro.cli.cite", "BibTeX of the sources, networks and data sets."),
    "data": ("repro.cli.data", "Data sets: download, check, show where they belong."),
    "status": ("repro.cli.status", "Runs that are done, interrupted and missing."),
    "report": ("repro.cli.report", "Rebuild tables, figures and the page from records."),
    "bench": ("repro.cli.bench", "Measure speed, memory and start-up."),
    "completion": ("repro.cli.completion", "Shell completion."),
}

EXAMPLES = """\b
Examples:
  repro run table1 --budget smoke      a first table in two minutes, no download
  repro run table1                     on real images, for a laptop
  repro ablate --remove fire2,fire5    what do these two modules bring?
  repro summary squeezenet --classes 10
"""


class Verbs(click.Group):
    """A group whose commands are imported when they are called; help lists them without."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(VERBS[cmd_name][0])
        return getattr(module, f"{cmd_name.replace('-', '_')}_command")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] == "help":
            if not args[1:]:
                click.echo(ctx.get_help())
                ctx.exit()
            args = [*args[1:], "--help"]  # `repro help run` is `repro run --help`
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise unknown("command", args[0], VERBS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(cls=Verbs, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="repro")
@click.option(
    "--study",
    metavar="FOLDER",
    help="The study to work on: a folder with a study.toml.  [default: the one you are in, else SqueezeNet's]",
)
def cli(study: str | None) -> None:
    """Re-run the science of SqueezeNet, or of a study of your own, and judge each published number."""
    if study is not None:
        # Through the environment, so that processes started for runs know it too.
        os.environ["REPRO_STUDY"] = os.path.abspath(study)


def one_line(error: click.ClickException) -> str:
    """An error of click in the project's form: one line, and where to read on."""
    message = " ".join(error.format_message().split()).removesuffix(".").replace(". (", " (")
    if wrong := re.search(r"'([^']*)' is not one of (.*)", message):
        near = nearest(wrong[1], re.findall(r"'(.*?)'", wrong[2]))
        message += f"; did you mean {near!r}?" if near else ""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message[:1].lower()}{message[1:]}" + (f"; see `{context.command_path} --help`" if context else "")


def main(arguments: list[str] | None = None) -> None:
    """The program: errors a user can act on are one line on stderr, exit 1 (failure) or 2 (usage)."""
    try:
        code: Any = cli.main(args=arguments, prog_name="repro", standalone_mode=False)
    except Failure as failure:
        click.echo(f"error: {printable(str(failure))}", err=True)
        code = failure.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt) as stopped:
        # click makes an Abort of Ctrl-C; one of its own is the answer no to a question.
        pressed = isinstance(stopped.__cause__ or stopped, KeyboardInterrupt)
        how = "; the same command goes on from the last finished epoch" if pressed else ""
        click.echo(f"interrupted{how}", err=True)
        code = 130
    except click.ClickException as error:
        click.echo(f"error: {printable(one_line(error))}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has seen enough.
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
