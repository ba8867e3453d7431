"""Living messages: begun with a watch, claimed to be posted or edited, committed, and found for an end."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bridge.domain.delivery.posted_messages import PostedMessage
from bridge.domain.living.living_message import LivingMessage, Phase
from bridge.domain.times import MINUTE, Moment, Span
from bridge.store import bindings, codec, keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Binding, Encryptor

FURTHEST: Span = 10 * MINUTE
"""How far ahead a living message may be due. One that is due later was queued before the clock was set back."""
POST_SPACING: Span = 300
"""The shortest time between two posts of living messages: far below what Slack allows an app, for the sake of ends."""
EDIT_SPACING: Span = 1_500
"""The shortest time between two edits: 40 a minute, of the 50 that Slack allows an app at least."""
_EDITS = "living:edits"
"""The name under which edits are paced, like a lane. Scripts use the same."""


class LivingQueue(StrEnum):
    """What a living message waits for."""

    WAITING = "rb:living:in:waiting"
    """To be posted."""
    SHOWN = "rb:living:in:shown"
    """To be edited."""
    ENDING = "rb:living:in:ending"
    """To be edited for the last time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivingClaim:
    """A living message that this worker may post or edit until its lease ends, and commit only under `fence`."""

    receiver: str
    workspace: str
    import_id: str
    queue: LivingQueue
    due: Moment
    fence: int
    record: Mapping[str, str] = field(repr=False)

    @property
    def lane(self) -> str:
        return self.record["lane"]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.receiver, self.workspace, self.import_id


class LivingMessages:
    """The living messages in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def claim(self, room: int, lease: Span) -> tuple[Moment, Moment | None, list[LivingClaim]]:
        """Claim what is due, as far as Slack's limits allow. Return (now, time of the next claim, claims)."""
        args = {"count": room, "lease": lease, "furthest": FURTHEST}
        now, next_due, *rows = await self._store.run("claim_living", {"fences": keys.FENCE}, args)
        return now, None if next_due < 0 else next_due, [_claim(*row) for row in rows]

    async def begin_post(self, claim: LivingClaim) -> Span | None:
        """Write that the message is being posted. Return 0, or the ms to wait; None if it must not be posted."""
        return await self._begin(claim, is_post=True, spacing=POST_SPACING)

    async def begin_edit(self, claim: LivingClaim) -> Span | None:
        """Reserve an edit. Return 0, or the ms to wait; None if the claim is not valid any more."""
        return await self._begin(claim, is_post=False, spacing=EDIT_SPACING)

    async def _begin(self, claim: LivingClaim, *, is_post: bool, spacing: Span) -> Span | None:
        wait = await self._store.run(
            "begin_living",
            {"living": keys.living(*claim.key)},
            {"fence": claim.fence, "is_post": int(is_post), "spacing": spacing},
        )
        return None if wait < 0 else int(wait)

    async def commit(self, claim: LivingClaim, after: LivingMessage, *, kept_for: Span) -> bool:
        """Store what became of a message. Return False if the fence was replaced."""
        committed = await self._store.run(
            "commit_living",
            {"living": keys.living(*claim.key)},
            {
                "member": f"{claim.receiver}:{keys.member(claim.workspace, claim.import_id)}",
                "fence": claim.fence,
                "phase": after.phase.value,
                "due": after.due,
                "was_ending": int(claim.queue is LivingQueue.ENDING),
                "is_over": int(after.is_over()),
                "kept_for": kept_for,
            },
            more_args=self._fields(claim, after),
        )
        return bool(committed)

    def _fields(self, claim: LivingClaim, after: LivingMessage) -> Sequence[str | int]:
        posted = ""
        if after.posted is not None:
            posted = self._encryptor.encrypt(codec.dump(asdict(after.posted)), bindings.of_living(*claim.key))
        facts = ("words", after.words, "plain", 1 if after.plain else "", "failures", after.failures)
        return [*facts, "posted", posted]

    async def pause_edits(self, span: Span) -> None:
        """Make no edit for `span`, because Slack wants it."""
        await self._store.run("pause_lane", args={"lane": _EDITS, "span": span})

    async def of_watch(self, watch_id: str, receiver: str) -> LivingMessage | None:
        """Return the living message of the import of a watch at a receiver. Raises DecryptionFailed."""
        found = await self._store.call("HMGET", keys.watch(watch_id), "workspace", "import_id", "living")
        workspace, import_id, receivers = found
        if receiver not in (receivers or "").split():
            return None
        record = await self._store.call("HGETALL", keys.living(receiver, workspace, import_id))
        return self._load(bindings.of_living(receiver, workspace, import_id), record) if record else None

    def decrypt(self, claim: LivingClaim) -> LivingMessage:
        """Decrypt a claimed message. Raises DecryptionFailed."""
        return self._load(bindings.of_living(*claim.key), claim.record, due=claim.due)

    def _load(self, binding: Binding, record: Mapping[str, str], due: Moment = 0) -> LivingMessage:
        posted = record.get("posted")
        return LivingMessage(
            phase=Phase(record["phase"]),
            due=due,
            posted=PostedMessage(**codec.load(self._encryptor.decrypt(posted, binding))) if posted else None,
            words=record.get("words", ""),
            plain=bool(record.get("plain")),
            failures=int(record.get("failures", 0)),
            ended_by=record.get("ended_by"),
            settled_by=record.get("settled_by"),
            answer_by=int(record.get("answer_by", 0)),
        )


def _claim(member: str, queue: str, due: Moment, fence: int, flat: Sequence[Any]) -> LivingClaim:
    receiver, workspace, import_id = member.split(":", 2)
    return LivingClaim(
        receiver=receiver,
        workspace=workspace,
        import_id=import_id,
        queue=LivingQueue(queue),
        due=due,
        fence=fence,
        record=codec.unflatten(flat),
    )
