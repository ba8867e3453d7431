"""The demo imports, each with a button on the inbox page that posts a watch to the bridge."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

PATIENCE = 10.0
SLACK = "https://hooks.slack.com/services/T000/B000/XXXX"
CALLBACK = "https://crm.example.com/hooks/rally"
CHANNEL = "C0PANELS"
"""The destinations of the demos: addresses as in production, whose messages the bridge diverts to the inbox."""

LONG = "demo-long"

DEMOS: Mapping[str, str] = {
    "demo-completed": "ends as completed, after 8 seconds",
    "demo-partial": "ends with 3 failed records, after 8 seconds",
    "demo-failed": "ends as failed, after 8 seconds",
    "demo-slow": "ends as completed, after a minute",
    LONG: "ends with 7 failed records, after 3 minutes; a message in Slack follows it from the second minute on",
}
"""The beginning of each demo id, and how its import ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBridge:
    """The bridge that runs on this sandbox, and the key of one of its clients."""

    url: str
    key: str = field(repr=False)

    async def watch(self, import_id: str) -> str | None:
        """Post a watch of a demo import; return what went wrong, if something did."""
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=PATIENCE) as http:
                answer = await http.post("/v1/watches", json=_watch(import_id), headers=headers)
        except httpx.HTTPError as error:
            return f"The bridge at {self.url} can't be reached ({type(error).__name__})."
        return None if answer.is_success else f"The bridge at {self.url} refused the watch: HTTP {answer.status_code}."


def next_id(demo: str, known: Container[str]) -> str:
    """Return the first id of a demo that has not been used: `demo-completed-1`, then `demo-completed-2`."""
    return next(made for number in count(1) if (made := f"{demo}-{number}") not in known)


def _watch(import_id: str) -> dict[str, Any]:
    destinations = [_slack(import_id), {"type": "callback", "url": CALLBACK}]
    return {"importId": import_id, "label": "Started on the inbox page", "notify": destinations}


def _slack(import_id: str) -> dict[str, Any]:
    """Return the destination in Slack: a living message needs the bot."""
    if import_id.startswith(LONG):
        return {"type": "slack", "channel": CHANNEL, "live": True}
    return {"type": "slack_webhook", "url": SLACK}
