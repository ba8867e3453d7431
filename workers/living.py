"""The shift of living messages: post those whose import runs for long, edit them, and end them with their import.

All of it is best effort: ends are deliveries, and do not wait for anything here but the answer to a post.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import monotonic

import structlog

from bridge.destinations import judge, prepare
from bridge.destinations.slack.bot import SlackBot
from bridge.destinations.slack.living import digest_of, render_end, render_progress
from bridge.destinations.slack.message_edits import judge_edit, prepare_edit
from bridge.domain.delivery.verdicts import Accepted, Deferred
from bridge.domain.destinations import SlackChannel
from bridge.domain.living.edit_results import Edited, EditResult, Postponed
from bridge.domain.living.living_message import LivingMessage, Phase
from bridge.domain.living.progress import Progress
from bridge.domain.living.updates import EDITED_EVERY, after_edit, after_last_edit, after_post
from bridge.domain.times import SECOND, Moment, Span
from bridge.errors import DecryptionFailed
from bridge.resources import Resources
from bridge.store.slack.living_messages import LivingClaim, LivingQueue
from workers.living_words import LivingWords, Moved

LEASE: Span = 30 * SECOND
"""The lease of a claim: longer than the longest request to Slack."""
STARTS_WITHIN: Span = 5 * SECOND
"""How long after its claim a request may start; a later one might outlast the lease."""
ROOM = 4
"""The number of messages that a worker looks at at once: the pace of edits allows no more."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedLiving:
    """A claimed living message, with the deadline (monotonic seconds) for its request."""

    claim: LivingClaim
    start_by: float
    clock: float
    """The difference between Redis' clock and the monotonic clock, in seconds."""

    def now(self) -> Moment:
        return int((self.clock + monotonic()) * SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingResult:
    """What became of a claimed message; None if the claim is not valid any more. `pause` is that of all edits."""

    claim: LivingClaim
    after: LivingMessage | None
    pause: Span = 0
    lane_pause: Span = 0


class LivingWork:
    """The steps of the shift."""

    name = "living"
    room = ROOM

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._words = LivingWords(resources)

    async def claim(self, room: int) -> tuple[Sequence[ClaimedLiving], float | None]:
        began = monotonic()
        now, next_due, claims = await self._resources.living.claim(room, LEASE)
        start_by, clock = began + STARTS_WITHIN / SECOND, now / SECOND - began
        claimed = [ClaimedLiving(claim=claim, start_by=start_by, clock=clock) for claim in claims]
        return claimed, None if next_due is None else max(0.0, (next_due - now) / SECOND)

    async def act(self, claimed: ClaimedLiving) -> LivingResult:
        bot = self._resources.sender.slack_bot
        try:
            message = self._resources.living.decrypt(claimed.claim)
        except DecryptionFailed:
            log.error("record.decryption_failed", import_id=claimed.claim.import_id)  # noqa: TRY400 - with fields
            return LivingResult(claim=claimed.claim, after=LivingMessage(phase=Phase.GIVEN_UP, due=0))
        return self._without_bot(claimed, message) if bot is None else await self._look(claimed, message, bot)

    def _without_bot(self, claimed: ClaimedLiving, message: LivingMessage) -> LivingResult:
        """Wait for a bot until the import has ended."""
        if claimed.claim.queue is LivingQueue.ENDING:
            return LivingResult(claim=claimed.claim, after=replace(message, phase=Phase.GIVEN_UP))
        return self._postponed(claimed, message, claimed.now() + EDITED_EVERY)

    async def _look(self, claimed: ClaimedLiving, message: LivingMessage, bot: SlackBot) -> LivingResult:
        match claimed.claim.queue, message.phase:
            case LivingQueue.WAITING, Phase.WAITING:
                return await self._post(claimed, message)
            case LivingQueue.WAITING, _:  # a worker died while it posted
                return LivingResult(claim=claimed.claim, after=replace(message, phase=Phase.GIVEN_UP))
            case LivingQueue.SHOWN, _:
                return await self._edit(claimed, message, bot)
            case LivingQueue.ENDING, _:
                return await self._end(claimed, message, bot)

    async def _post(self, claimed: ClaimedLiving, message: LivingMessage) -> LivingResult:
        found = await self._words.progress(claimed.claim, claimed.now())
        if found is None:
            return self._postponed(claimed, message, claimed.now() + EDITED_EVERY)
        if isinstance(found, Moved):
            return LivingResult(claim=claimed.claim, after=replace(message, phase=Phase.GIVEN_UP))
        progress, channel = found
        wait = await self._resources.living.begin_post(claimed.claim)
        if wait is None:
            return LivingResult(claim=claimed.claim, after=None)
        if wait > 0 or monotonic() >= claimed.start_by:
            return self._postponed(claimed, message, claimed.now() + max(wait, SECOND))
        return await self._send_post(claimed, message, progress, channel)

    async def _send_post(
        self, claimed: ClaimedLiving, message: LivingMessage, progress: Progress, channel: SlackChannel
    ) -> LivingResult:
        request = prepare(
            channel,
            render_progress(progress),
            notification_id="",
            client="",
            now=claimed.now(),
            sender=self._resources.sender,
            plain=message.plain,
        )
        verdict = judge(channel, await self._resources.egress.send(request), claimed.now())
        after = after_post(message, verdict, digest_of(progress), claimed.now())
        reason = None if isinstance(verdict, Accepted) else verdict.reason
        _log("living.posted", claimed.claim, phase=after.phase.value, reason=reason)
        lane_pause = (verdict.wait or 0) if isinstance(verdict, Deferred) and verdict.whole_lane else 0
        return LivingResult(claim=claimed.claim, after=after, lane_pause=lane_pause)

    async def _edit(self, claimed: ClaimedLiving, message: LivingMessage, bot: SlackBot) -> LivingResult:
        found = await self._words.progress(claimed.claim, claimed.now())
        if found is None:  # it ends now, or could not be read
            return self._postponed(claimed, message, claimed.now() + EDITED_EVERY)
        if isinstance(found, Moved):
            return await self._say_moved(claimed, message, bot)
        progress, _ = found
        words = digest_of(progress)
        if words == message.words:
            return self._postponed(claimed, message, claimed.now() + EDITED_EVERY)
        result = await self._send_edit(claimed, message, render_progress(progress), bot)
        if not isinstance(result, LivingResult):
            after = after_edit(message, result, words, claimed.now())
            return self._edited(claimed, after, result)
        return result

    async def _end(self, claimed: ClaimedLiving, message: LivingMessage, bot: SlackBot) -> LivingResult:
        if message.is_over():
            return LivingResult(claim=claimed.claim, after=message)
        if message.phase is not Phase.SHOWN:
            return LivingResult(claim=claimed.claim, after=replace(message, phase=Phase.GIVEN_UP))
        return await self._say_end(claimed, message, bot)

    async def _say_end(self, claimed: ClaimedLiving, message: LivingMessage, bot: SlackBot) -> LivingResult:
        """Edit a message for the last time, once its end is told."""
        end = await self._words.end(claimed.claim, message, claimed.now())
        if isinstance(end, int):
            return self._postponed(claimed, message, end)
        result = await self._send_edit(claimed, message, render_end(end), bot)
        if isinstance(result, LivingResult):
            return result
        return self._edited(claimed, after_last_edit(message, result, claimed.now()), result)

    async def _say_moved(self, claimed: ClaimedLiving, message: LivingMessage, bot: SlackBot) -> LivingResult:
        """Edit a message for the last time before its end, which is told elsewhere."""
        body = render_end(self._words.moved(claimed.claim, claimed.now()))
        result = await self._send_edit(claimed, message, body, bot)
        if isinstance(result, LivingResult):
            return result
        after = after_edit(message, result, "", claimed.now())
        after = replace(after, phase=Phase.FROZEN) if isinstance(result, Edited) else after
        return self._edited(claimed, after, result)

    async def _send_edit(
        self, claimed: ClaimedLiving, message: LivingMessage, body: str, bot: SlackBot
    ) -> EditResult | LivingResult:
        """Edit a message; return what came of it, or the result of the claim if nothing was sent."""
        assert message.posted is not None  # noqa: S101 - a message that is shown has one
        wait = await self._resources.living.begin_edit(claimed.claim)
        if wait is None:
            return LivingResult(claim=claimed.claim, after=None)
        if wait > 0 or monotonic() >= claimed.start_by:
            return self._postponed(claimed, message, message.due)
        request = prepare_edit(message.posted, body, bot, plain=message.plain)
        return judge_edit(await self._resources.egress.send(request), claimed.now())

    def _edited(self, claimed: ClaimedLiving, after: LivingMessage, result: EditResult) -> LivingResult:
        reason = None if isinstance(result, Edited) else result.reason
        _log("living.edited", claimed.claim, phase=after.phase.value, reason=reason)
        pause = result.pause if isinstance(result, Postponed) else 0
        return LivingResult(claim=claimed.claim, after=after, pause=pause)

    def _postponed(self, claimed: ClaimedLiving, message: LivingMessage, due: Moment) -> LivingResult:
        return LivingResult(claim=claimed.claim, after=replace(message, due=due))

    def set_aside(self, claimed: ClaimedLiving, error: Exception) -> LivingResult:
        del error  # the shift has logged it; the lease ends soon
        return LivingResult(claim=claimed.claim, after=None)

    async def commit(self, results: Sequence[LivingResult]) -> None:
        kept_for = self._resources.settings.bridge_retention
        for result in results:
            if result.pause:
                await self._resources.living.pause_edits(result.pause)
            if result.lane_pause:
                await self._resources.lanes.pause(result.claim.lane, result.lane_pause)
            if result.after is not None:
                await self._resources.living.commit(result.claim, result.after, kept_for=kept_for)


def _log(event: str, claim: LivingClaim, *, phase: str, reason: str | None) -> None:
    log.info(event, import_id=claim.import_id, workspace=claim.workspace, phase=phase, reason=reason)
