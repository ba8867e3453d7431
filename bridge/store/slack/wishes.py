"""Watches that people have asked for in Slack: kept until Slack has answered whether the app can post there.

If the process ends before that, or Redis is away, a worker asks Slack again.
"""

from dataclasses import asdict, dataclass

from bridge.domain.destinations import SlackChannel
from bridge.domain.living.living_message import LivingPlace
from bridge.domain.secret import Secret
from bridge.domain.times import MINUTE, Moment, Span
from bridge.errors import DecryptionFailed
from bridge.redis.errors import translated
from bridge.store import bindings, codec, keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor, Fingerprinter
from bridge.store.slack.channels import SlackChannels
from bridge.store.watches.acceptance_call import AcceptedWatch, NewWatch
from bridge.store.watches.watches import Watches

ACCEPTED_AFTER: Span = MINUTE
"""How long a process may take to ask Slack; it gives up much earlier."""
WISHED_FOR: Span = 10 * MINUTE
"""How long a wish that is neither fulfilled nor forgotten keeps others from its channel and import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptWish:
    """A watch that was asked for, and the `response_url` by which the person can be answered."""

    new: NewWatch
    answers: Secret | None


class SlackWishes:
    """The wishes in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor, fingerprinter: Fingerprinter) -> None:
        self._store = store
        self._encryptor = encryptor
        self._watches = Watches(store, encryptor, fingerprinter)
        self._channels = SlackChannels(store)

    async def keep(self, wish: KeptWish) -> bool:
        """Keep a wish, which must be fulfilled or forgotten.

        Return False if another one for the same channel and import is neither yet.
        """
        new = wish.new
        encrypted = self._encryptor.encrypt(_dump(wish), bindings.of_slack_wish(new.id))
        kept = await self._store.run(
            "keep_wish",
            {"kept": keys.slack_wish(new.id), "wishes": keys.SLACK_WISHES, "wished": _wished(new)},
            {"watch_id": new.id, "wish": encrypted, "accepted_after": ACCEPTED_AFTER, "wished_for": WISHED_FOR},
            replicated=True,
        )
        return bool(kept)

    async def forget(self, new: NewWatch) -> None:
        async with translated(), self._store.redis.pipeline(transaction=True) as pipe:
            pipe.zrem(keys.SLACK_WISHES, new.id)
            pipe.delete(keys.slack_wish(new.id), _wished(new))
            await pipe.execute()

    async def fulfil(self, new: NewWatch, *, grace: Span, reuse: Span) -> AcceptedWatch:
        """Accept the watch, list it in its channel, and forget the wish. Doing so again changes nothing."""
        for each in new.notify:
            if isinstance(each, SlackChannel):
                await self._channels.add(each.channel, new.id, new.expires_in)
        accepted = await self._watches.accept(new, grace=grace, reuse=reuse)
        assert isinstance(accepted, AcceptedWatch)  # noqa: S101 - without a key and without a limit
        await self.forget(new)
        return accepted

    async def claim(self, count: int, lease: Span) -> tuple[Moment, Moment | None, list[KeptWish]]:
        """Claim wishes that a process has left behind; one that can't be decrypted is claimed again later.

        Return (now, time of the next claim, wishes).
        """
        now, *ids = await self._store.run(
            "claim_due", {"due": keys.SLACK_WISHES}, {"count": count, "lease": lease, "furthest": ACCEPTED_AFTER}
        )
        found = [(watch_id, await self._store.call("GET", keys.slack_wish(watch_id))) for watch_id in ids]
        first = await self._store.call("ZRANGE", keys.SLACK_WISHES, 0, 0, "WITHSCORES")
        loaded = (self._load(watch_id, encrypted) for watch_id, encrypted in found)
        return now, int(first[1]) if first else None, [wish for wish in loaded if wish is not None]

    def _load(self, watch_id: str, encrypted: str | None) -> KeptWish | None:
        if encrypted is None:
            return None
        try:
            stored = codec.load(self._encryptor.decrypt(encrypted, bindings.of_slack_wish(watch_id)))
        except DecryptionFailed:
            return None
        notify = tuple(codec.load_destination(each) for each in stored.pop("notify"))
        living = tuple(LivingPlace(**each) for each in stored.pop("living"))
        answers = stored.pop("answers", None)
        new = NewWatch(id=watch_id, notify=notify, metadata={}, living=living, **stored)
        return KeptWish(new=new, answers=None if answers is None else Secret(answers))


def _wished(new: NewWatch) -> str:
    (destination,) = new.notify
    assert isinstance(destination, SlackChannel)  # noqa: S101 - people in Slack ask for one channel
    return keys.slack_wished(destination.channel, new.workspace, new.import_id)


def _dump(wish: KeptWish) -> str:
    new = wish.new
    return codec.dump(
        {
            "client": new.client,
            "workspace": new.workspace,
            "import_id": new.import_id,
            "label": new.label,
            "expires_in": new.expires_in,
            "nudge_after": new.nudge_after,
            "notify": [codec.dump_destination(each) for each in new.notify],
            "living": [asdict(each) for each in new.living],
            "answers": None if wish.answers is None else wish.answers.reveal(),
        }
    )
