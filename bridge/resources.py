"""The composition root: everything that the doors and the workers use, built from the settings in one place."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from time import monotonic

import structlog

from bridge.destinations import Sender, describe
from bridge.destinations.egress import Egress, EgressRules
from bridge.destinations.lanes import lane_of
from bridge.destinations.signatures import Signing, check_private_key
from bridge.destinations.slack_bot import SlackBot
from bridge.domain.deliveries import Callback, Destination, NamedDestination, ResolvedDestination, SlackWebhook
from bridge.domain.schedules import PollSchedule
from bridge.domain.times import SECOND, Span
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import CredentialsRefused, SettingsError, StoreRefused, StoreUnavailable
from bridge.http import Trust
from bridge.queue import Bell
from bridge.rally import RallyClient
from bridge.settings import Settings
from bridge.store.budgets import Budgets
from bridge.store.connection import Store, connect
from bridge.store.deliveries import Deliveries
from bridge.store.encryption import Encryptor, Fingerprinter
from bridge.store.fitness import examine
from bridge.store.imports import Imports
from bridge.store.indexes import Indexes
from bridge.store.pubsub import ChangeFeed
from bridge.store.rate_limits import RateLimiter
from bridge.store.store_key import store_key
from bridge.store.watches import Watches

POLL_SLOTS = 50
"""Polls that one worker has under way at once, each over a connection of its own."""
DELIVERY_SLOTS = 200
"""Requests to destinations that one process has under way at once; workers.places says who may take how many."""
PATIENCE = 60.0
"""Seconds that a start, and a worker at any time, waits for a Redis that is away; then its supervisor is to try."""
PAUSE = 0.5
"""Seconds between two tries meanwhile."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What lives as long as its process: connections, clients, and the rules made of the settings."""

    settings: Settings
    store: Store
    encryptor: Encryptor
    fingerprinter: Fingerprinter
    watches: Watches
    imports: Imports
    deliveries: Deliveries
    budgets: Budgets
    indexes: Indexes
    rate_limiter: RateLimiter
    changes: ChangeFeed
    bell: Bell
    rally: Mapping[str, RallyClient]
    """By workspace."""
    egress: Egress
    egress_rules: EgressRules
    sender: Sender
    named: Mapping[str, ResolvedDestination]
    """The destinations that the operator configured."""
    poll_schedule: PollSchedule

    def lane(self, destination: Destination) -> str:
        """Name the lane of a destination; a name that is not configured just now waits in a lane of its own."""
        address = self.named.get(destination.name) if isinstance(destination, NamedDestination) else destination
        kind, place = ("callback", f"named {describe(destination)}") if address is None else lane_of(address)
        return f"{kind}:{self.fingerprinter.mark(place)}"


@asynccontextmanager
async def open_resources(settings: Settings, *, clock_offset: Span = 0) -> AsyncIterator[Resources]:
    """Build the resources, and close them; nothing is asked of Redis, Rally or a destination here.

    Raises SettingsError naming everything of which nothing can be built.
    """
    try:
        resources = _built(settings, clock_offset)
    except SettingsError:
        check(settings)
        raise
    try:
        yield resources
    finally:
        for client in resources.rally.values():
            await client.aclose()
        await resources.egress.aclose()
        await resources.changes.aclose()
        await resources.bell.aclose()
        await resources.store.redis.aclose()


def _built(settings: Settings, clock_offset: Span) -> Resources:
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
        deliveries=Deliveries(store, encryptor),
        budgets=Budgets(store),
        indexes=Indexes(store),
        rate_limiter=RateLimiter(store, limit=settings.client_rate_limit),
        changes=ChangeFeed(store),
        bell=Bell(settings.redis_url, settings.redis_url_file),
        rally=rally_clients(settings),
        egress=Egress(rules, slots=DELIVERY_SLOTS, trust=trusted(settings), proxy=settings.egress_proxy),
        egress_rules=rules,
        sender=sender_of(settings),
        named=named_addresses(settings),
        poll_schedule=PollSchedule(
            floor=settings.poll_floor, ceiling=settings.poll_ceiling, growth=settings.poll_growth
        ),
    )


def check(settings: Settings) -> None:
    """Raise SettingsError naming every value that is sound by itself, and of which yet nothing can be built."""
    problems: list[str] = []
    for build in (store_of, rally_clients, trusted, sender_of, egress_rules):
        try:
            build(settings)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)


def store_of(settings: Settings, clock_offset: Span = 0) -> Store:
    """Make the store; raises SettingsError without repeating the URL of Redis, which may hold a password."""
    try:
        redis = connect(settings.redis_url, settings.redis_url_file)
    except Exception:  # noqa: BLE001 - of redis-py, for a URL: ValueError, TypeError, its own and others
        raise SettingsError(["REDIS_URL: makes no sense; percent-encode / ? # @ and the like in a password"]) from None
    return Store(redis, offset=clock_offset)


def rally_clients(settings: Settings) -> dict[str, RallyClient]:
    """Make a client for each workspace, with slots of its own: one that hangs leaves the others theirs.

    Raises SettingsError where a base URL can't be asked.
    """
    accounts = {DEFAULT_WORKSPACE: (settings.rally_base_url, settings.rally_api_key)} | {
        workspace.name: (workspace.base_url or settings.rally_base_url, workspace.key)
        for workspace in settings.rally_workspaces
    }
    # A request has ended, one way or the other, by the time its lease is half over.
    total_timeout = settings.poll_lease / 2 / SECOND
    try:
        return {
            name: RallyClient(
                base_url=base_url, key=key, slots=POLL_SLOTS, total_timeout=total_timeout, trust=_systems_trust
            )
            for name, (base_url, key) in accounts.items()
        }
    except ValueError as error:
        raise SettingsError([f"RALLY_BASE_URL or RALLY_WORKSPACES: {error}"]) from error


def sender_of(settings: Settings) -> Sender:
    """Raise SettingsError when a key for signing is none."""
    keys = settings.callback_ed25519_keys
    wrong = [
        f"CALLBACK_ED25519_KEYS: key {number} {complaint}"
        for number, key in enumerate(keys, start=1)
        if (complaint := check_private_key(key.reveal()))
    ]
    if wrong:
        raise SettingsError(wrong)
    token = settings.slack_bot_token
    return Sender(
        signing=Signing(settings.callback_secrets, keys),
        slack_bot=None if token is None else SlackBot(token=token, api_url=settings.slack_api_url),
        slack_at_most_once=settings.slack_at_most_once,
    )


def named_addresses(settings: Settings) -> dict[str, ResolvedDestination]:
    return {
        each.name: SlackWebhook(url=each.url) if each.slack else Callback(url=each.url)
        for each in settings.named_destinations
    }


def egress_rules(settings: Settings) -> EgressRules:
    """Parse EGRESS_ALLOW; raises SettingsError naming every entry that makes no sense."""
    try:
        return EgressRules.parse(settings.egress_allow)
    except ValueError as error:
        raise SettingsError([f"EGRESS_ALLOW: {error}"]) from error


@cache
def _systems_trust() -> ssl.SSLContext:
    """Trust the system's authorities; reading them takes 18 ms, so that all share what is read once."""
    return ssl.create_default_context()


def trusted(settings: Settings) -> Trust:
    """Trust the system's authorities, and those of EGRESS_CA_FILE; raises SettingsError when it holds none."""
    if settings.egress_ca_file is None:
        return _systems_trust
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=settings.egress_ca_file)
    except OSError as error:  # ssl.SSLError is one
        wrong = "holds no certificate in PEM" if isinstance(error, ssl.SSLError) else "can't be read"
        raise SettingsError([f"EGRESS_CA_FILE: {settings.egress_ca_file!r} {wrong}"]) from error
    return lambda: context


async def check_store(resources: Resources) -> None:
    """Make sure that Redis keeps what we store and that we can read it; raises SettingsError, or StoreUnavailable."""
    fitness = await examine(resources.store, may_evict=resources.settings.redis_may_evict)
    if fitness.problem is not None:
        raise SettingsError([f"REDIS_URL: {fitness.problem}"])
    for warning in fitness.warnings:
        log.warning("store.at_risk", warning=warning)
    resources.fingerprinter.adopt(await store_key(resources.store, resources.encryptor))


async def await_store(resources: Resources, *, leaving: Callable[[], bool] = lambda: False) -> None:
    """Check the store as soon as it can be used, which the log tells that we wait for.

    Raises what `check_store` does: at once where waiting does not help or the process is leaving.
    """
    began, told = monotonic(), False
    while True:
        try:
            return await check_store(resources)
        except StoreUnavailable as error:
            if leaving() or _is_final(error, resources.settings):
                raise
            if monotonic() - began > PATIENCE:
                raise StoreUnavailable(f"{error}; waited for it for {PATIENCE:g} s") from error
            if not told:
                log.warning("store.awaited", error=str(error), patience_s=PATIENCE)
                told = True
        await asyncio.sleep(PAUSE)


def _is_final(error: StoreUnavailable, settings: Settings) -> bool:
    """Return whether waiting does not help; other credentials may still come where a file holds them."""
    match error:
        case CredentialsRefused():
            return settings.redis_url_file is None
        case StoreRefused():
            return True
        case _:
            return False
