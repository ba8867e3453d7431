"""The store of the state machine, on a real Redis; it is opened once for all runs."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bridge.resources import Resources, open_resources
from bridge.startup import check_store
from bridge.store import keys
from bridge.store.bindings import STORE_KEY
from bridge.store.layout import LAYOUT
from tests.support.configuration import workspace
from tests.support.frozen_clock import START, freeze_clock
from tests.support.world import settings as settings_of

T = TypeVar("T")

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Stage:
    """The open store, and the event loop that its calls run on."""

    runner: asyncio.Runner
    resources: Resources

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.get_loop().run_until_complete(
            coroutine
        )  # the runner's own `run` installs signal handlers each time

    def empty(self) -> None:
        """Empty the store but its key, which decides the order of lanes that are due at the same moment.

        Pushes of CSV imports are proven in one workspace, as after three matches.
        """
        self.resources.store.offset = START
        self.run(self.resources.store.call("FLUSHALL"))
        self.run(self.resources.store.call("SET", keys.LAYOUT_MARK, LAYOUT))
        self.run(
            self.resources.store.call(
                "SET", keys.STORE_KEY, self.resources.encryptor.encrypt("the same each time", STORE_KEY)
            )
        )
        self.run(check_store(self.resources))
        proven = {"streak": 3, "matches": 3, "last_match": START, "proven": 1}
        fields = [part for name, value in proven.items() for part in (f"{name}:CSV", value)]
        self.run(self.resources.store.call("HSET", keys.push_proof("default"), *fields))


@contextmanager
def stage(redis_url: str) -> Iterator[Stage]:
    known = settings_of(
        redis_url, "http://sandbox.invalid", workspace("eu", "key"), RALLY_WEBHOOK_SECRETS=WEBHOOK_SECRET
    )
    with asyncio.Runner() as runner:
        opened = open_resources(known)
        resources = runner.run(opened.__aenter__())
        try:
            freeze_clock(resources.store)
            yield Stage(runner=runner, resources=resources)
        finally:
            runner.run(opened.__aexit__(None, None, None))
