"""`completion`: the script by which a shell completes commands."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion for a shell.

    In bash: eval "$(rally-bridge completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click knows each of these
    click.echo(kind(ctx.find_root().command, {}, "rally-bridge", "_RALLY_BRIDGE_COMPLETE").source())
