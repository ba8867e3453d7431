"""Everybody who plays a part: the fleet, Rally, the receivers and the clients; and what they saw together."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from .fleet import APIS, Fleet, secret
from .generator import Generator, Lengths
from .history import Fault, History, Window
from .rally import Rally
from .receivers import Receiver
from .wire import LOOPBACK

CALLBACKS = ("crm", "panel", "ops", "lab")
FAREWELL = 0.2
"""Seconds for the servers' lines to notice that they were cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """They all, with their records."""

    rally: Rally
    receivers: Sequence[Receiver]
    fleet: Fleet
    generator: Generator

    def history(self, faults: Sequence[Fault] = ()) -> History:
        return History(
            window=self.rally.window,
            posts=tuple(self.generator.posts),
            seen=tuple(self.generator.seen),
            asked=tuple(self.rally.asked),
            attempts=tuple(attempt for receiver in self.receivers for attempt in receiver.attempts),
            faults=tuple(sorted(faults, key=lambda fault: fault.since)),
            deaths=tuple(self.fleet.deaths),
            strays=tuple(stray for receiver in self.receivers for stray in receiver.strays),
        )


@asynccontextmanager
async def staged(
    home: Path,
    seed: int,
    *,
    window: Window,
    settings: Mapping[str, str],
    lengths: Lengths,
    skew: str | None = None,
    hooks: int = 1,
) -> AsyncIterator[Stage]:
    """Start everything, and end it."""
    rally = Rally(window, Random(f"rally's answers {seed}"))
    receivers = [Receiver(name, secret(), Random(f"{name} {seed}")) for name in CALLBACKS]
    receivers.append(Receiver("slack", secret(), Random(f"slack {seed}"), slack=True, hooks=hooks))
    servers = (rally.server, *(receiver.server for receiver in receivers))
    for server in servers:
        await server.open()
    fleet = Fleet(
        home,
        rally=f"http://{LOOPBACK}:{rally.server.port}",
        egress=[f"{LOOPBACK}:{receiver.server.port}" for receiver in receivers],
        ports=[_free_port() for _ in APIS],
        settings=settings,
        skew=skew,
    )
    places = [receiver.place for receiver in receivers]
    generator = Generator(fleet.urls, rally, places, Random(f"posts {seed}"), lengths)
    try:
        await fleet.start()
        yield Stage(rally=rally, receivers=receivers, fleet=fleet, generator=generator)
    finally:
        await generator.aclose()
        await asyncio.to_thread(fleet.end)
        for server in servers:
            server.close()
        await asyncio.sleep(FAREWELL)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port: int = free.getsockname()[1]
        return port
