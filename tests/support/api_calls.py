"""Every call of the API as its description has it, and what Redis stores besides rate limits and rings."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from bridge.web.app import API_ROUTES
from bridge.web.openapi.operations import OPERATION_OF, Operation
from bridge.web.routing import Resource
from tests.support.world import CLIENT_KEY, World, bearer


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    operation: Operation

    def __str__(self) -> str:
        return self.operation.name

    async def ask(
        self,
        world: World,
        *,
        id_: str = "",
        key: str = CLIENT_KEY,
        body: Any = None,
        content: bytes | None = None,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        repeat: str | None = None,
    ) -> httpx.Response:
        """Make the call, by default with its own example as the body and an unknown id."""
        place = self.path.format(watch_id=id_ or "wat_none", delivery_id=id_ or "dlv_none") + query
        if content is None and self.operation.body:
            content = json.dumps(self.operation.example if body is None else body).encode()
        kind = {} if content is None else {"Content-Type": "application/json"}
        sent = [*{**bearer(key), **kind, **(headers or {})}.items()]
        sent += [each for each in sent if each[0] == repeat]
        return await world.api.request(self.method, place, content=content, headers=sent)


def calls() -> Iterator[Call]:
    for route in API_ROUTES:
        assert isinstance(route.endpoint, Resource)
        for method, endpoint in route.endpoint.endpoints.items():
            yield Call(method, route.path, OPERATION_OF[endpoint])


EVERY_CALL = list(calls())
KEYED = [call for call in EVERY_CALL if not call.operation.public]


async def stored(world: World) -> dict[str, Any]:
    """Return everything in Redis except rate limits, the queue and rings."""
    store = world.resources.store
    keys = [key for key in await store.call("KEYS", "*") if key.startswith("rb:") and not key.startswith(UNKEPT)]
    return {key: await contents(world, key) for key in sorted(keys)}


UNKEPT = ("rb:calls", "rb:queue", "rb:wakeups", "rb:check")


async def contents(world: World, key: str) -> Any:
    store = world.resources.store
    match await store.call("TYPE", key):
        case "hash":
            return await store.call("HGETALL", key)
        case "zset":
            return await store.call("ZRANGE", key, 0, -1, "WITHSCORES")
        case "set":
            return sorted(await store.call("SMEMBERS", key))
        case "list":
            return await store.call("LRANGE", key, 0, -1)
        case _:
            return await store.call("GET", key)


PROBLEM = "application/problem+json"
