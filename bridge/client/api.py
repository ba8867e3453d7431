"""The calls: each repeated where that is safe, each refusal told in a sentence."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep
from types import MappingProxyType
from typing import Any, Self

import httpx

from bridge.client.errors import COME_AGAIN, HOPELESS, CallFailed, in_words, surely_unchanged
from bridge.client.watch import FIELDS, Watch

DEFAULT_URL = "http://127.0.0.1:8080"
CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 15.0
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0
LONGEST_WAIT = 60
"""Seconds for which the API holds an answer, at most; and for which a 429 puts a client off."""
PATIENCE = LONGEST_WAIT + 15.0  # so that a 429 is outlasted
LOOK_AGAIN = (2, 20)
"""A watch that is followed is looked at right after its next poll, but not more and not less often than this."""
OF_A_DELIVERY = frozenset({"id", "type", "destination", "state", "lastReason"})
SURROUNDINGS = "A proxy or certificates that the environment names (ALL_PROXY, HTTPS_PROXY, SSL_CERT_FILE, …)"


class Bridge:
    """A rally-bridge, called as one client. Blocking; one per thread."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        patience: float = PATIENCE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Take what RALLY_BRIDGE_URL and RALLY_BRIDGE_KEY (or RALLY_BRIDGE_KEY_FILE) say where nothing is given.

        `patience`: for so many seconds a bridge that is out of reach or busy is tried again. Raises CallFailed when
        there is no key.
        """
        key = (key or os.environ.get("RALLY_BRIDGE_KEY") or _key_of_file()).strip()  # a file's last line ends, too
        if not key:
            raise CallFailed("There is no API key: set RALLY_BRIDGE_KEY or RALLY_BRIDGE_KEY_FILE, or name one.")
        self.url = (url or os.environ.get("RALLY_BRIDGE_URL") or DEFAULT_URL).rstrip("/")
        self._patience = patience
        try:
            self._http = httpx.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {key}"},
                timeout=httpx.Timeout(ANSWER_TIMEOUT, connect=CONNECT_TIMEOUT),
                transport=transport,
            )
        except (httpx.InvalidURL, UnicodeError) as error:
            raise CallFailed(f"{self.url} or the key can't be used: {error}") from None
        except (ImportError, ValueError, OSError) as error:
            raise CallFailed(f"{SURROUNDINGS} can't be used: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def watch(
        self,
        import_id: str,
        *,
        notify: Sequence[Mapping[str, Any]] = (),
        label: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        workspace: str | None = None,
        expires_in: int | None = None,
        idempotency_key: str | None = None,
    ) -> Watch:
        """Have an import watched; `notify` as the API takes it, `expires_in` in seconds. Raises CallFailed.

        It is safe to repeat: the same `idempotency_key`, one of its own if none is given, makes one watch.
        """
        wish = {
            "importId": import_id,
            "notify": list(notify),
            "label": label,
            "metadata": metadata,
            "workspace": workspace,
            "expiresIn": expires_in,
        }
        body = {name: value for name, value in wish.items() if value is not None}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = self._call("POST", "/v1/watches", FIELDS, body=body, headers=headers, repeatable=True)
        return self._watch(answer)

    def get(self, watch_id: str, *, wait: int = 0) -> Watch:
        """Give a watch, held for at most `wait` seconds (up to 60) until it has ended. Raises CallFailed."""
        return self._watch(self._get(f"/v1/watches/{_segment(watch_id)}", FIELDS, {"wait": wait or None}))

    def follow(self, watch: Watch, *, timeout: float | None = None) -> Iterator[Watch]:
        """Give a watch again and again, about as often as Rally is asked, until it has ended or the time is over."""
        until = None if timeout is None else monotonic() + timeout
        while not watch.ended and (until is None or monotonic() < until):
            watch = self._look_again(watch, _next_look(watch), until)
            yield watch

    def wait(self, watch: Watch, *, timeout: float | None = None) -> Watch:
        """Give a watch once it has ended, or as it stands after `timeout` seconds. Raises CallFailed."""
        until = None if timeout is None else monotonic() + timeout
        while not watch.ended and (until is None or monotonic() < until):
            watch = self._look_again(watch, LONGEST_WAIT, until)
        return watch

    def list(
        self, *, state: str | None = None, outcome: str | None = None, import_id: str | None = None, page: int = 50
    ) -> Iterator[Watch]:
        """Give your watches, newest first, page by page as they are taken. Raises CallFailed."""
        cursor: str | None = None
        while True:
            query = {"state": state, "outcome": outcome, "importId": import_id, "limit": page, "cursor": cursor}
            found = self._get("/v1/watches", frozenset({"data", "nextCursor"}), query)
            yield from map(self._watch, found["data"])
            cursor = found["nextCursor"]
            if cursor is None:
                return

    def cancel(self, watch_id: str) -> Watch:
        """End a watch without an outcome; raises CallFailed, with status 409 when it has ended already."""
        return self._watch(self._call("POST", f"/v1/watches/{_segment(watch_id)}/cancel", FIELDS))

    def delivery(self, delivery_id: str) -> Mapping[str, Any]:
        """Give a delivery with its attempts. Raises CallFailed."""
        return self._get(f"/v1/deliveries/{_segment(delivery_id)}", OF_A_DELIVERY)

    def redeliver(self, delivery_id: str) -> Mapping[str, Any]:
        """Owe an ended delivery again, and give it. Raises CallFailed."""
        return self._call("POST", f"/v1/deliveries/{_segment(delivery_id)}/redeliver", OF_A_DELIVERY)

    def redeliver_since(self, since: datetime) -> int:
        """Owe again what was abandoned since a moment; gives how many. Raises CallFailed."""
        body = {"state": "abandoned", "since": since.astimezone(UTC).isoformat()}
        count, more = 0, True
        while more:
            answer = self._call("POST", "/v1/deliveries/redeliver", frozenset({"redelivered", "more"}), body=body)
            count, more = count + answer["redelivered"], answer["more"]
        return count

    def _look_again(self, watch: Watch, wait: int, until: float | None) -> Watch:
        """Give a watch held for at most `wait` seconds; or, where it is not our turn, as it was, once it may be.

        However often that happens: a client may follow more watches than it may make calls.
        """
        left = LONGEST_WAIT if until is None else max(1, round(until - monotonic()))
        path = f"/v1/watches/{_segment(watch.id)}"
        try:
            return self._watch(self._get(path, FIELDS, {"wait": min(wait, left)}, waits_for_turn=False))
        except CallFailed as fault:
            if fault.turn is None:
                raise
            sleep(min(max(fault.turn, FIRST_PAUSE), left))
            return watch

    def _watch(self, document: Mapping[str, Any]) -> Watch:
        """Read an answer that has what a watch has; what a foreign server means by it is anyone's guess."""
        try:
            return Watch.of(document)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise CallFailed(
                f"{self.url} answered with a watch that we can't read ({type(error).__name__})."
            ) from error

    def _get(
        self,
        path: str,
        holds: frozenset[str],
        query: Mapping[str, str | int | None] = MappingProxyType({}),
        *,
        waits_for_turn: bool = True,
    ) -> dict[str, Any]:
        given = {name: value for name, value in query.items() if value is not None}
        wait = int(given.get("wait", 0))
        timeout = ANSWER_TIMEOUT + wait
        return self._call(
            "GET", path, holds, query=given, repeatable=True, waits_for_turn=waits_for_turn, timeout=timeout
        )

    def _call(
        self,
        method: str,
        path: str,
        holds: frozenset[str],
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
        waits_for_turn: bool = True,
        timeout: float = ANSWER_TIMEOUT,
    ) -> dict[str, Any]:
        """Call until there is an answer that counts; if not `repeatable`, only while it surely changed nothing.

        `holds`: the fields without which an answer is none of a bridge's. Unless it `waits_for_turn`, a 429 that says
        when to come again is the caller's to wait for.
        """
        until, pause = monotonic() + self._patience, FIRST_PAUSE
        try:
            request = self._http.build_request(
                method,
                path,
                json=body,
                params=query,
                headers=headers,
                timeout=httpx.Timeout(timeout, connect=CONNECT_TIMEOUT),
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise CallFailed(f"This can't be sent: {error}") from None
        while True:
            fault, rest = self._try(request, holds, pause)
            if isinstance(fault, dict):
                return fault
            if fault.turn is not None and not waits_for_turn:
                raise fault
            if rest is None or not (repeatable or surely_unchanged(fault)) or monotonic() + rest > until:
                raise fault
            sleep(rest)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _try(
        self, request: httpx.Request, holds: frozenset[str], pause: float
    ) -> tuple[dict[str, Any] | CallFailed, float | None]:
        """Give an answer, or what failed and after how many seconds to try again (None: never)."""
        try:
            answer = self._http.send(request)
        except (httpx.RequestError, UnicodeError) as error:
            fault = CallFailed(f"No answer from {self.url} ({type(error).__name__}).")
            fault.__cause__ = error
            return fault, None if isinstance(error, HOPELESS) else pause
        try:
            document = answer.json()
        except (ValueError, RecursionError):
            document = None
        if answer.is_success and isinstance(document, dict) and holds <= document.keys():
            return document, None
        problem = document if isinstance(document, dict) else {}
        asked = answer.headers.get("retry-after", "")
        named = float(asked) if asked.isdecimal() else None
        status = answer.status_code
        turn = named if status == HTTPStatus.TOO_MANY_REQUESTS else None
        refused = CallFailed(in_words(answer, problem), status=status, problem=problem, turn=turn)
        if status not in COME_AGAIN:
            return refused, None
        return refused, pause if named is None else named


def _key_of_file() -> str:
    file = os.environ.get("RALLY_BRIDGE_KEY_FILE")
    try:
        return Path(file).read_text("utf-8") if file else ""
    except (OSError, ValueError) as error:
        raise CallFailed(f"RALLY_BRIDGE_KEY_FILE: {file!r} can't be read ({type(error).__name__}).") from None


def _segment(id_: str) -> str:
    """Refuse what would name another path."""
    if not (id_.isascii() and id_.replace("_", "").isalnum()):
        raise CallFailed(f"{id_!r} is no id.")
    return id_


def _next_look(watch: Watch) -> int:
    shortest, longest = LOOK_AGAIN
    if watch.next_poll_at is None:
        return shortest
    return max(shortest, min(longest, 1 + round((watch.next_poll_at - datetime.now(UTC)).total_seconds())))
