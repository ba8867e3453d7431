"""The session of a person in the console, which is kept in an encrypted cookie: who is signed in, and until when."""

import hmac
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from secrets import token_urlsafe

from bridge.domain.clients import Client
from bridge.domain.times import HOUR, Moment, Span
from bridge.errors import DecryptionFailed
from bridge.store import codec
from bridge.store.encryption import Binding, Encryptor

SESSION_LASTS: Span = 8 * HOUR
"""How long a session is valid, counted from its beginning."""
_BINDING = Binding(record="console", field="session")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as the cookie has it. Before anybody signs in, it only protects the form for signing in."""

    id: str
    csrf: str = field(repr=False)
    """What each form of this session contains, so that no other site can send one."""
    started_at: Moment
    client: str = ""
    """The name of the client that is signed in; empty before."""
    key: str = field(default="", repr=False)
    """The digest of the API key that it signed in with."""


def new_session(now: Moment, *, client: str = "", key: bytes = b"") -> Session:
    """Return a session that begins now."""
    return Session(id=token_urlsafe(12), csrf=token_urlsafe(24), started_at=now, client=client, key=key.hex())


def seal(encryptor: Encryptor, session: Session) -> str:
    """Return the text of the cookie."""
    return encryptor.encrypt(codec.dump(asdict(session)), _BINDING)


def unseal(encryptor: Encryptor, text: str, now: Moment) -> Session | None:
    """Return the session of a cookie; None if it is not one of ours, or is over."""
    if not text.isascii():
        return None
    try:
        session = Session(**codec.load(encryptor.decrypt(text, _BINDING)))
    except DecryptionFailed:
        return None
    return session if session.started_at <= now < session.started_at + SESSION_LASTS else None


def client_of(session: Session, clients: Sequence[Client]) -> Client | None:
    """Return the client that is signed in; None if there is none, or if its key is not configured any more."""
    key = bytes.fromhex(session.key)
    return next(
        (
            client
            for client in clients
            if client.name == session.client and any(hmac.compare_digest(key, each) for each in client.digests)
        ),
        None,
    )


def is_token_of(session: Session, token: str) -> bool:
    """Return whether a form has the session's token."""
    return hmac.compare_digest(session.csrf.encode(), token.encode("utf-8", "surrogatepass"))
