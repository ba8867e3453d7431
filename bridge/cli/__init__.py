"""The command line: `rally-bridge up`, `serve`, `worker` and the commands for people."""

from pathlib import Path
from traceback import extract_tb
from typing import Any

import click

from bridge.cli import completion, keys, services, up, watches
from bridge.cli.connection import print_what_can_be_printed
from bridge.cli.doctor import command as doctor
from bridge.cli.faults import CannotStart
from bridge.errors import BridgeError, SettingsError


class PlainGroup(click.Group):
    """Ends what goes wrong with sentences on stderr instead of a traceback."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        print_what_can_be_printed()
        for number, arg in enumerate(args, 1):
            if not _is_text(arg):  # not repeated: it might be a key
                raise click.UsageError(f"Argument {number} is no text: some of its bytes are no characters.", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, CannotStart) as error:
            click.echo(str(error), err=True)
            ctx.exit(2)
        except BridgeError as error:
            click.echo(str(error), err=True)
            ctx.exit(1)
        except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # click ends these itself
        except Exception as error:  # noqa: BLE001 - the last net: whatever it was, nobody foresaw it
            click.echo(_unforeseen(error), err=True)
            ctx.exit(1)


def _is_text(arg: str) -> bool:
    """Tell whether an argument's bytes were characters; Python keeps others as surrogates, which nothing can send."""
    return not any("\ud800" <= character <= "\udfff" for character in arg)


def _unforeseen(error: Exception) -> str:
    """Say what and where; what an OSError says comes from the system, another's words might hold a secret."""
    place = extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}" if isinstance(error, OSError) else type(error).__name__
    return f"Nobody foresaw this: {what}, at {Path(place.filename).name}:{place.lineno}. Please report it."


@click.group(cls=PlainGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rally-bridge", prog_name="rally-bridge")
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
