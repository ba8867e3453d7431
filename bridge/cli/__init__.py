"""The command line: `rally-bridge up`, `serve`, `worker` and the commands for people."""

import os
import sys
from collections.abc import Sequence
from errno import ENOSPC
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from traceback import extract_tb
from typing import Any, NoReturn

import click

from bridge import packages
from bridge.cli.errors import CannotStart
from bridge.cli.exit_codes import TABLE, ExitCode
from bridge.errors import BridgeError, SettingsError, WrongPackage

COMMANDS = {
    "up": "up.command.command",
    "serve": "services.serve",
    "worker": "services.worker",
    "watch": "remote.watch.command",
    "follow": "remote.follow.command",
    "list": "remote.listing.command",
    "show": "remote.show.command",
    "why": "remote.why.command",
    "cancel": "remote.cancel.command",
    "failed-records": "remote.failed_records.command",
    "deliveries": "remote.deliveries.command",
    "destinations": "remote.destinations.command",
    "redeliver": "remote.redeliver.command",
    "test": "remote.send_test.command",
    "config": "config.group.group",
    "doctor": "doctor.command.command",
    "keys": "api_keys.group",
    "rules": "rules.group.group",
    "alerts": "monitoring.alerts",
    "dashboard": "monitoring.dashboard_json",
    "deploy": "deploy.group.group",
    "slack": "slack.group.group",
    "completion": "completion.command",
}
"""The commands, and where each is defined. A process imports only the one that it runs, to save memory.

All of them are in `bridge.cli`, the highest layer, so these names can't import against the direction of the layers.
Source: https://click.palletsprojects.com/en/stable/complex/#lazily-loading-subcommands
"""
SERVICE = frozenset(
    {"up", "serve", "worker", "config", "doctor", "keys", "rules", "alerts", "dashboard", "deploy", "slack"}
)
"""The commands that need the packages of the extra `server`."""
OF_COMMANDS = frozenset({"--url", "--key"})
"""Options of the commands for people, which some write before the command."""

ANY_ARGUMENTS = {"ignore_unknown_options": True, "allow_extra_args": True}


class LazyGroup(click.Group):
    """The command `rally-bridge`: imports only the subcommand that runs, and prints errors as sentences on stderr."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in SERVICE and (missing := packages.missing_from_server()):
            return command_without_packages(cmd_name, missing)
        module, _, name = COMMANDS[cmd_name].rpartition(".")
        command: click.Command = getattr(import_module(f"bridge.cli.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if ctx.resilient_parsing:  # while a shell completes
            return super().resolve_command(ctx, args)
        if name in SERVICE:
            packages.check_own_files()
        elif name not in COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - only after a mistake

            near = get_close_matches(name, COMMANDS)
            raise click.UsageError(f"No such command {name!r}.{f' Did you mean {near[0]}?' if near else ''}", ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # print ? for characters that the encoding lacks
        for number, arg in enumerate(args, 1):
            if not _is_text(arg) and not ctx.resilient_parsing:  # not repeated: it might be a key
                raise click.UsageError(f"Argument {number} is not text: some of its bytes are not characters.", ctx)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name in OF_COMMANDS:
                example = f"rally-bridge list {error.option_name} …"
                raise click.UsageError(f"{error.option_name} goes after the command: {example}", ctx) from None
            raise
        except OSError as error:  # --help and --version print at once
            _exit_without_output(ctx, error)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, WrongPackage, CannotStart) as error:
            click.echo(str(error), err=True)
            ctx.exit(ExitCode.USAGE)
        except BridgeError as error:
            click.echo(str(error), err=True)
            ctx.exit(ExitCode.FAILURE)
        except KeyboardInterrupt:
            ctx.exit(ExitCode.INTERRUPTED)
        except OSError as error:
            _exit_without_output(ctx, error)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise  # click ends these itself
        except Exception as error:  # noqa: BLE001 - the last resort, for any bug
            click.echo((isinstance(error, ImportError) and _foreign_files()) or _unexpected(error), err=True)
            ctx.exit(ExitCode.FAILURE)


def command_without_packages(name: str, missing: Sequence[str]) -> click.Command:
    """Return a command that says what to install before the command of this name can run."""

    @click.command(name, help=f"Needs {packages.INSTALL}.", add_help_option=False, context_settings=ANY_ARGUMENTS)
    def command() -> None:
        raise CannotStart(
            f"`rally-bridge {name}` needs the service: {packages.INSTALL}. Missing: {', '.join(missing)}."
        )

    return command


def _is_text(arg: str) -> bool:
    """Return whether an argument was valid text; Python keeps other bytes as surrogates, which can't be encoded."""
    return not any("\ud800" <= character <= "\udfff" for character in arg)


def _exit_without_output(ctx: click.Context, error: OSError) -> NoReturn:
    """Exit after an error of the system: usually the reader of the output has closed it, or the disk is full."""
    if isinstance(error, BrokenPipeError):
        _discard_output()
        ctx.exit(ExitCode.PIPE_CLOSED)
    if _is_full(error):
        _discard_output()
    click.echo(_unexpected(error), err=True)
    ctx.exit(ExitCode.FAILURE)


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == ENOSPC


def _discard_output() -> None:
    """Discard the rest of stdout: it can't be written, and Python would report that when it exits."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _foreign_files() -> str | None:
    """Return what another distribution has done to our files; None if they are ours."""
    try:
        packages.check_own_files()
    except WrongPackage as found:
        return str(found)
    return None


def _unexpected(error: Exception) -> str:
    """Describe an unexpected error. Only an OSError's message is shown, as others might hold a secret."""
    if _is_full(error):
        return f"The output can't be written: {os.strerror(ENOSPC)}. What was asked for may have been done."
    place = extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error}" if isinstance(error, OSError) else type(error).__name__
    return f"Unexpected error: {what}, at {Path(place.filename).name}:{place.lineno}. Please report it."


def print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click's signature
    """Print the version and the commit, and exit."""
    if wanted and not context.resilient_parsing:
        click.echo(f"rally-bridge, version {packages.version_text(os.environ)}")
        context.exit()


@click.group(cls=LazyGroup, epilog=TABLE, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Notify Slack and HTTP callbacks when Rally UXR imports end."""
