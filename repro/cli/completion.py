"""`repro completion`: the script that completes commands and names in a shell."""

import click
from click.shell_completion import get_completion_class

EXAMPLES = """\b
Examples:
  repro completion bash >> ~/.bashrc
  repro completion fish > ~/.config/fish/completions/repro.fish
"""


@click.command("completion", epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes verbs, options, experiments and networks in a shell."""
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "repro", "_REPRO_COMPLETE").source())
