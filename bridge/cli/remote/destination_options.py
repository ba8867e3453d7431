"""The options that name destinations: --slack, --slack-webhook, --callback and --named."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import click

from bridge.cli.remote.completions import complete_named_destinations
from bridge.client import Callback, Destination, Named, Slack, SlackWebhook

NAMES = "--slack, --slack-webhook, --callback or --named"
_OPTIONS: Sequence[tuple[str, str, str, str]] = (
    ("--slack", "slack", "C0123", "a channel, through the operator's Slack bot"),
    ("--slack-webhook", "slack_webhook", "URL", "an incoming webhook of Slack"),
    ("--callback", "callback", "URL", "an HTTP endpoint, by a signed callback"),
    ("--named", "named", "NAME", "a destination that the operator configured"),
)


def with_destinations(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Pass the destinations of the options as `destinations`, as the API takes them; `verb` starts their help."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_list(*args: Any, **options: Any) -> Any:
            given = {type_: options.pop(type_) for _, type_, _, _ in _OPTIONS}
            return command(*args, destinations=_destinations(given), **options)

        decorated: Callable[..., Any] = with_list
        for flag, type_, metavar, words in reversed(_OPTIONS):
            completer = complete_named_destinations if type_ == "named" else None
            option = click.option(
                flag, type_, multiple=True, metavar=metavar, help=f"{verb} {words}.", shell_complete=completer
            )
            decorated = option(decorated)
        return decorated

    return decorate


def _destinations(given: Mapping[str, Sequence[str]]) -> list[Destination]:
    return [
        *(Slack(type="slack", channel=channel) for channel in given["slack"]),
        *(SlackWebhook(type="slack_webhook", url=url) for url in given["slack_webhook"]),
        *(Callback(type="callback", url=url) for url in given["callback"]),
        *(Named(type="named", name=name) for name in given["named"]),
    ]
