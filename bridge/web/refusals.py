"""The refusals of the API: their kinds, the problems of a request, and the exception that carries both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bridge.errors import BridgeError


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a request: a JSON pointer to the field, a sentence, and a stable code."""

    pointer: str
    detail: str
    code: str


class Refusal(Enum):
    """The kinds of refusals: HTTP status, slug and title. Slugs are public and stable."""

    BAD_REQUEST = (400, "bad-request", "The request is not valid HTTP")
    PREFLIGHT_REFUSED = (400, "preflight-refused", "Pages of this origin may not send the request")
    INVALID_JSON = (400, "invalid-json", "The body is not valid JSON")
    DUPLICATE_HEADER = (400, "duplicate-header", "A header was sent more than once")
    PUSH_NOT_SIGNED = (400, "push-not-signed", "The push is not signed, or not recently")
    PUSH_UNREADABLE = (400, "push-unreadable", "The push can't be read")
    MISSING_API_KEY = (401, "missing-api-key", "The API key is missing")
    SLACK_NOT_SIGNED = (401, "slack-not-signed", "The request is not signed by Slack, or not for this app")
    INVALID_API_KEY = (401, "invalid-api-key", "The API key is invalid")
    FORBIDDEN = (403, "forbidden", "The client lacks the permission")
    NOT_FOUND = (404, "not-found", "Not found")
    WATCH_NOT_FOUND = (404, "watch-not-found", "Watch not found")
    PUSHES_NOT_RECEIVED = (404, "pushes-not-received", "No pushes are received for the workspace")
    DELIVERY_NOT_FOUND = (404, "delivery-not-found", "Delivery not found")
    NOT_ACCEPTABLE = (406, "not-acceptable", "No accepted media type is available")
    METHOD_NOT_ALLOWED = (405, "method-not-allowed", "Method not allowed")
    REQUEST_TIMEOUT = (408, "request-timeout", "The request took too long to arrive")
    WATCH_ALREADY_SETTLED = (409, "watch-already-settled", "The watch is already settled")
    IMPORT_NOT_READ = (409, "import-not-read", "The import was not read")
    FAILED_RECORDS_CHANGED = (409, "failed-records-changed", "The failed records have changed")
    DELIVERY_SKIPPED = (409, "delivery-skipped", "The delivery was skipped")
    DELIVERY_PENDING = (409, "delivery-pending", "The delivery is still pending")
    PAYLOAD_TOO_LARGE = (413, "payload-too-large", "The body is too large")
    UNSUPPORTED_MEDIA_TYPE = (415, "unsupported-media-type", "The body must be sent as JSON")
    VALIDATION_FAILED = (422, "validation-failed", "The request is not valid")
    INVALID_QUERY = (422, "invalid-query", "The query is not valid")
    INVALID_IDEMPOTENCY_KEY = (422, "invalid-idempotency-key", "The Idempotency-Key is not valid")
    IDEMPOTENCY_KEY_REUSED = (422, "idempotency-key-reused", "The Idempotency-Key was used for another request")
    RATE_LIMITED = (429, "rate-limited", "Too many requests")
    TOO_MANY_INVALID_KEYS = (429, "too-many-invalid-keys", "Too many invalid API keys from this address")
    DESTINATION_BUSY = (429, "destination-busy", "The destination's rate limit is used up")
    HEADERS_TOO_LARGE = (431, "headers-too-large", "The request's headers are too large")
    DECRYPTION_FAILED = (500, "decryption-failed", "The record can't be decrypted")
    INTERNAL_ERROR = (500, "internal-error", "Internal error")
    SERVICE_UNAVAILABLE = (503, "service-unavailable", "Temporarily unavailable")

    @property
    def status(self) -> int:
        return self.value[0]

    @property
    def slug(self) -> str:
        return self.value[1]

    @property
    def code(self) -> str:
        """The slug in the form of the codes of errors."""
        return self.slug.replace("-", "_")

    @property
    def title(self) -> str:
        return self.value[2]


class Refused(BridgeError):
    """A request that is answered with a problem document and changes nothing.

    `problems` may contain only the first problems; `problem_count` is the number of all.
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
