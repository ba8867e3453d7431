"""The composition root: builds everything that the API and the workers share from the settings."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.destinations import Sender
from bridge.destinations.configuration import (
    diversion,
    egress_proxy,
    egress_rules,
    egress_trust,
    named_destinations,
    sender_of,
)
from bridge.destinations.descriptions import describe
from bridge.destinations.egress.client import Egress, EgressRules
from bridge.destinations.lanes import lane_of
from bridge.domain.delivery_schedule import DeliverySchedule
from bridge.domain.destinations import Destination, NamedDestination, ResolvedDestination
from bridge.domain.poll_schedule import PollSchedule
from bridge.domain.times import Span
from bridge.errors import SettingsError
from bridge.queue import Bell
from bridge.rally import RallyClient
from bridge.rally.workspaces import rally_clients
from bridge.settings import Settings
from bridge.settings.loading import Draft, draft_settings
from bridge.settings.problems import Problem
from bridge.store.attempts import Attempts
from bridge.store.budgets import Budgets
from bridge.store.change_feed import ChangeFeed
from bridge.store.connection import Store, connect
from bridge.store.deliveries import Deliveries
from bridge.store.encryption import Encryptor, Fingerprinter
from bridge.store.endings import Endings
from bridge.store.heartbeats import Heartbeats
from bridge.store.imports import Imports
from bridge.store.indexes import Indexes
from bridge.store.lanes import Lanes
from bridge.store.notices import Notices
from bridge.store.pushes import Pushes
from bridge.store.rate_limits import RateLimiter
from bridge.store.watches import Watches

DELIVERY_SLOTS = 200
"""The number of concurrent requests to destinations in one process; `workers.delivery_slots` divides them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Connections, clients and rules that live as long as the process."""

    settings: Settings
    store: Store
    encryptor: Encryptor
    fingerprinter: Fingerprinter
    watches: Watches
    imports: Imports
    endings: Endings
    deliveries: Deliveries
    pushes: Pushes
    attempts: Attempts
    lanes: Lanes
    notices: Notices
    budgets: Budgets
    indexes: Indexes
    heartbeats: Heartbeats
    rate_limiter: RateLimiter
    change_feed: ChangeFeed
    bell: Bell
    rally: Mapping[str, RallyClient]
    """The client of Rally for each workspace."""
    egress: Egress
    egress_rules: EgressRules
    sender: Sender
    named: Mapping[str, ResolvedDestination]
    """The operator's named destinations."""
    poll_schedule: PollSchedule
    delivery_schedule: DeliverySchedule

    def lane(self, destination: Destination) -> str:
        """Return the lane of a destination. A name that is not configured now has its own lane, where it waits."""
        resolved = self.named.get(destination.name) if isinstance(destination, NamedDestination) else destination
        kind, identity = ("callback", f"named {describe(destination)}") if resolved is None else lane_of(resolved)
        return f"{kind}:{self.fingerprinter.fingerprint(identity)}"


@asynccontextmanager
async def open_resources(settings: Settings, *, clock_offset: Span = 0) -> AsyncIterator[Resources]:
    """Build the resources, and close them at the end; connects to nothing.

    Raises SettingsError naming every setting from which nothing can be built.
    """
    try:
        resources = _build(settings, clock_offset)
    except SettingsError:
        check(settings)
        raise
    try:
        yield resources
    finally:
        for client in resources.rally.values():
            await client.aclose()
        await resources.egress.aclose()
        await resources.change_feed.aclose()
        await resources.bell.aclose()
        await resources.store.redis.aclose()


def _build(settings: Settings, clock_offset: Span) -> Resources:
    rules = egress_rules(settings)
    encryptor = Encryptor(settings.bridge_encryption_keys)
    store = store_of(settings, clock_offset)
    return Resources(
        settings=settings,
        store=store,
        encryptor=encryptor,
        fingerprinter=Fingerprinter(),
        watches=Watches(store, encryptor),
        imports=Imports(store, encryptor),
        endings=Endings(store, encryptor),
        deliveries=Deliveries(store, encryptor),
        pushes=Pushes(store),
        attempts=Attempts(store, encryptor),
        lanes=Lanes(store),
        notices=Notices(store, encryptor),
        budgets=Budgets(store),
        indexes=Indexes(store),
        heartbeats=Heartbeats(store),
        rate_limiter=RateLimiter(store, limit=settings.client_rate_limit),
        change_feed=ChangeFeed(store),
        bell=Bell(settings.redis_url, settings.redis_url_file),
        rally=rally_clients(settings),
        egress=Egress(
            rules,
            slots=DELIVERY_SLOTS,
            trust=egress_trust(settings),
            proxy=egress_proxy(settings),
            diversion=diversion(settings),
        ),
        egress_rules=rules,
        sender=sender_of(settings),
        named=named_destinations(settings),
        poll_schedule=PollSchedule(
            floor=settings.poll_floor, ceiling=settings.poll_ceiling, growth=settings.poll_growth
        ),
        delivery_schedule=DeliverySchedule(pauses=settings.delivery_schedule, max_age=settings.delivery_max_age),
    )


def load_checked(environ: Mapping[str, str] | None = None, env_file: str | None = ".env") -> Settings:
    """Return the settings; raises SettingsError with every problem, also of what is well-formed but can't be used."""
    return check_draft(draft_settings(environ, env_file)).settings


def check_draft(draft: Draft) -> Draft:
    """Return a draft that has no problems; raises SettingsError with all of them."""
    if problems := all_problems(draft):
        raise SettingsError(problems)
    return draft


def all_problems(draft: Draft) -> list[Problem]:
    """Return the problems of the settings, and those of building the resources from the valid ones."""
    return list(dict.fromkeys([*draft.problems, *_unusable(draft.settings, draft.invalid)]))


def check(settings: Settings) -> None:
    """Raise SettingsError naming every setting that is well-formed but from which nothing can be built."""
    if problems := list(dict.fromkeys(_unusable(settings, frozenset()))):
        raise SettingsError(problems)


def _unusable(settings: Settings, invalid: frozenset[str]) -> Iterator[Problem]:
    for build, needed in _CHECKS:
        if needed & invalid:
            continue
        try:
            build(settings)
        except SettingsError as error:
            yield from error.problems


def store_of(settings: Settings, clock_offset: Span = 0) -> Store:
    """Return the store; the SettingsError doesn't repeat REDIS_URL, which may contain a password."""
    try:
        redis = connect(settings.redis_url, settings.redis_url_file)
    except Exception:  # noqa: BLE001 - of redis-py, for a URL: ValueError, TypeError, its own and others
        reason = "is not valid; percent-encode / ? # @ and the like in a password"
        raise SettingsError([settings.problem("REDIS_URL", reason)]) from None
    return Store(redis, offset=clock_offset)


_CHECKS: Sequence[tuple[Callable[[Settings], object], frozenset[str]]] = (
    (store_of, frozenset({"redis_url"})),
    (rally_clients, frozenset({"rally_proxy"})),
    (egress_trust, frozenset({"egress_ca_file"})),
    (egress_proxy, frozenset({"egress_proxy"})),
    (sender_of, frozenset({"callback_ed25519_keys", "callback_secrets", "slack_api_url"})),
    (diversion, frozenset({"egress_sandbox"})),
    (named_destinations, frozenset({"egress_allow", "egress_sandbox"})),
)
"""What is built from the settings, and the fields that it needs."""
