"""What both clients do around httpx: build its requests, and describe its responses."""

from time import monotonic, time
from typing import Any

import httpx

from bridge.client.answers import Answered, NoAnswer
from bridge.client.requests import Request
from bridge.client.steps import Resumed
from bridge.domain.times import SECOND


def http_request(
    http: httpx.Client | httpx.AsyncClient, request: Request[Any], connect_timeout: float
) -> httpx.Request:
    return http.build_request(
        request.method,
        request.path,
        content=request.body,
        params={name: value for name, value in request.query.items() if value is not None},
        headers=dict(request.headers),
        timeout=httpx.Timeout(request.timeout, connect=connect_timeout),
    )


def answered(response: httpx.Response, *, began: float, content: bytes) -> Answered:
    return Answered(
        status=response.status_code,
        headers=response.headers,
        content=content,
        began=began,
        at=monotonic(),
        moment=resumed().moment,
    )


def stream_end() -> NoAnswer:
    return NoAnswer(reason="broken", words="the stream has ended", began=monotonic(), at=monotonic())


def resumed() -> Resumed:
    return Resumed(at=monotonic(), moment=round(time() * SECOND))
