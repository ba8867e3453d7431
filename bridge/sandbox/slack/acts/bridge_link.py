"""Requests of Slack to the bridge, with the signature that proves who sends them.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

PATIENCE = 3.0
"""The seconds within which an app must answer."""
COMMANDS, INTERACTIONS = "/slack/commands", "/slack/interactions"
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer of the bridge; `problem` is the error that Slack shows instead, if there is one."""

    document: Any = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeLink:
    """The bridge that the app belongs to."""

    url: str
    secret: str = field(repr=False)
    now: Callable[[], float]
    patience: float = PATIENCE

    @property
    def enabled(self) -> bool:
        return bool(self.url and self.secret)

    async def send(self, path: str, form: Mapping[str, str]) -> Reply:
        """Send a signed form; return the answer."""
        body = urlencode(form).encode()
        try:
            async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=self.patience) as http:
                answer = await http.post(path, content=body, headers=self._headers(body))
        except httpx.TimeoutException:
            return Reply(problem="operation_timeout")
        except httpx.HTTPError:
            return Reply(problem="dispatch_failed")
        return _reply(answer)

    def _headers(self, body: bytes) -> Mapping[str, str]:
        moment = str(int(self.now()))
        code = hmac.new(self.secret.encode(), b":".join((b"v0", moment.encode(), body)), hashlib.sha256)
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "Slackbot 1.0 (sandbox)",
            "X-Slack-Request-Timestamp": moment,
            "X-Slack-Signature": f"v0={code.hexdigest()}",
        }


def _reply(answer: httpx.Response) -> Reply:
    if answer.status_code != OK:
        return Reply(problem=f"dispatch_failed (HTTP {answer.status_code})")
    if not answer.content:
        return Reply()
    try:
        return Reply(document=answer.json())
    except ValueError:
        return Reply(document={"text": answer.text})
