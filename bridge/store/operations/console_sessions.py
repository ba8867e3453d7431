"""Sessions of the console that ended by signing out, kept so that a copy of their cookie is refused."""

from bridge.domain.times import Span
from bridge.store import keys
from bridge.store.calls.connection import Store


class ConsoleSessions:
    """The marks of ended sessions in Redis; each expires when its session would have."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def end(self, session_id: str, lasts: Span) -> None:
        """End a session, which would otherwise last for at most `lasts`."""
        await self._store.call("SET", keys.console_session_ended(session_id), 1, "PX", lasts)

    async def has_ended(self, session_id: str) -> bool:
        return bool(await self._store.call("EXISTS", keys.console_session_ended(session_id)))
