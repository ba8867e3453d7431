"""Domain values to JSON and back, for the sealed parts of records."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic_core import to_json

from bridge.domain.deliveries import Attempt, Callback, Destination, NamedDestination, SlackChannel, SlackWebhook
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.secret import Secret


def dump(value: Mapping[str, Any]) -> str:
    return to_json(value).decode()


def load(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def unflatten(flat: Sequence[Any]) -> dict[str, Any]:
    """Put a hash together that a script gave as fields and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def dump_reading(reading: Reading) -> dict[str, Any]:
    return asdict(reading)


def load_reading(stored: Mapping[str, Any]) -> Reading:
    records = tuple(FailedRecord(**record) for record in stored["failed_records"])
    return Reading(**{**stored, "failed_records": records})


def dump_destination(destination: Destination) -> dict[str, Any]:
    on = None if destination.on is None else sorted(destination.on)
    match destination:
        case SlackWebhook(url=url):
            return {"type": "slack_webhook", "url": url.reveal(), "on": on}
        case SlackChannel(channel=channel):
            return {"type": "slack", "channel": channel, "on": on}
        case Callback(url=url, secret=secret, headers=headers):
            return {
                "type": "callback",
                "url": url.reveal(),
                "secret": None if secret is None else secret.reveal(),
                "headers": {name: value.reveal() for name, value in headers.items()},
                "on": on,
            }
        case NamedDestination(name=name):
            return {"type": "named", "name": name, "on": on}


def load_destination(stored: Mapping[str, Any]) -> Destination:
    on = None if stored["on"] is None else frozenset(Outcome(outcome) for outcome in stored["on"])
    match stored["type"]:
        case "slack_webhook":
            return SlackWebhook(url=Secret(stored["url"]), on=on)
        case "slack":
            return SlackChannel(channel=stored["channel"], on=on)
        case "callback":
            return Callback(
                url=Secret(stored["url"]),
                secret=None if stored["secret"] is None else Secret(stored["secret"]),
                headers={name: Secret(value) for name, value in stored["headers"].items()},
                on=on,
            )
        case "named":
            return NamedDestination(name=stored["name"], on=on)
        case other:
            raise ValueError(f"a stored destination of unknown type {other!r}")


def dump_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "at": attempt.at,
        "took": attempt.took,
        "status": attempt.status,
        "reason": attempt.reason,
        "answer": attempt.answer,
    }


def load_attempt(stored: Mapping[str, Any]) -> Attempt:
    return Attempt(**stored)
