"""Requests of Slack: each is carried out once. A repetition within ten minutes gets the answer of the first.

A double click is two requests; what both ask for is a deed, which is done once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.times import MINUTE, Span
from bridge.errors import DecryptionFailed
from bridge.store import bindings, keys
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor

REMEMBERED_FOR: Span = 10 * MINUTE
"""Longer than a signature is valid, in both directions of the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """A request that came before; `answer` is empty if the first one has none yet."""

    answer: str


class SlackRequests:
    """The requests of the last minutes, in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor

    async def begin(self, team: str, signed: bytes) -> Repetition | None:
        """Remember a request by what Slack has signed; return it as a repetition if it came before."""
        fingerprint = _fingerprint(signed)
        key = keys.slack_request(team, fingerprint)
        if await self._store.call("SET", key, "", "NX", "PX", REMEMBERED_FOR):
            return None
        encrypted = await self._store.call("GET", key)
        try:
            answer = (
                self._encryptor.decrypt(encrypted, bindings.of_slack_answer(team, fingerprint)) if encrypted else ""
            )
        except DecryptionFailed:
            answer = ""
        return Repetition(answer=answer)

    async def end(self, team: str, signed: bytes, answer: str) -> None:
        """Keep the answer to a request for its repetitions."""
        fingerprint = _fingerprint(signed)
        encrypted = self._encryptor.encrypt(answer, bindings.of_slack_answer(team, fingerprint))
        await self._store.call("SET", keys.slack_request(team, fingerprint), encrypted, "XX", "KEEPTTL")

    async def begin_deed(self, team: str, *deed: str, lasts: Span) -> bool:
        """Mark what someone has asked for; return False if it is marked already, as after a double click."""
        return bool(await self._store.call("SET", _deed(team, deed), "", "NX", "PX", lasts))

    async def end_deed(self, team: str, *deed: str) -> None:
        """Remove the mark, so that it can be asked for again at once."""
        await self._store.call("DEL", _deed(team, deed))


def _deed(team: str, deed: Sequence[str]) -> str:
    return keys.slack_deed(team, _fingerprint("\n".join(deed).encode()))


def _fingerprint(signed: bytes) -> str:
    return hashlib.sha256(signed).hexdigest()
