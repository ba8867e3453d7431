"""The options that say which bridge is called, and as which client."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from bridge.cli.remote.error_hints import explained
from bridge.cli.remote.outage_reports import outage_reports
from bridge.client import Bridge, CallFailed
from bridge.client.connection import DEFAULT_URL
from bridge.client.exchange import PATIENCE

DEFAULT_PATIENCE, FOLLOW_PATIENCE = 1.0, PATIENCE
"""Seconds for which an unreachable bridge is retried: few for a person, more for a command that waits anyway."""
KEY_HELP = "Your client's API key; RALLY_BRIDGE_KEY_FILE may name a file that holds it."


def with_client(*, patience: float = DEFAULT_PATIENCE) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Pass a Bridge as first argument, from --url and --key or their variables; also add --json."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--url",
            envvar="RALLY_BRIDGE_URL",
            default=DEFAULT_URL,
            show_default=True,
            show_envvar=True,
            help="The bridge.",
        )
        @click.option("--key", envvar="RALLY_BRIDGE_KEY", show_envvar=True, help=KEY_HELP)
        @click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
        @wraps(command)
        def with_bridge(*args: Any, url: str, key: str | None, **options: Any) -> Any:
            waits = FOLLOW_PATIENCE if options.get("follow") else patience
            try:
                reports = outage_reports() if waits >= FOLLOW_PATIENCE else None
                with Bridge(url, key, patience=waits, on_retry=reports) as bridge:
                    return command(bridge, *args, **options)
            except CallFailed as error:
                raise explained(error, options.get("destinations", ())) from error

        return with_bridge

    return decorate
