"""The composition root: everything that the doors and the workers use, built from the settings in one place."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bridge.destinations.egress import Egress, EgressRules
from bridge.destinations.signatures import Signing
from bridge.domain.schedules import PollSchedule
from bridge.domain.times import SECOND, Span
from bridge.errors import SettingsError
from bridge.queue import Bell
from bridge.rally import RallyClient
from bridge.secrets import Sealer
from bridge.settings import Settings
from bridge.store.budgets import Budgets
from bridge.store.connection import Store, connect
from bridge.store.deliveries import Deliveries
from bridge.store.imports import Imports
from bridge.store.seal import check_seal
from bridge.store.watches import Watches

DEFAULT_WORKSPACE = "default"
POLL_SLOTS = 50
"""Polls that one worker has under way at once, each over a connection of its own."""
DELIVERY_SLOTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What lives as long as its process: connections, clients, and the rules made of the settings."""

    settings: Settings
    store: Store
    sealer: Sealer
    watches: Watches
    imports: Imports
    deliveries: Deliveries
    budgets: Budgets
    bell: Bell
    rally: Mapping[str, RallyClient]
    """By workspace."""
    egress: Egress
    egress_rules: EgressRules
    signing: Signing
    poll_schedule: PollSchedule


@asynccontextmanager
async def open_resources(settings: Settings, *, clock_offset: Span = 0) -> AsyncIterator[Resources]:
    """Build the resources, and close them; nothing is asked of Redis, Rally or a destination here."""
    rules = egress_rules(settings)
    sealer = Sealer(settings.bridge_encryption_keys)
    store = Store(connect(settings.redis_url), offset=clock_offset)
    bell = Bell(settings.redis_url)
    rally = RallyClient(
        base_url=settings.rally_base_url,
        key=settings.rally_api_key,
        slots=POLL_SLOTS,
        total_timeout=settings.poll_lease / 2 / SECOND,
    )
    egress = Egress(rules, slots=DELIVERY_SLOTS)
    resources = Resources(
        settings=settings,
        store=store,
        sealer=sealer,
        watches=Watches(store, sealer),
        imports=Imports(store, sealer),
        deliveries=Deliveries(store, sealer),
        budgets=Budgets(store),
        bell=bell,
        rally={DEFAULT_WORKSPACE: rally},
        egress=egress,
        egress_rules=rules,
        signing=Signing(settings.callback_secrets),
        poll_schedule=PollSchedule(
            floor=settings.poll_floor, ceiling=settings.poll_ceiling, growth=settings.poll_growth
        ),
    )
    try:
        yield resources
    finally:
        await rally.aclose()
        await egress.aclose()
        await bell.aclose()
        await store.redis.aclose()


def egress_rules(settings: Settings) -> EgressRules:
    """Parse EGRESS_ALLOW; raises SettingsError naming every entry that makes no sense."""
    try:
        return EgressRules.parse(settings.egress_allow)
    except ValueError as error:
        raise SettingsError([f"EGRESS_ALLOW: {error}"]) from error


async def check_store(resources: Resources) -> None:
    """Make sure that our keys open what Redis holds; raises SettingsError, or StoreUnavailable."""
    await check_seal(resources.store, resources.sealer)
