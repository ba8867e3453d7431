"""Egress: the only place that sends requests to hosts given by clients; connects to checked addresses only.

A URL is checked before each attempt. Then its name is resolved once, all its addresses are checked, and only these
are connected to. The URL keeps its name, by which TLS verifies the receiver. With a forward proxy the URL is checked
as well, but the proxy resolves the name. In a sandboxed bridge a checked URL is diverted to the sandbox.
"""

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from bridge.destinations.egress.diversion import Diversion
from bridge.destinations.egress.name_resolution import GuardedBackend, NotSent, Resolve, Resolver
from bridge.destinations.egress.rules import EgressRules, check_url, judge_url
from bridge.destinations.egress.urls import Forbidden
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Request, Response, SendResult
from bridge.domain.secret import Secret
from bridge.http import Connections, Fault, NotReceived, Target, Timeouts, Trust, combine_fields

__all__ = ["Egress", "EgressRules", "Forbidden", "check_url"]

ANSWER_LIMIT = 64 * 1024
"""The bytes of a response that are read. Slack repeats the message, with six bytes for each non-ASCII character."""
IDLE_SECONDS = 4.0
"""How long idle connections are kept. Many servers close them after 5 s; a request must not race with that."""
HEADERS_USED = frozenset({b"date", b"retry-after", b"x-oauth-scopes"})
"""The response headers that are read; the last is Slack's, for `rally-bridge doctor`."""
FAILURES: Mapping[Fault, Failure] = {
    Fault.CONNECT: Failure.CONNECT,
    Fault.CONNECT_TIMEOUT: Failure.CONNECT,
    Fault.TLS: Failure.TLS,
    Fault.PROXY: Failure.PROXY,
    Fault.TIMEOUT: Failure.TIMEOUT,
}
"""The failure for each kind of fault; all other faults are a broken connection."""


class Egress:
    """Sends requests, at most `slots` at once."""

    def __init__(
        self,
        rules: EgressRules,
        *,
        slots: int = 50,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
        body_timeout: float = 5.0,
        total_timeout: float = 20.0,
        resolve: Resolve | None = None,
        trust: Trust = ssl.create_default_context,
        proxy: Secret | None = None,
        diversion: Diversion | None = None,
    ) -> None:
        self.slots = slots
        self._diversion = diversion
        self._rules = rules
        self._connect_timeout = connect_timeout
        self._proxied = proxy is not None
        self._resolver = Resolver()
        self._guard = GuardedBackend(rules, resolve or self._resolver)
        self._connections = Connections(
            slots=slots,
            timeouts=Timeouts(total=total_timeout, connect=connect_timeout, read=read_timeout, body=body_timeout),
            keep_alive=IDLE_SECONDS,
            trust=trust,
            backend=None if self._proxied else self._guard,
            proxy=proxy,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._connections.aclose()
        self._resolver.close()

    async def refusal(self, url: Secret) -> NoResponse | None:
        """Return why a URL would be refused, without connecting; None if it would not.

        The name is resolved and its addresses are checked, unless a proxy does that, or the request is diverted.
        """
        parsed = judge_url(url.reveal(), self._rules, slack=False)
        if isinstance(parsed, Forbidden):
            return NoResponse(failure=Failure.REFUSED_ADDRESS, reason=parsed.for_operators)
        if self._proxied or (self._diversion and self._diversion.diverts(parsed, self._rules)):
            return None
        deadline = asyncio.get_running_loop().time() + self._connect_timeout
        try:
            await self._guard.resolve(parsed.host, parsed.port, deadline)
        except NotSent as unsent:
            return unsent.answer
        return None

    async def send(self, request: Request) -> SendResult:
        """POST once; failures are returned as NoResponse, with a reason that contains no secret.

        A body that breaks off or does not end still gives a Response: the status has arrived, and a message that was
        accepted must not be sent again.
        """
        url = judge_url(request.url.reveal(), self._rules, slack=False)
        if isinstance(url, Forbidden):
            return NoResponse(failure=Failure.REFUSED_ADDRESS, reason=url.for_operators)
        headers = {
            "accept": "*/*",
            **request.headers,
            "accept-encoding": "identity",
        }  # a compressed body could expand to any size
        target = Target.of(self._diversion.of(url, self._rules) if self._diversion else url.parsed)
        raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        try:
            received = await self._connections.exchange("POST", target, raw, request.body, body_limit=ANSWER_LIMIT)
        except NotSent as unsent:
            return unsent.answer
        assert received is not None  # noqa: S101 - None is given only where the request must start by some time
        if isinstance(received, NotReceived):
            failure = FAILURES.get(received.fault, Failure.BROKEN)
            return NoResponse(failure=failure, reason=received.reason)
        return Response(
            status=received.status,
            headers=combine_fields(received.headers, HEADERS_USED),
            body=received.body,
            whole=received.rest is None,
        )
