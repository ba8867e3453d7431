"""The composition root: builds everything that the API and the workers share from the settings."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from bridge.checked_settings import check_usable
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
from bridge.destinations.receivers import identity_of, receiver_in
from bridge.domain.delivery.delivery_schedule import DeliverySchedule
from bridge.domain.destinations import Destination, NamedDestination, ResolvedDestination, SlackChannel
from bridge.domain.import_links import link_to
from bridge.domain.living.end_place import EndPlace
from bridge.domain.living.living_message import LivingPlace
from bridge.domain.polling.poll_intervals import PollIntervals
from bridge.domain.rules.rules import Rule
from bridge.domain.times import Span
from bridge.errors import SettingsError
from bridge.queue import Bell
from bridge.rally import RallyClient
from bridge.rally.workspaces import rally_clients
from bridge.settings import Settings
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.change_feed import ChangeFeed
from bridge.store.configuration import store_of
from bridge.store.deliveries.attempts import Attempts
from bridge.store.deliveries.deliveries import Deliveries
from bridge.store.deliveries.digests import Digests
from bridge.store.deliveries.held_deliveries import HeldDeliveries
from bridge.store.deliveries.lanes import Lanes
from bridge.store.deliveries.summaries import Summaries
from bridge.store.encryption import Encryptor, Fingerprinter
from bridge.store.imports.budgets import Budgets
from bridge.store.imports.imports import Imports
from bridge.store.imports.record_reads import RecordReads
from bridge.store.imports.record_sets import RecordSets
from bridge.store.indexes import Indexes
from bridge.store.operations.alarms import Alarms
from bridge.store.operations.console_sessions import ConsoleSessions
from bridge.store.operations.figures import FigureHistory
from bridge.store.operations.full_mark import FullMark
from bridge.store.operations.heartbeats import Heartbeats
from bridge.store.operations.notices import Notices
from bridge.store.operations.rate_limits import RateLimiter
from bridge.store.pushes.push_proofs import PushProofs
from bridge.store.pushes.pushes import Pushes
from bridge.store.pushes.rule_counts import RuleCounts
from bridge.store.slack.channels import SlackChannels
from bridge.store.slack.end_buttons import EndButtons
from bridge.store.slack.living_messages import LivingMessages
from bridge.store.slack.nudges import Nudges
from bridge.store.slack.requests import SlackRequests
from bridge.store.slack.wishes import SlackWishes
from bridge.store.watches.batches import Batches
from bridge.store.watches.endings import Endings
from bridge.store.watches.history import History
from bridge.store.watches.past_ends import PastEnds
from bridge.store.watches.watches import Watches
from bridge.tracing import Traces

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
    past_ends: PastEnds
    deliveries: Deliveries
    held: HeldDeliveries
    batches: Batches
    nudges: Nudges
    digests: Digests
    summaries: Summaries
    rule_counts: RuleCounts
    pushes: Pushes
    slack_requests: SlackRequests
    slack_channels: SlackChannels
    slack_wishes: SlackWishes
    end_buttons: EndButtons
    attempts: Attempts
    lanes: Lanes
    living: LivingMessages
    notices: Notices
    alarms: Alarms
    full_mark: FullMark
    record_sets: RecordSets
    record_reads: RecordReads
    budgets: Budgets
    push_proofs: PushProofs
    indexes: Indexes
    heartbeats: Heartbeats
    """Those of workers."""
    api_heartbeats: Heartbeats
    history: History
    rate_limiter: RateLimiter
    console_sessions: ConsoleSessions
    figures: FigureHistory
    change_feed: ChangeFeed
    bell: Bell
    rally: Mapping[str, RallyClient]
    """The client of Rally for each workspace."""
    egress: Egress
    egress_rules: EgressRules
    sender: Sender
    named: Mapping[str, ResolvedDestination]
    """The operator's named destinations."""
    poll_intervals: PollIntervals
    delivery_schedule: DeliverySchedule
    traces: Traces | None = None

    def lane(self, destination: Destination) -> str:
        """Return the lane of a destination. A name that is not configured now has its own lane, where it waits."""
        resolved = self.named.get(destination.name) if isinstance(destination, NamedDestination) else destination
        kind, identity = ("callback", f"named {describe(destination)}") if resolved is None else lane_of(resolved)
        return f"{kind}:{self.fingerprinter.fingerprint(identity)}"

    def end_place(self, destination: Destination) -> EndPlace | None:
        """Return where the end of an import is told at a destination with a living message; None if it wants none."""
        resolved = self.named.get(destination.name) if isinstance(destination, NamedDestination) else destination
        return resolved.live if isinstance(resolved, SlackChannel) else None

    def living_places(self, notify: Sequence[Destination]) -> tuple[LivingPlace, ...]:
        """Return where a watch wants living messages."""
        wanted = [each for each in notify if self.end_place(each) is not None]
        places = [LivingPlace(receiver=self.receiver_key(each), lane=self.lane(each)) for each in wanted]
        return tuple(dict.fromkeys(places))

    def rule_of(self, client: str) -> Rule | None:
        """Return the rule that watches of this client belong to; None if it is not configured any more."""
        return next((each for each in self.settings.rules if each.client == client), None)

    def link_to(self, workspace: str, import_id: str) -> str | None:
        """Return the link to an import in Rally's app; None if no template is configured for its workspace."""
        configured = self.settings.workspaces.get(workspace)
        return None if configured is None else link_to(configured.import_url, import_id)

    def receiver_key(self, destination: Destination) -> str:
        """Return the fingerprint of a receiver, which is not secret."""
        return self.fingerprinter.fingerprint(self.receiver(destination))

    def fingerprint(self, destination: Destination) -> str:
        """Return a short fingerprint that distinguishes a destination from others with the same description."""
        return self.fingerprinter.short(identity_of(destination))

    def receiver(self, destination: Destination) -> str:
        """Return what identifies the place that a destination sends to; it may be secret."""
        return receiver_in(destination, self.named)


@asynccontextmanager
async def open_resources(
    settings: Settings, *, clock_offset: Span = 0, traces: Traces | None = None
) -> AsyncIterator[Resources]:
    """Build the resources, and close them at the end; connects to nothing.

    Raises SettingsError naming every setting from which nothing can be built.
    """
    try:
        resources = replace(_build(settings, clock_offset), traces=traces)
    except SettingsError:
        check_usable(settings)
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
    store, fingerprinter = store_of(settings, clock_offset), Fingerprinter()
    return Resources(
        settings=settings,
        store=store,
        encryptor=encryptor,
        fingerprinter=fingerprinter,
        watches=Watches(store, encryptor, fingerprinter),
        imports=Imports(store, encryptor),
        endings=Endings(store, encryptor),
        past_ends=PastEnds(store, fingerprinter),
        deliveries=Deliveries(store, encryptor),
        held=HeldDeliveries(store),
        batches=Batches(store),
        nudges=Nudges(store, encryptor),
        digests=Digests(store, encryptor),
        summaries=Summaries(store, encryptor),
        rule_counts=RuleCounts(store),
        pushes=Pushes(store),
        slack_requests=SlackRequests(store, encryptor),
        slack_channels=SlackChannels(store),
        slack_wishes=SlackWishes(store, encryptor, fingerprinter),
        end_buttons=EndButtons(store),
        attempts=Attempts(store, encryptor),
        lanes=Lanes(store),
        living=LivingMessages(store, encryptor),
        notices=Notices(store, encryptor),
        alarms=Alarms(store),
        full_mark=FullMark(store),
        record_sets=RecordSets(store, encryptor),
        record_reads=RecordReads(store, encryptor),
        budgets=Budgets(store),
        push_proofs=PushProofs(store),
        indexes=Indexes(store, fingerprinter),
        heartbeats=Heartbeats(store, keys.WORKERS),
        api_heartbeats=Heartbeats(store, keys.APIS),
        history=History(store, encryptor),
        rate_limiter=RateLimiter(store, limit=settings.client_rate_limit),
        console_sessions=ConsoleSessions(store),
        figures=FigureHistory(store),
        change_feed=ChangeFeed(store),
        bell=Bell(settings.redis_url, settings.redis_url_file, settings.sentinel_login),
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
        poll_intervals=PollIntervals(
            floor=settings.poll_floor, ceiling=settings.poll_ceiling, growth=settings.poll_growth
        ),
        delivery_schedule=DeliverySchedule(pauses=settings.delivery_schedule, max_age=settings.delivery_max_age),
    )
