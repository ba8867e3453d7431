"""A fake Rally with a real fixed window that answers as documented or according to its mood, and records requests."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from time import time
from zlib import crc32

from .answers import (
    ABSENCES,
    FLOOD,
    HTML,
    JSON,
    MANY_HEADERS,
    PAGE,
    TEXT,
    RallyAnswer,
    Story,
    absence,
    absurdities,
    answer_about,
    nested,
    oddities,
    pages,
    refusals,
    rubbish,
)
from .history import Poll, Window
from .wire import Headers, Peer, Request, Server, answer

HANG = 20.0
MOODS = (
    *("storm", "failing", "storm", "resetting", "hanging", "storm", "garbage", "absurd", "silent"),
    *("odd", "absent", "hidden", "picky", "busy", "flooding", "half-open", "misplaced"),
)
FAILING = (500, 502, 503, 504)
MOST_STRAYS = 2
"""The maximum of consecutive absences, of one import or of all: the product believes the third."""
LATELY = 4.0
ENOUGH_READ = 6
"""The number of recently read imports from which a wrong base URL differs from absences of single imports."""


class Rally:
    """Answers from stories; `mood` is the present way of answering, "well" as documented."""

    def __init__(self, window: Window, chance: Random) -> None:
        self.window = window
        self.mood = "well"
        self.server = Server(self.serve)
        self.stories: dict[str, Story] = {}
        self.polls: list[Poll] = []
        self._chance = chance
        self._taken: Counter[int] = Counter()
        self._read_at: dict[str, float] = {}
        """When each import that is not reported as ended was read last."""
        self._absences: Counter[str] = Counter()
        """The absences of each import since it was last read."""
        self._strays = 0
        """Absences of any import since the last reading."""
        self._moods: dict[str, Callable[[str, float], Reply]] = {
            "well": self._well,
            "storm": self._storm,
            "failing": self._failing,
            "resetting": self._resetting,
            "hanging": self._hanging,
            "garbage": self._garbage,
            "absurd": self._absurd,
            "silent": self._silent,
            "odd": self._odd,
            "absent": self._absent,
            "hidden": self._hidden,
            "picky": self._picky,
            "busy": self._busy,
            "flooding": self._flooding,
            "misplaced": self._misplaced,
        }

    def be(self, mood: str) -> None:
        """Set the mood; half-open connections happen once."""
        if mood == "half-open":
            self.server.swallow()
        elif mood == "misplaced" and sum(time() - at < LATELY for at in self._read_at.values()) < ENOUGH_READ:
            self.mood = "hidden"
        else:
            self.mood = mood

    async def serve(self, request: Request, line: Peer) -> bool:
        at = time()
        _, worker, _, _, import_id = request.path.split("/")
        reply = self._reply(import_id, at)
        answered_at = time()
        try:
            if reply.text:
                await line.send(reply.text)
            if reply.flood:
                await line.flood(reply.flood, HANG)
                answered_at = time()
            if reply.hang:
                await line.left(HANG)
                answered_at = time()
            if reply.cut:
                line.writer.close()
            if reply.reset:
                line.reset()
        finally:
            self.polls.append(
                Poll(
                    at=at,
                    ended_at=answered_at,
                    worker=worker,
                    import_id=import_id,
                    status=reply.status,
                    retry_after=reply.retry_after,
                    names_limit=reply.names_limit,
                    muddled=reply.muddled,
                    refused=reply.refused,
                    final=reply.reading is not None and reply.reading.final,
                )
            )
        return not (reply.hang or reply.reset or reply.cut or reply.flood)

    def _reply(self, import_id: str, at: float) -> "Reply":
        number = int(at // self.window.seconds)
        self._taken[number] += 1
        if self._taken[number] > self.window.limit:
            wait = max(1, round(self._end(at) - at + 0.5))
            headers = (*self._limits(at), ("Retry-After", str(wait)))
            return Reply(text=answer(429, headers), status=429, retry_after=wait, names_limit=True)
        reply = self._moods[self.mood](import_id, at)
        self._remember(import_id, reply, at)
        return reply

    def _remember(self, import_id: str, reply: "Reply", at: float) -> None:
        if reply.reading is not None and reply.reading.document is not None:
            self._absences[import_id] = self._strays = 0
            self._read_at[import_id] = at
            if reply.reading.final:
                del self._read_at[import_id]
        elif reply.status in ABSENCES and not reply.page:
            self._absences[import_id] += 1
            self._strays += 1

    def _end(self, at: float) -> float:
        return (at // self.window.seconds + 1) * self.window.seconds

    def _limits(self, at: float) -> Headers:
        taken = self._taken[int(at // self.window.seconds)]
        return (
            ("X-RateLimit-Limit", str(self.window.limit)),
            ("X-RateLimit-Remaining", str(max(0, self.window.limit - taken))),
            ("X-RateLimit-Reset", str(int(self._end(at)))),
        )

    def _well(self, import_id: str, at: float) -> "Reply":
        return self._respond(answer_about(import_id, self.stories.get(import_id), at), at)

    def _respond(self, rally_answer: RallyAnswer, at: float) -> "Reply":
        limits = () if rally_answer.status == 404 else self._limits(at)  # a 404 has none, as documented
        text = answer(rally_answer.status, limits + rally_answer.kind, rally_answer.body)
        return Reply(
            text=text, status=rally_answer.status, names_limit=rally_answer.status != 404, reading=rally_answer
        )

    def _storm(self, _import_id: str, at: float) -> "Reply":
        return self._turned_away(429, self._chance.randint(1, 4), at)

    def _busy(self, import_id: str, at: float) -> "Reply":
        """Answer some imports with a 503 and Retry-After, and the others normally, so that the breaker stays closed."""
        if crc32(import_id.encode()) % 3:
            return self._well(import_id, at)
        return self._turned_away(503, self._chance.randint(1, 6), at)

    def _turned_away(self, status: int, wait: int, at: float) -> "Reply":
        headers = (*self._limits(at), ("Retry-After", str(wait)))
        return Reply(text=answer(status, headers), status=status, retry_after=wait, names_limit=True)

    def _failing(self, _import_id: str, at: float) -> "Reply":
        status = self._chance.choice(FAILING)
        return Reply(text=answer(status, self._limits(at), b"<html>oops"), status=status, names_limit=True)

    def _resetting(self, _import_id: str, _at: float) -> "Reply":
        cut_off = answer(200, JSON, b'{"importId": "')[:-3]
        fragment = self._chance.choice((b"", b"HTTP/1.1 200 OK\r\nContent-Le", cut_off))
        return Reply(text=fragment, reset=True)

    def _hanging(self, _import_id: str, _at: float) -> "Reply":
        return Reply(text=self._chance.choice((b"", b"HTTP/1.1 200 OK\r\n")), hang=True)

    def _garbage(self, import_id: str, at: float) -> "Reply":
        text = self._chance.choice(rubbish(import_id, self._limits(at)))
        return Reply(text=text, cut=True)

    def _absurd(self, import_id: str, at: float) -> "Reply":
        headers = self._chance.choice(absurdities(self.window.limit, int(self._end(at))))
        return self._muddled(import_id, at, headers)

    def _silent(self, import_id: str, at: float) -> "Reply":
        return self._muddled(import_id, at, ())

    def _muddled(self, import_id: str, at: float, headers: Headers) -> "Reply":
        rally_answer = answer_about(import_id, self.stories.get(import_id), at)
        text = answer(rally_answer.status, headers + rally_answer.kind, rally_answer.body)
        return Reply(text=text, status=rally_answer.status, muddled=True, reading=rally_answer)

    def _odd(self, import_id: str, at: float) -> "Reply":
        rally_answer = answer_about(import_id, self.stories.get(import_id), at)
        if rally_answer.document is None:
            return self._respond(rally_answer, at)
        body = self._chance.choice(oddities(rally_answer.document))
        kind = self._chance.choice((JSON, TEXT, ()))
        return Reply(
            text=answer(200, self._limits(at) + kind, body), status=200, names_limit=True, reading=rally_answer
        )

    def _absent(self, import_id: str, at: float) -> "Reply":
        """Deny an import sometimes, but never so often in a row that the product believes it."""
        rally_answer = answer_about(import_id, self.stories.get(import_id), at)
        few = max(self._absences[import_id], self._strays) < MOST_STRAYS
        if rally_answer.document is not None and few and self._chance.random() < 0.5:
            rally_answer = absence(self._chance.choice(sorted(ABSENCES)))
        return self._respond(rally_answer, at)

    def _hidden(self, _import_id: str, _at: float) -> "Reply":
        """Answer like a router whose backend is down."""
        return Reply(text=self._chance.choice(pages()), page=True)

    def _misplaced(self, import_id: str, at: float) -> "Reply":
        """Deny everything that was read before, as with a wrong base URL."""
        if import_id in self._read_at:
            return self._respond(absence(404), at)
        return Reply(text=answer(404, HTML, PAGE), page=True)

    def _picky(self, import_id: str, at: float) -> "Reply":
        """Refuse most imports, and answer the others normally."""
        if crc32(import_id.encode()) % 3 == 0:
            return self._well(import_id, at)
        status, text = self._chance.choice(refusals(import_id, self._limits(at)))
        return Reply(text=text, status=status, names_limit=True, refused=True)

    def _flooding(self, import_id: str, at: float) -> "Reply":
        """Answer with an endless body."""
        rally_answer = answer_about(import_id, self.stories.get(import_id), at)
        match self._chance.randrange(3):
            case 0:
                return Reply(text=answer(rally_answer.status, MANY_HEADERS + JSON, rally_answer.body), muddled=True)
            case 1:
                return Reply(text=b"", flood=FLOOD, muddled=True)
            case _:
                return Reply(text=answer(200, JSON, nested(self._chance)), muddled=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What to do on the connection, and what to record."""

    text: bytes
    status: int | None = None
    retry_after: float | None = None
    names_limit: bool = False
    muddled: bool = False
    reading: RallyAnswer | None = None
    page: bool = False
    refused: bool = False
    hang: bool = False
    cut: bool = False
    reset: bool = False
    flood: bytes = b""
