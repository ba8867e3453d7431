"""`test`: send a test message to one destination now."""

import click

from bridge.cli.console import CommandConsole
from bridge.cli.exit_codes import TABLE, ExitCode
from bridge.cli.json_output import print_json
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.destination_options import NAMES, with_destinations
from bridge.cli.remote.printable import printable
from bridge.cli.remote.printing import print_line
from bridge.client import Bridge, Destination, TestResult

ACCEPTED = "accepted"


@click.command("test", epilog=f"\b\nExample:\n  rally-bridge test --slack C0123ABCD\n\n{TABLE}")
@with_destinations("Send to")
@with_client()
def command(bridge: Bridge, *, destinations: list[Destination], as_json: bool) -> None:
    """Send a test message to one destination.

    It is sent now, and not repeated. What the destination answers is printed.
    """
    if len(destinations) != 1:
        raise click.UsageError(f"Pass exactly one destination: {NAMES}.")
    result = bridge.test(destinations[0])
    if as_json:
        print_json(result.document)
    else:
        print_line(CommandConsole(), result_line(result))
    raise click.exceptions.Exit(ExitCode.SUCCESS if result.verdict == ACCEPTED else ExitCode.NOT_DELIVERED)


def result_line(result: TestResult) -> str:
    """Return the result of a test in one line."""
    sign = "✓" if result.verdict == ACCEPTED else "✗"
    answer = f"HTTP {result.status}" if result.status else "no answer"
    reason = f": {result.reason}" if result.reason else ""
    return printable(
        f"{sign} {result.verdict}  {result.type} {result.destination}  {answer} in {result.took_ms} ms{reason}"
    )
