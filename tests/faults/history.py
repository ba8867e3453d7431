"""The history of a run as the product's peers recorded it: the checker's only input."""

from dataclasses import dataclass, replace

OUTCOMES = ("completed", "completed_with_failures", "failed", "not_found", "forbidden", "timed_out")

WORKER_KILLED, WORKER_ENDED, WORKER_STOPPED = "worker killed", "worker ended", "worker stopped"
API_KILLED, API_ENDED = "api killed", "api ended"
REDIS_KILLED, REDIS_RESTARTED, REDIS_PAUSED = "redis killed", "redis restarted", "redis paused"
REDIS_FULL, REDIS_CUT = "redis full", "redis cut"
REDIS_DEMOTED = "redis demoted"
REDIS_HALF_OPEN, SUBSCRIPTION_HALF_OPEN = "redis half-open", "redis subscription half-open"
CROWD_HANGING = "crowd hanging"
CRASHES = frozenset({WORKER_KILLED, WORKER_STOPPED})
OUTAGES = frozenset({REDIS_KILLED, REDIS_RESTARTED, REDIS_PAUSED, REDIS_FULL, REDIS_DEMOTED, REDIS_HALF_OPEN})
LIVING, END, EDIT, DIGEST = "living message", "end", "edit", "digest"
"""The kinds of calls of Slack's API."""
STOP, SEND_AGAIN = "stop", "send again"
"""What people in Slack do with a watch."""
GENUINE, FORGED, STALE, TEST = "push", "forged", "stale", "test"
"""The kinds of pushes: also how the ids of their imports begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rally's rate limit: at most `limit` requests in each window of `seconds`; windows are counted from 1970."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A destination of a post: a receiver's name, and the outcomes that it subscribes to (None: all).

    A `paced` one gets one message a second, so that waiting for a turn is not late.
    """

    receiver: str
    on: frozenset[str] | None = None
    paced: bool = False

    def wants(self, outcome: str) -> bool:
        return self.on is None or outcome in self.on


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPost:
    """One POST of a watch: `ending` is the import's true end; `status` is None if there was no response.

    `over_at` is when Rally reports that end from; None for an import that Rally never reports as ended.
    """

    at: float
    ended_at: float
    api: str
    label: str
    ending: str
    subscriptions: tuple[Subscription, ...]
    status: int | None
    watch_id: str | None = None
    import_id: str = ""
    over_at: float | None = None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchView:
    """A watch as the API showed it; `state` is None if the API didn't know it."""

    at: float
    watch_id: str
    state: str | None
    outcome: str | None = None
    pending: int = 0
    """Pending deliveries."""

    @property
    def ended(self) -> bool:
        return self.state != "watching" and not self.pending


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerResult:
    """One request that waited for a watch's end: an event stream, or a long poll.

    `outcome` is what it got, None for nothing; `complete` tells whether the API ended the response properly.
    """

    at: float
    ended_at: float
    api: str
    watch_id: str
    stream: bool
    outcome: str | None = None
    heard_at: float | None = None
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One request to Rally: its sender and its result (`status` None: no response was sent).

    `names_limit` says whether its response named the limit in valid headers, `muddled` whether it failed to,
    `refused` whether it concerned this import alone (a 4xx, or a body about another one), `final` whether it said, in
    an importId and a status as documented, that the import had ended.
    """

    at: float
    ended_at: float
    worker: str
    import_id: str
    status: int | None
    retry_after: float | None = None
    names_limit: bool = False
    muddled: bool = False
    refused: bool = False
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request to a receiver: `number` is its place among the post's subscriptions.

    `taken` says whether the receiver may have processed it. `status` is None unless the response was complete; with
    `taken`, the sender then can't know the result. `may_suffice`: the sender may either read the response or give up.
    """

    at: float
    ended_at: float
    receiver: str
    label: str
    number: int
    digest: str
    webhook_id: str | None = None
    watch_id: str | None = None
    outcome: str | None = None
    signed: bool = True
    status: int | None = None
    taken: bool = False
    may_suffice: bool = False
    retry_after: float | None = None
    imports: tuple[str, ...] = ()
    """For a digest, or a message of a rule: the imports that it names."""
    total: int = 0
    """For a message of a rule: the number of imports that it is about."""
    in_slack: str = ""
    """For a call of Slack's API: LIVING, END, EDIT or DIGEST."""
    thread: str | None = None
    """For a call of Slack's API: the thread that it is a reply in."""
    ts: str | None = None
    """For a call of Slack's API: how Slack names the message."""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPost:
    """One attempt to post a push: its kind, its import and that one's true end; `status` None: no response."""

    at: float
    ended_at: float
    api: str
    kind: str
    message_id: str
    import_id: str
    ending: str | None
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One command of a person in Slack to watch an import; `over_at` is when Rally reports its end from.

    `acknowledged` says whether it was answered in silence, which means that the import is watched, unless it is
    `refused`.
    """

    at: float
    ended_at: float
    api: str
    import_id: str
    over_at: float
    acknowledged: bool
    refused: bool = False
    """Whether Slack refuses to confirm it, so that it must not be watched."""
    said: str = ""
    """The text that the person then read beside the confirmation; empty if there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One command or click of a person in Slack about a watch: its kind, and whether it was a click.

    `status` is None if there was no response; `said` is the text that the person then read, empty if there was none.
    """

    at: float
    ended_at: float
    api: str
    kind: str
    clicked: bool
    import_id: str
    status: int | None
    said: str = ""

    @property
    def unclear(self) -> bool:
        """Whether the person can't know what was done."""
        return self.status is None or not self.said or self.said.startswith("\u26a0")

    @property
    def stopped(self) -> bool:
        return self.kind == STOP and self.said.startswith("Stopped")

    @property
    def sent_again(self) -> bool:
        return self.kind == SEND_AGAIN and self.said.startswith("Sending")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPost:
    """One POST of a batch that is told in a digest: the imports whose watches were accepted."""

    at: float
    ended_at: float
    api: str
    import_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault: its kind, its target, its start and its end."""

    kind: str
    target: str
    since: float
    until: float

    @property
    def name(self) -> str:
        return name_of(self.kind, self.target)


def name_of(kind: str, target: str) -> str:
    """Return the name of a kind of fault with its target; all receivers share one name."""
    if " " in kind:
        return kind
    return f"{'rally' if target == 'rally' else 'receiver'} {kind}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A process that ended although the harness had not ended it, and its exit code."""

    at: float
    target: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything that was recorded in a run."""

    window: Window
    posts: tuple[WatchPost, ...] = ()
    views: tuple[WatchView, ...] = ()
    listener_results: tuple[ListenerResult, ...] = ()
    polls: tuple[Poll, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    faults: tuple[Fault, ...] = ()
    deaths: tuple[Death, ...] = ()
    strays: tuple[str, ...] = ()
    """Requests that should not exist, such as a followed redirect."""
    pushes: tuple[PushPost, ...] = ()
    told: tuple[Attempt, ...] = ()
    """The attempts at the receivers of rules; their label is the import, or the id of the digest."""

    asked: tuple[Asked, ...] = ()
    """What people in Slack asked for."""
    in_slack: tuple[Attempt, ...] = ()
    """The calls of Slack's API about it; their label is the import, or the id of the digest."""
    acts: tuple[Act, ...] = ()
    """What people in Slack did with watches."""
    batches: tuple[BatchPost, ...] = ()
    sent_again: tuple[Attempt, ...] = ()
    """The attempts at a callback that takes nothing until a person in Slack is about to send it again."""

    def of_slack(self) -> "History":
        """Return the history with the ends in the channels of these people in the place of all other messages."""
        return replace(self, attempts=tuple(each for each in self.in_slack if each.in_slack in {END, DIGEST}))

    def of_sent_again(self) -> "History":
        """Return the history with the messages that people in Slack send again in the place of all others."""
        return replace(self, attempts=self.sent_again)

    def of_rules(self) -> "History":
        """Return the history with the messages of rules in the place of all others."""
        return replace(self, attempts=self.told)
