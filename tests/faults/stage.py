"""All parts of a run: the fleet, Rally, the receivers and the clients, and their records."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.support.slack_requests import SIGNING_SECRET, SLACK_CLIENT

from .crowd import Crowd
from .fleet import APIS, Fleet, secret
from .generator import Generator, Lengths
from .history import Asked, Attempt, Fault, History, Window
from .listeners import Listeners
from .pair import NAMES, RedisPair
from .pusher import Pusher
from .rally import Rally
from .receivers import Receiver
from .rule_receivers import HOOK, ROOM, RuleHook, RuleRoom, rules_file
from .slack_acts import SlackActs
from .slack_clients import AGAIN, AgainHook, SlackClients
from .slack_people import SlackPeople, answered_at
from .slack_room import SLACK, SlackRoom
from .wire import LOOPBACK

CALLBACKS = ("crm", "panel", "ops", "lab")
SLACK_SETTINGS = {"SLACK_SIGNING_SECRET": SIGNING_SECRET, "SLACK_BOT_TOKEN": "xoxb-token-of-the-harness"}
SPARED = "lab"
"""A receiver that is always healthy: others cause all its delays."""
FAREWELL = 0.2
"""Seconds in which the servers' connections notice their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All parts, with their records."""

    rally: Rally
    receivers: Sequence[Receiver]
    rule_receivers: Sequence[Receiver]
    fleet: Fleet
    generator: Generator
    pusher: Pusher
    slack: SlackRoom
    people: SlackPeople
    acts: SlackActs
    again: AgainHook
    clients: SlackClients
    listeners: Listeners
    crowd: Crowd

    def history(self, faults: Sequence[Fault] = ()) -> History:
        return History(
            window=self.rally.window,
            posts=tuple(self.generator.posts),
            views=tuple(self.generator.seen),
            listener_results=tuple(self.listeners.results),
            polls=tuple(self.rally.polls),
            attempts=tuple(attempt for receiver in self.receivers for attempt in receiver.attempts),
            faults=tuple(sorted(faults, key=lambda fault: fault.since)),
            deaths=tuple(self.fleet.deaths),
            strays=tuple(
                stray
                for each in (*self.receivers, *self.rule_receivers, self.slack, self.again)
                for stray in each.strays
            ),
            pushes=tuple(self.pusher.posts),
            told=self.told(),
            asked=self.asked(),
            in_slack=tuple(self.slack.attempts),
            acts=tuple(self.acts.acts),
            batches=tuple(self.clients.batches),
            sent_again=tuple(self.again.attempts),
        )

    def asked(self) -> tuple[Asked, ...]:
        """Return what people asked for, with what they then read."""
        said = self.slack.said
        return tuple(replace(each, said=said.get(answered_at(each.import_id), "")) for each in self.people.asked)

    def told(self) -> tuple[Attempt, ...]:
        return tuple(attempt for receiver in self.rule_receivers for attempt in receiver.attempts)


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
    forwarded: bool = True,
) -> AsyncIterator[Stage]:
    """Start everything, and end it."""
    rally = Rally(window, Random(f"rally's answers {seed}"))
    receivers = [Receiver(name, secret(), Random(f"{name} {seed}")) for name in CALLBACKS]
    receivers.append(Receiver("slack", secret(), Random(f"slack {seed}"), slack=True, hooks=hooks))
    crowd = Crowd(rally)
    hook = RuleHook(HOOK, secret(), Random(f"{HOOK} {seed}"))
    room = RuleRoom(ROOM, secret(), Random(f"{ROOM} {seed}"), slack=True)
    slack = SlackRoom(SLACK, secret(), Random(f"{SLACK} {seed}"))
    again = AgainHook(secret(), Random(f"{AGAIN} {seed}"))
    receiver_servers = (*(receiver.server for receiver in (*receivers, hook, room, slack, again)), *crowd.servers)
    servers = (rally.server, *receiver_servers)
    for server in servers:
        await server.open()
    redis = RedisPair(home, free_ports(len(NAMES)))
    await redis.forwarder.open()
    slack_url = f"http://{LOOPBACK}:{slack.server.port}"
    fleet = Fleet(
        home,
        rally=f"http://{LOOPBACK}:{rally.server.port}",
        egress=[f"{LOOPBACK}:{server.port}" for server in receiver_servers],
        redis=redis,
        ports=free_ports(len(APIS)),
        settings={**settings, **SLACK_SETTINGS, "SLACK_API_URL": f"{slack_url}/api"},
        skew=skew,
        forwarded=forwarded,
        config=rules_file(hook, room) + SLACK_CLIENT,
    )
    places = [receiver.place for receiver in receivers]
    generator = Generator(fleet.urls, rally, places, Random(f"posts {seed}"), lengths)
    listeners = Listeners(fleet.urls, generator.posts, Random(f"listeners {seed}"))
    pusher = Pusher(fleet.urls, rally, Random(f"pushes {seed}"))
    acts = SlackActs(fleet.urls, slack, Random(f"acts {seed}"))
    people = SlackPeople(fleet.urls, rally, slack_url, acts, Random(f"people {seed}"))
    clients = SlackClients(fleet.urls, rally, again, acts, Random(f"clients {seed}"))
    try:
        await fleet.start()
        yield Stage(
            rally=rally,
            receivers=receivers,
            rule_receivers=(hook, room),
            fleet=fleet,
            generator=generator,
            pusher=pusher,
            slack=slack,
            people=people,
            acts=acts,
            again=again,
            clients=clients,
            listeners=listeners,
            crowd=crowd,
        )
    finally:
        await pusher.aclose()
        await people.aclose()
        await clients.aclose()
        await acts.aclose()
        await listeners.aclose()
        await generator.aclose()
        await asyncio.to_thread(fleet.end)
        await redis.forwarder.aclose()
        for server in servers:
            server.close()
        await asyncio.sleep(FAREWELL)


def free_ports(number: int) -> list[int]:
    """Return different ports that nothing listens on."""
    with ExitStack() as held:
        free = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in free:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in free]
