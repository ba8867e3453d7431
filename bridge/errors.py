"""What can go wrong on purpose.

BridgeError
├── SettingsError        the environment does not describe a bridge that could start
├── StoreUnavailable     Redis does not answer; nothing was changed that we know of
│   ├── StoreFull        it answers, but takes no writes: what only reads still works
│   └── StoreRefused     it refuses us, or is no Redis: waiting does not help
│       └── CredentialsRefused  it refuses the user or the password: waiting helps only where a file holds them
├── SealBroken           a record does not open with the configured keys
└── Refused              a request that we do not carry out: for which Refusal, every problem named
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class BridgeError(Exception):
    """Anything that rally-bridge raises knowingly."""


class SettingsError(BridgeError):
    """Names every problem of the settings at once, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StoreUnavailable(BridgeError):
    """The store can't be reached or can't write just now; the same call may succeed later."""


class StoreFull(StoreUnavailable):
    """Redis is at its maxmemory with noeviction: it refuses each write until there is room."""


class StoreRefused(StoreUnavailable):
    """Redis refuses our password or what we ask for, or what answers is no Redis; only other settings mend that."""


class CredentialsRefused(StoreRefused):
    """Redis refuses the user or the password, or that there is none."""


class DecryptionFailed(BridgeError):
    """A sealed record was written under a key that is not among BRIDGE_ENCRYPTION_KEYS."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request: where (a JSON pointer into the body), what, and a stable code."""

    pointer: str
    detail: str
    code: str | None = None


class Refusal(Enum):
    """Each reason for which a request is refused: the status, a name that stays, and a title for people."""

    NOT_HTTP = (400, "not-http", "The request is not HTTP that can be read")
    NOT_JSON = (400, "not-json", "The body is not JSON that can be read")
    HEADER_REPEATED = (400, "header-repeated", "A header was given more than once")
    NO_KEY = (401, "no-key", "No API key")
    UNKNOWN_KEY = (401, "unknown-key", "This API key is not known")
    NOT_FOR_YOU = (403, "not-for-you", "Your client may not use this any more")
    NO_SUCH_PAGE = (404, "no-such-page", "No such page")
    NO_SUCH_WATCH = (404, "no-such-watch", "No such watch")
    NO_SUCH_DELIVERY = (404, "no-such-delivery", "No such delivery")
    NO_SUCH_METHOD = (405, "method-not-allowed", "Method not allowed")
    NOT_IN_THAT_FORM = (406, "not-in-that-form", "Not in that form")
    TOO_SLOW = (408, "too-slow", "The request did not come in time")
    WATCH_ENDED = (409, "watch-ended", "The watch has ended already")
    DELIVERY_NOT_WANTED = (409, "delivery-not-wanted", "The delivery was not asked for")
    DELIVERY_UNDER_WAY = (409, "delivery-under-way", "The delivery is still under way")
    TOO_LARGE = (413, "too-large", "The body is too large")
    NOT_SENT_AS_JSON = (415, "not-sent-as-json", "The body must be JSON")
    NOT_VALID = (422, "not-valid", "The request is not valid")
    QUERY_NOT_VALID = (422, "query-not-valid", "The query is not valid")
    IDEMPOTENCY_KEY_NOT_VALID = (422, "idempotency-key-not-valid", "The Idempotency-Key is not valid")
    IDEMPOTENCY_KEY_USED = (422, "idempotency-key-used", "The Idempotency-Key was used before")
    TOO_MANY_CALLS = (429, "too-many-calls", "Too many calls")
    TOO_MANY_WRONG_KEYS = (429, "too-many-wrong-keys", "Too many wrong API keys came from your address")
    DESTINATION_BUSY = (429, "destination-busy", "The destination is busy")
    HEAD_TOO_LARGE = (431, "head-too-large", "The head of the request is too large")
    DECRYPTION_FAILED = (500, "seal-broken", "This can't be opened any more")
    OUR_FAULT = (500, "our-fault", "Something went wrong on our side")
    NOT_AVAILABLE = (503, "not-available", "Not available just now")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def slug(self) -> str:
        return self.value[1]

    @property
    def title(self) -> str:
        return self.value[2]


class Refused(BridgeError):
    """A request that is answered with a problem document and changes nothing.

    Of very many problems only the first are at hand; `problem_count` is the number of all.
    """

    def __init__(
        self,
        refusal: Refusal,
        detail: str = "",
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
        *,
        problem_count: int | None = None,
    ) -> None:
        super().__init__(detail or refusal.title)
        self.refusal = refusal
        self.detail = detail
        self.problems = tuple(problems)
        self.problem_count = len(self.problems) if problem_count is None else problem_count
        self.headers = headers
