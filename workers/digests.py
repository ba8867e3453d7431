"""Digests: write the message of each digest that is due, and finish those that have ended."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from bridge.destinations import render
from bridge.domain.clients import RULE_PREFIX, is_rule
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.destinations import mentioned
from bridge.domain.digests import (
    ALL_RULES,
    BATCH_DIGEST_AFTER,
    EndedImport,
    OfBatch,
    OfFlood,
    OfRule,
    digest_of,
)
from bridge.domain.notifications import ENDED
from bridge.domain.past_ends import NOTHING_TO_COMPARE, Comparison, compare
from bridge.domain.rules.digest_schedule import next_digest
from bridge.domain.rules.floods import FLOOD_DIGEST_AFTER
from bridge.domain.rules.precedence import Release
from bridge.domain.times import MINUTE, Moment, Span
from bridge.domain.watches import Watch
from bridge.errors import StoreUnavailable
from bridge.ids import new_id
from bridge.resources import Resources
from bridge.store.deliveries.digests import ClosedDigest, DigestName
from workers.precedence import Precedence

AT_ONCE = 20
"""The number of digests that one run closes."""
PARTS_READ_AT_ONCE = 100
ENDING_ROUNDS = 100
"""The number of steps in which one run ends parts; the next run continues."""
LEASE: Span = MINUTE
"""How long one worker may take to write a digest before another one does."""

log = structlog.get_logger()


class DigestWriter:
    """Turns what was gathered into deliveries. A crash at any step leaves work that the next run finishes."""

    def __init__(self, resources: Resources, *, on_due: Callable[[], None], on_held: Callable[[], None]) -> None:
        """`on_due` is called when deliveries are due, `on_held` when deliveries are held."""
        self._resources = resources
        self._precedence = Precedence(resources)
        self._on_due = on_due
        self._on_held = on_held

    async def run(self) -> None:
        """Write the digests that are due, and end what ended with those that were sent."""
        await self._bring_forward()
        new_ids = [new_id("dlv_") for _ in range(AT_ONCE)]
        for digest in await self._resources.digests.claim(new_ids, LEASE):
            try:
                await self._write(digest)
            except StoreUnavailable:
                raise
            except Exception as error:  # our own bug, which must not stop the other digests
                log.error("digest.failed", digest=digest.id, exc_info=error)  # noqa: TRY400 - with fields
        for _ in range(ENDING_ROUNDS):
            if not await self._resources.digests.end_parts(AT_ONCE):
                break

    async def _bring_forward(self) -> None:
        """Bring digests forward that are due later than if they began now: the clock or the rule was changed."""
        now = await self._resources.store.now()
        for name, due in (await self._resources.digests.due()).items():
            if (latest := self._next(name, now)) < due:
                await self._resources.digests.bring_forward(name, latest)

    def _next(self, name: DigestName, now: Moment) -> Moment:
        """Return when a digest is due whose first import is gathered now."""
        match name.origin:
            case OfFlood():
                return now + FLOOD_DIGEST_AFTER
            case OfBatch():
                return now + BATCH_DIGEST_AFTER
            case OfRule(rule=rule_name):
                rule = self._resources.rule_of(f"{RULE_PREFIX}{rule_name}")
                return now if rule is None or rule.digest is None else next_digest(rule.digest, now)

    async def _write(self, digest: ClosedDigest) -> None:
        found = await self._read(digest)
        if len(found) <= 1:  # a message of its own says more
            for delivery, _ in found:
                await self._resources.digests.leave(digest, delivery.id)
            await self._resources.digests.drop(digest)
        else:
            await self._create(digest, found)
        self._on_due()
        self._on_held()

    async def _create(self, digest: ClosedDigest, found: Sequence[tuple[Delivery, Watch]]) -> None:
        first, now = found[0][0], await self._resources.store.now()
        origin = digest.name.origin
        client = ALL_RULES if isinstance(origin, OfFlood) else first.client
        mention = [user for part, watch in found for user in self._mentioned(part, watch)]
        ended = [self._ended(watch) for _, watch in found]
        message = digest_of(digest.id, origin, client, ended, now, mention=mention)
        watches = {watch.id: watch for _, watch in found}
        named = [replace(each, compared=await self._compared(watches[each.watch_id])) for each in message.named]
        body = render(replace(message, named=named), first.destination)
        if await self._resources.digests.create(digest, client, first.destination, body):
            log.info("digest.created", delivery_id=digest.id, client=client, imports=message.total.imports)

    def _ended(self, watch: Watch) -> EndedImport:
        return EndedImport.of(watch, link=self._resources.link_to(watch.workspace, watch.import_id))

    async def _compared(self, watch: Watch) -> Comparison:
        """Return how the end of a watch's import compares with the ends before it."""
        if watch.outcome not in ENDED or is_rule(watch.client):  # nobody watched the import of a rule from its start
            return NOTHING_TO_COMPARE
        kept_for = self._resources.settings.bridge_retention
        histories = await self._resources.past_ends.histories(watch, watch.reading, kept_for=kept_for, compared=True)
        return compare(watch.outcome, histories.before_own())

    def _mentioned(self, part: Delivery, watch: Watch) -> Sequence[str]:
        """Return the users that the rule and the destination of a part mention for its outcome."""
        assert watch.outcome is not None  # noqa: S101 - its delivery exists
        rule = self._resources.rule_of(part.client)
        by_rule = () if rule is None else rule.mentioned(watch.outcome)
        return (*by_rule, *mentioned(part.destination, watch.outcome, self._resources.named))

    async def _read(self, digest: ClosedDigest) -> list[tuple[Delivery, Watch]]:
        """Return the parts with their watches. Those that do not belong in the message leave the digest."""
        ids = await self._resources.digests.parts(digest.id)
        found: list[tuple[Delivery, Watch]] = []
        for first in range(0, len(ids), PARTS_READ_AT_ONCE):
            some = ids[first : first + PARTS_READ_AT_ONCE]
            await self._resources.digests.join(digest, some)
            parts = await self._readable(digest, some)
            found += [(part, watch) for part, watch in parts if await self._tells(digest, part, watch)]
        return await self._to_one_receiver(digest, found)

    async def _to_one_receiver(
        self, digest: ClosedDigest, found: Sequence[tuple[Delivery, Watch]]
    ) -> list[tuple[Delivery, Watch]]:
        """Return the parts for one receiver: the one that most parts have.

        The name of a destination may have been configured for another receiver since it was gathered: such a part
        leaves the digest.
        """
        receivers = [self._resources.receiver(part.destination) for part, _ in found]
        of_most = next((receiver for receiver, _ in Counter(receivers).most_common(1)), None)
        for (part, _), receiver in zip(found, receivers, strict=True):
            if receiver != of_most:
                await self._resources.digests.leave(digest, part.id)
        return [each for each, receiver in zip(found, receivers, strict=True) if receiver == of_most]

    async def _readable(self, digest: ClosedDigest, delivery_ids: Sequence[str]) -> list[tuple[Delivery, Watch]]:
        """Return parts with their watches. One that cannot be read leaves the digest, to fail by itself."""
        deliveries = await self._resources.deliveries.many(delivery_ids)
        watches = {each.id: each for each in await self._resources.watches.many([each.watch_id for each in deliveries])}
        found = [(each, watches[each.watch_id]) for each in deliveries if each.watch_id in watches]
        for unreadable in set(delivery_ids) - {each.id for each, _ in found}:
            await self._resources.digests.leave(digest, unreadable)
        return found

    async def _tells(self, digest: ClosedDigest, part: Delivery, watch: Watch) -> bool:
        """Return whether a part stays in the digest.

        The part of a rule leaves it, and is held again, if an explicit watch now takes precedence.
        """
        if not is_rule(part.client) or isinstance(await self._precedence.decide(part, watch), Release):
            return True
        await self._resources.digests.leave(digest, part.id, held=True)
        return False
