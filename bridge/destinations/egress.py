"""The only way to a host that somebody gave: what is dialled was checked, whatever the DNS says.

A URL is judged before each attempt; then its name is resolved once, every address it has is judged, and exactly
those addresses are dialled. The URL keeps its name, so that TLS verifies the receiver by it. Behind a forward proxy
the URL is judged all the same, and what it resolves to is the proxy's to decide.
"""

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from bridge.destinations.guard import GuardedBackend, NotSent, Resolve, Resolver
from bridge.destinations.rules import EgressRules, Forbidden, check_url, judge_url
from bridge.domain.deliveries import Failure, NoResponse, Request, Response, SendResult
from bridge.domain.secret import Secret
from bridge.http import Connections, Fault, NotReceived, Target, Timeouts, Trust, combine_fields

__all__ = ["Egress", "EgressRules", "Forbidden", "check_url"]

ANSWER_LIMIT = 64 * 1024
"""Bytes. Slack repeats a message in its answer, and writes six bytes for each character that is not ASCII."""
IDLE_SECONDS = 4.0
"""A connection is kept for this long; many servers close it after 5, and a request must not meet that moment."""
HEADERS_USED = frozenset({b"date", b"retry-after", b"x-oauth-scopes"})
"""All that is read of a response's header fields; the last is Slack's, for the doctor."""
FAILURES: Mapping[Fault, Failure] = {
    Fault.CONNECT: Failure.CONNECT,
    Fault.CONNECT_TIMEOUT: Failure.CONNECT,
    Fault.TLS: Failure.TLS,
    Fault.PROXY: Failure.PROXY,
    Fault.TIMEOUT: Failure.TIMEOUT,
}
"""All others are a broken connection."""


class Egress:
    """Send requests, as many at once as there are slots."""

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
    ) -> None:
        self.slots = slots
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
        """Say why nothing would be sent to a URL, without connecting: the rules, or what its name resolves to.

        None when it would be; behind a proxy, whose the resolving is, the rules alone are asked.
        """
        parsed = judge_url(url.reveal(), self._rules, slack=False)
        if isinstance(parsed, Forbidden):
            return NoResponse(failure=Failure.REFUSED_ADDRESS, reason=parsed.detail)
        if self._proxied:
            return None
        deadline = asyncio.get_running_loop().time() + self._connect_timeout
        try:
            await self._guard.resolve(parsed.host, parsed.port, deadline)
        except NotSent as unsent:
            return unsent.answer
        return None

    async def send(self, request: Request) -> SendResult:
        """POST once; what goes wrong on the way is an answer as well, in words that hold no secret.

        The status has told by then: a body that never ends, or breaks off, is no reason to send again what was
        accepted.
        """
        url = judge_url(request.url.reveal(), self._rules, slack=False)
        if isinstance(url, Forbidden):
            return NoResponse(failure=Failure.REFUSED_ADDRESS, reason=url.detail)
        headers = {"accept": "*/*", **request.headers, "accept-encoding": "identity"}  # compressed unfolds to any size
        raw = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
        try:
            received = await self._connections.exchange(
                "POST", Target.of(url.parsed), raw, request.body, body_limit=ANSWER_LIMIT
            )
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
