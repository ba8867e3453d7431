"""The command line: `rally-bridge up`, `serve`, `worker` and the commands for people."""

from typing import Any

import click

from bridge.cli import completion, keys, services, up, watches
from bridge.cli.doctor import command as doctor
from bridge.cli.faults import CannotStart
from bridge.errors import BridgeError, SettingsError


class PlainGroup(click.Group):
    """Ends what the environment is at fault for with sentences on stderr instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, CannotStart) as error:
            click.echo(str(error), err=True)
            ctx.exit(2)
        except BridgeError as error:
            click.echo(str(error), err=True)
            ctx.exit(1)


@click.group(cls=PlainGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Tell Slack and HTTP callbacks how Rally UXR imports ended."""


main.add_command(up.command)
main.add_command(services.serve)
main.add_command(services.worker)
main.add_command(watches.watch)
main.add_command(watches.list_)
main.add_command(watches.show)
main.add_command(watches.cancel)
main.add_command(watches.redeliver)
main.add_command(doctor.command)
main.add_command(keys.group)
main.add_command(completion.command)
