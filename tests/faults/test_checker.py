"""The checker finds each breach in a forged history, and none in a sound one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.checker import RULES, check
from tests.faults.history import (
    API_KILLED,
    CROWD_HANGING,
    DIGEST,
    EDIT,
    END,
    GENUINE,
    LIVING,
    REDIS_DEMOTED,
    REDIS_KILLED,
    SEND_AGAIN,
    STALE,
    STOP,
    SUBSCRIPTION_HALF_OPEN,
    TEST,
    WORKER_KILLED,
    WORKER_STOPPED,
    Act,
    Asked,
    Attempt,
    BatchPost,
    Fault,
    History,
    ListenerResult,
    Poll,
    PushPost,
    Subscription,
    WatchPost,
    WatchView,
    Window,
)
from tests.faults.history import FORGED as FORGERY
from tests.faults.recovery import recoveries
from tests.faults.rule_receivers import HOOK, ROOM
from tests.faults.slack_clients import AGAIN

NOW = 1_000_000.0
"""The beginning of a window."""
WINDOW = Window(limit=3, seconds=10)
WISHES = (Subscription(receiver="crm"), Subscription(receiver="slack", on=frozenset({"failed"})))


def posted(number: int = 1, **changes: Any) -> WatchPost:
    facts: dict[str, Any] = {
        "at": NOW,
        "ended_at": NOW + 0.1,
        "api": "api0",
        "label": f"w{number}",
        "ending": "completed",
        "subscriptions": WISHES,
        "status": 202,
        "watch_id": f"wat_{number}",
    }
    return WatchPost(**facts | changes)


def seen(number: int = 1, at: float = 20, outcome: str | None = "completed", **changes: Any) -> WatchView:
    state = "watching" if outcome is None else "settled"
    return replace(WatchView(at=NOW + at, watch_id=f"wat_{number}", state=state, outcome=outcome), **changes)


def poll(at: float, *, took: float = 0.1, status: int | None = 200, **changes: Any) -> Poll:
    facts: dict[str, Any] = {"worker": "worker0", "import_id": "imp", "status": status, "names_limit": status != 404}
    return Poll(at=NOW + at, ended_at=NOW + at + took, **facts | changes)


def attempt(at: float, *, status: int | None = 200, **changes: Any) -> Attempt:
    facts: dict[str, Any] = {
        "receiver": "crm",
        "label": "w1",
        "number": 0,
        "digest": "a",
        "webhook_id": "msg_1",
        "watch_id": "wat_1",
        "outcome": "completed",
        "taken": status == 200,
    }
    return Attempt(at=NOW + at, ended_at=NOW + at + 0.1, status=status, **facts | changes)


def listener_result(at: float, until: float, *, heard: float | None = None, **changes: Any) -> ListenerResult:
    facts: dict[str, Any] = {"api": "api0", "watch_id": "wat_4", "stream": True, "complete": True}
    facts |= {"outcome": None if heard is None else "completed", "heard_at": None if heard is None else NOW + heard}
    return ListenerResult(at=NOW + at, ended_at=NOW + until, **facts | changes)


def fault(kind: str, since: float, until: float, target: str = "worker0") -> Fault:
    return Fault(kind=kind, target=target, since=NOW + since, until=NOW + until)


def push(at: float, *, status: int | None = 204, **changes: Any) -> PushPost:
    facts: dict[str, Any] = {"kind": GENUINE, "message_id": "msg_1", "import_id": "push-1", "ending": "completed"}
    return PushPost(at=NOW + at, ended_at=NOW + at + 0.1, api="api0", status=status, **facts | changes)


def told(at: float, *, status: int | None = 200, **changes: Any) -> Attempt:
    """Return an attempt to tell an import to the callback of a rule."""
    facts: dict[str, Any] = {"receiver": HOOK, "label": "push-1", "webhook_id": "ntf_1", "imports": ("push-1",)}
    return attempt(at, status=status, **facts | {"total": 1} | changes)


def digest(at: float, *, status: int | None = 200, **changes: Any) -> Attempt:
    facts: dict[str, Any] = {"receiver": ROOM, "label": "dlv_1", "webhook_id": None, "watch_id": None, "outcome": None}
    return attempt(at, status=status, **facts | {"imports": ("push-1",), "total": 2} | changes)


def asked(number: int = 1, *, acknowledged: bool = True, **changes: Any) -> Asked:
    facts: dict[str, Any] = {"api": "api0", "import_id": f"live-{number}", "over_at": NOW + 70}
    return Asked(at=NOW, ended_at=NOW + 0.1, acknowledged=acknowledged, **facts | changes)


def in_slack(at: float, kind: str, *, status: int | None = 200, **changes: Any) -> Attempt:
    """Return a call of Slack's API."""
    facts: dict[str, Any] = {"receiver": "channel", "label": "live-1", "webhook_id": None, "watch_id": None}
    facts |= {"outcome": None, "in_slack": kind, "ts": f"{at}", "digest": kind}
    return attempt(at, status=status, **facts | changes)


def act(at: float, kind: str = STOP, *, status: int | None = 200, **changes: Any) -> Act:
    """Return what a person did with a watch in Slack."""
    said = "Stopped 1 watch of `live-4`." if kind == STOP else "Sending `again-1` again to …."
    facts: dict[str, Any] = {"api": "api0", "kind": kind, "clicked": kind == SEND_AGAIN, "said": said}
    facts |= {"import_id": "live-4" if kind == STOP else "again-1"}
    return Act(at=NOW + at, ended_at=NOW + at + 0.1, status=status, **facts | changes)


def sent_again(at: float, *, status: int | None = 200, **changes: Any) -> Attempt:
    return attempt(at, status=status, **{"receiver": AGAIN, "label": "again-1", "watch_id": None} | changes)


REFUSED = asked(6, refused=True, said="⚠️ `live-6` is not watched: I am not in this channel.")
BATCH = BatchPost(at=NOW, ended_at=NOW + 0.1, api="api0", import_ids=("batch-1-0", "batch-1-1"))
BATCH_DIGEST: dict[str, Any] = {"label": "dlv_2", "imports": BATCH.import_ids}
PUSH_2: dict[str, Any] = {"message_id": "msg_2", "import_id": "push-2", "ending": "failed"}
TOLD_2: dict[str, Any] = {"label": "push-2", "webhook_id": "ntf_2", "imports": ("push-2",), "outcome": "failed"}

SOUND = History(
    window=WINDOW,
    posts=(
        posted(),
        posted(2, ending="failed", subscriptions=(Subscription(receiver="slack", on=frozenset({"failed"})),)),
        posted(3, status=503, watch_id=None),
        posted(
            4,
            import_id="imp-4",
            over_at=NOW + 100,
            subscriptions=(Subscription(receiver="crm"), Subscription(receiver="lab", paced=True)),
        ),
    ),
    views=(seen(at=5, outcome=None), seen(), seen(2, outcome="failed"), seen(4, at=110)),
    listener_results=(
        listener_result(95, 103, heard=101.5),
        listener_result(96, 99, stream=False),
        listener_result(99, 101.3, stream=False, heard=101.3),
        listener_result(98, 99, complete=False),
    ),
    polls=(
        poll(0, took=1.0, status=404),
        poll(1.1),
        poll(1.2),
        poll(11, status=429, retry_after=5),
        poll(11.4, worker="worker1"),
        poll(16.2),
        poll(102.5, import_id="imp-5", status=503, retry_after=2),
        poll(101, import_id="imp-4", final=True),
        poll(112, import_id="imp-5"),
    ),
    attempts=(
        attempt(12, status=429, retry_after=3),
        attempt(15.2, status=None, taken=True),
        attempt(17),
        attempt(47),
        attempt(17, label="w2", receiver="slack", digest="b", webhook_id=None, watch_id=None, outcome=None),
        attempt(102, label="w4", webhook_id="msg_4", watch_id="wat_4"),
        attempt(109, label="w4", number=1, receiver="lab", webhook_id="msg_5", watch_id="wat_4"),
    ),
    faults=(fault(API_KILLED, 0.05, 0.2, "api0"), fault(WORKER_KILLED, 17.2, 18.0)),
    pushes=(
        push(20, status=None),
        push(21),
        push(22),
        push(21, **PUSH_2),
        push(23, kind=FORGERY, import_id="forged-3", status=400),
        push(24, kind=STALE, import_id="stale-4"),
        push(25, kind=TEST, import_id="test_5", ending=None),
    ),
    told=(told(52, status=503, retry_after=2), told(55), told(55, **TOLD_2), digest(120)),
    asked=(asked(), asked(2), asked(3, acknowledged=False), asked(4), asked(5), REFUSED),
    in_slack=(
        in_slack(60, LIVING, status=429, retry_after=2),
        in_slack(63, LIVING),
        in_slack(70, EDIT),
        in_slack(75, END, status=429, thread="63", retry_after=2),
        in_slack(78, END, thread="63"),
        in_slack(60, LIVING, status=None, label="live-2", taken=True),
        in_slack(75, END, label="live-2"),
        in_slack(30, DIGEST, **BATCH_DIGEST),
    ),
    acts=(
        act(40),
        act(41, import_id="live-5", status=None, said=""),
        act(40, SEND_AGAIN),
        act(40, SEND_AGAIN, said="Nothing is to be sent again"),
    ),
    batches=(BATCH,),
    sent_again=(sent_again(30, status=410), sent_again(41)),
)
"""With a refused watch, a respected 429, a respected Retry-After, an ambiguous response, and a repeat after a crash.

Two imports are pushed, one of them again after a lost response and once more. They are told by two rules: in one
message each, and in a digest that names only one of them. And much later: an import whose end all listeners got, and
whose receiver got its message at once.

Two imports are watched in Slack. The living message of one was refused and posted again; its end is a reply. That of
the other had no answer, so its end is an ordinary message. Of two more, one was stopped, and the other perhaps. One
was refused. Two imports of a batch are told in a digest. A refused message is sent again after one of two clicks.
"""


def test_a_sound_history_passes() -> None:
    verdict = check(SOUND)
    assert {name: found for name, found in verdict.breaches.items() if found} == {}
    assert verdict.sound
    assert verdict.counts["repeats after a 2xx"] == 1
    assert verdict.counts["repeats after an ambiguous answer"] == 1


def test_nothing_at_all_passes() -> None:
    assert check(History(window=WINDOW)).sound


def less(name: str, *gone: int) -> dict[str, Any]:
    """Return a sound history's records without some of them."""
    records: Sequence[Any] = getattr(SOUND, name)
    return {name: tuple(record for number, record in enumerate(records) if number not in gone)}


def instead(name: str, gone: int, *records: Any) -> dict[str, Any]:
    """Return a sound history's records with one replaced."""
    return {name: (*less(name, gone)[name], *records)}


def more(name: str, *records: Any) -> dict[str, Any]:
    return {name: (*getattr(SOUND, name), *records)}


W4: dict[str, Any] = {"label": "w4", "webhook_id": "msg_4", "watch_id": "wat_4"}

FORGED: dict[str, dict[str, dict[str, Any]]] = {
    "lost watches": {
        "the API knows it no more": more("views", seen(at=30, outcome=None, state=None)),
        "no client ever read it": less("views", 2),
        "unseen after a failover": less("views", 3) | more("faults", fault(REDIS_DEMOTED, 104, 105, "redis")),
    },
    "watches without exactly one outcome": {
        "it never ended": more("posts", posted(5, subscriptions=())) | more("views", seen(5, outcome=None)),
        "no client cancelled it": more("posts", posted(5, subscriptions=()))
        | more("views", seen(5, state="cancelled")),
        "it changed": more("views", seen(at=6, outcome="timed_out")),
        "the receiver got another outcome": more("attempts", attempt(50, outcome="failed")),
        "a refused watch was sent two": more(
            "attempts",
            attempt(50, label="w3", webhook_id="x"),
            attempt(51, label="w3", webhook_id="x", outcome="failed"),
        ),
        "one destination, two messages": more("attempts", attempt(50, webhook_id="msg_2")),
    },
    "wrong outcomes": {
        "shown": {"posts": (posted(ending="timed_out"), *SOUND.posts[1:])},
        "sent a wrong outcome": more("attempts", attempt(13, status=500, outcome="not_found")),
        "sent for another watch": more("attempts", attempt(13, status=500, watch_id="wat_2")),
        "sent for a watch that was never posted": more("attempts", attempt(13, label="w9")),
        "sent to another receiver": more("attempts", attempt(13, receiver="lab")),
        "sent to a receiver that did not subscribe": more("attempts", attempt(13, receiver="slack", number=1)),
    },
    "deliveries never made": {
        "no attempt": less("attempts", 4),
        "no attempt that was answered": less("attempts", 2, 3),
        "only to one of two": {
            "posts": (posted(subscriptions=(WISHES[0], Subscription(receiver="ops"))), *SOUND.posts[1:]),
        },
    },
    "I3: windows exceeded": {"a fourth request": more("polls", poll(2.0))},
    "I3: requests in a 429's pause": {
        "in its middle": more("polls", poll(14, worker="worker1")),
        "after a crash of another": more("polls", poll(14)) | more("faults", fault(WORKER_KILLED, 11, 12, "worker2")),
    },
    "I3: more than one call, no limit known": {"both at the start": more("polls", poll(0.5, worker="worker1"))},
    "attempts before a Retry-After": {"a second early": more("attempts", attempt(14, status=500))},
    "signature failures": {"one of them": more("attempts", attempt(13, status=500, signed=False))},
    "repeats with another body": {"one of them": more("attempts", attempt(48, digest="c"))},
    "repeats that nothing explains": {
        "no crash near": {"faults": (fault(WORKER_KILLED, 19.2, 20),)},
        "no fault at all": {"faults": ()},
        "a stop that came later": {"faults": (fault(WORKER_STOPPED, 30, 60),)},
    },
    "redirects followed": {"one": {"strays": ("crm: /elsewhere",)}},
    "I7: deliveries late": {
        "by ten seconds": instead("attempts", 5, attempt(111, **W4)),
        "never": less("attempts", 5),
        "while a crowd of others hangs": less("attempts", 5) | more("faults", fault(CROWD_HANGING, 99, 115, "crowd")),
        "while another receiver hangs": less("attempts", 5) | more("faults", fault("hanging", 99, 115, "ops")),
        "while Rally floods": less("attempts", 5) | more("faults", fault("flooding", 99, 115, "rally")),
    },
    "imports neglected": {
        "never asked": instead("polls", 7, poll(120)),
        "long after Rally was unwell": instead("polls", 7, poll(120))
        | more("faults", fault("failing", 60, 79, "rally")),
        "while the limit leaves room": instead("polls", 7, poll(107, import_id="imp-7"), poll(120)),
        "asked before its end alone": {"polls": (poll(99, import_id="imp-4"), poll(120))},
        "while others are refused": instead(
            "polls", 7, poll(118, import_id="imp-5", status=400, refused=True), poll(120)
        )
        | more("faults", fault("picky", 99, 119, "rally")),
    },
    "ends not believed": {
        "asked again": more("polls", poll(106, import_id="imp-4")),
        "asked again, since the answer was odd": more("polls", poll(106, import_id="imp-4"))
        | more("faults", fault("odd", 99, 104, "rally")),
    },
    "imports polled before a 503's Retry-After": {
        "a second early": more("polls", poll(103.5, import_id="imp-5")),
    },
    "watches refused without an outage": {
        "none at all": {"faults": SOUND.faults[1:]},
        "of another API": {"faults": (fault(API_KILLED, 0.05, 0.2, "api1"),)},
        "too long after a failover": {"faults": (fault(REDIS_DEMOTED, -12, -10, "redis"),)},
        "not answered": {"posts": (posted(status=None, watch_id=None),), "faults": ()},
    },
    "listeners deaf": {
        "a stream, to its end": more("listener_results", listener_result(95, 125)),
        "a stream that heard late": more("listener_results", listener_result(95, 125, heard=124)),
        "a stream, since its subscription was lost": more("listener_results", listener_result(95, 125))
        | more("faults", fault(SUBSCRIPTION_HALF_OPEN, 97, 97, "redis")),
        "a wait, long after an outage": more("listener_results", listener_result(95, 140, stream=False, heard=139))
        | more("faults", fault(REDIS_KILLED, 100, 110, "redis")),
    },
    "waits that ended blind": {
        "at their end": more("listener_results", listener_result(97, 107, stream=False)),
    },
    "pushes: wrong answers": {
        "a forged one was accepted": more("pushes", push(30, kind=FORGERY, import_id="forged-6")),
        "a genuine one was refused": more("pushes", push(30, status=400)),
        "one was never accepted": more("pushes", push(30, message_id="msg_7", status=503)),
    },
    "pushes: imports not told by rules": {
        "singly": less("told", 2),
        "singly, with an answer": instead("told", 2, told(55, status=500, **TOLD_2)),
        "in a digest": less("told", 3),
        "in a digest that is about too few": instead("told", 3, digest(120, total=1)),
    },
    "pushes: imports told twice": {
        "singly": more("told", told(60, status=500, webhook_id="ntf_3")),
        "in two digests": more("told", digest(180, label="dlv_2")),
        "in a digest that is about too many": instead("told", 3, digest(120, total=3)),
    },
    "pushes: told wrongly, or without a push": {
        "another outcome": more("told", told(52, status=500, outcome="failed")),
        "a forged push": more("told", told(60, label="forged-3", webhook_id="ntf_4", imports=("forged-3",))),
        "a stale push": more("told", digest(180, label="dlv_2", imports=("stale-4",), total=1)),
        "a test": more("told", told(60, label="test_5", webhook_id="ntf_5", imports=("test_5",))),
    },
    "pushes: requests to Rally without reason": {
        "for a forged push": more("polls", poll(31, import_id="forged-3")),
        "for a stale push": more("polls", poll(31, import_id="stale-4")),
    },
    "messages of rules: before a Retry-After": {"a second early": instead("told", 1, told(53))},
    "messages of rules: signature failures": {"one of them": more("told", told(52, status=500, signed=False))},
    "messages of rules: repeats with another body": {"one of them": more("told", digest(121, digest="c"))},
    "messages of rules: repeats that nothing explains": {"a digest": more("told", digest(121))},
    "Slack: imports not told": {
        "no end": less("in_slack", 6),
        "no end that was answered": instead("in_slack", 6, in_slack(75, END, label="live-2", status=500)),
    },
    "Slack: refusals not said": {"no answer": instead("asked", 5, asked(6, refused=True))},
    "Slack: refused imports told": {"an end": more("in_slack", in_slack(90, END, label="live-6"))},
    "Slack: living messages posted twice": {
        "after an answer": more("in_slack", in_slack(90, LIVING)),
        "after no answer": more("in_slack", in_slack(90, LIVING, label="live-2")),
        "after a crash": more("in_slack", in_slack(90, LIVING)) | more("faults", fault(WORKER_KILLED, 63, 64)),
    },
    "Slack: replies in a wrong thread": {
        "of another import": more("in_slack", in_slack(90, END, status=500, label="live-2", thread="63")),
    },
    "ends in Slack: before a Retry-After": {"a second early": instead("in_slack", 4, in_slack(76, END))},
    "ends in Slack: repeats with another body": {"one of them": more("in_slack", in_slack(79, END, digest="c"))},
    "ends in Slack: repeats that nothing explains": {"an end": more("in_slack", in_slack(90, END, thread="63"))},
    "Slack: commands and clicks answered wrongly": {"a 500": more("acts", act(50, status=500))},
    "Slack: stopped imports told": {
        "later": more("in_slack", in_slack(90, END, label="live-4")),
        "before": more("in_slack", in_slack(39, END, label="live-4", status=500)),
    },
    "Slack: not sent again": {"never taken": less("sent_again", 1)},
    "Slack: imports of batches not told": {
        "no digest": less("in_slack", 7),
        "one missing in it": instead("in_slack", 7, in_slack(30, DIGEST, label="dlv_2", imports=("batch-1-0",))),
    },
    "Slack: imports of batches told twice": {
        "in two digests": more("in_slack", in_slack(31, DIGEST, **BATCH_DIGEST | {"label": "dlv_3"})),
        "alone as well": more("in_slack", in_slack(31, END, label="batch-1-0", imports=("batch-1-0",))),
    },
    "sent again in Slack: signature failures": {"one": more("sent_again", sent_again(30, status=410, signed=False))},
    "sent again in Slack: repeats with another body": {"one": more("sent_again", sent_again(30, digest="c"))},
    "sent again in Slack: repeats that nothing explains": {"after two clicks": more("sent_again", sent_again(60))},
    "polls for rules beyond a quarter": {
        "two of three": more("polls", poll(31, import_id="push-1"), poll(32, import_id="test_5")),
    },
}


def test_every_rule_has_its_forgeries() -> None:
    assert FORGED.keys() == RULES.keys()


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        pytest.param(rule, changes, id=f"{rule}: {name}")
        for rule, forgeries in FORGED.items()
        for name, changes in forgeries.items()
    ],
)
def test_a_forged_history_is_found_wrong(rule: str, changes: dict[str, Any]) -> None:
    verdict = check(replace(SOUND, **changes))
    assert verdict.breaches[rule]
    assert not verdict.sound


EXCUSED: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "a window in which Rally hid its limit": (
        "I3: windows exceeded",
        lambda: more("polls", poll(2.0), poll(2.1, muddled=True)),
    ),
    "a 429 whose reader was killed": (
        "I3: requests in a 429's pause",
        lambda: more("polls", poll(14, worker="worker1")) | more("faults", fault(WORKER_KILLED, 11.2, 12)),
    ),
    "a 429 that Redis could not take": (
        "I3: requests in a 429's pause",
        lambda: more("polls", poll(14, worker="worker1")) | more("faults", fault(REDIS_KILLED, 10, 11.5, "redis")),
    ),
    "a call of a worker that was stopped in its middle": (
        "I3: more than one call, no limit known",
        lambda: more("polls", poll(0.5, worker="worker1")) | more("faults", fault(WORKER_STOPPED, 0.2, 0.9)),
    ),
    "a delivery to a receiver that was unwell": (
        "I7: deliveries late",
        lambda: less("attempts", 5) | more("faults", fault("hanging", 90, 95, "crm")),
    ),
    "a delivery that a killed worker had claimed": (
        "I7: deliveries late",
        lambda: less("attempts", 5) | more("faults", fault(WORKER_KILLED, 101, 102)),
    ),
    "a delivery whose answer may be read or not": (
        "deliveries never made",
        lambda: instead("attempts", 5, attempt(102, status=None, may_suffice=True, **W4)),
    ),
    "an import that is refused itself": (
        "imports neglected",
        lambda: instead("polls", 7, poll(100.5, import_id="imp-4", status=400, refused=True), poll(120)),
    ),
    "an import while nothing of Rally answers": (
        "imports neglected",
        lambda: instead("polls", 7, poll(120)) | more("faults", fault("failing", 90, 95, "rally")),
    ),
    "an import after a minute in which the base URL was wrong": (
        "imports neglected",
        lambda: instead("polls", 7, poll(120)) | more("faults", fault("misplaced", 30, 40, "rally")),
    ),
    "an import while the limit is used up for others": (
        "imports neglected",
        lambda: instead("polls", 7, *(poll(at, import_id=f"imp-{at}") for at in (103, 105, 107)), poll(120)),
    ),
    "an end that a stopped worker had read": (
        "ends not believed",
        lambda: more("polls", poll(106, import_id="imp-4")) | more("faults", fault(WORKER_STOPPED, 101.05, 105)),
    ),
    "a 503 whose reader was killed": (
        "imports polled before a 503's Retry-After",
        lambda: more("polls", poll(103.5, import_id="imp-5")) | more("faults", fault(WORKER_KILLED, 102.5, 103)),
    ),
    "an import polled as a probe": (
        "imports polled before a 503's Retry-After",
        lambda: more(
            "polls",
            poll(103.5, import_id="imp-5"),
            *(poll(at, import_id=f"imp-{at}", status=500) for at in (102.7, 102.9, 103.1)),
        ),
    ),
    "a watch refused soon after a failover": (
        "watches refused without an outage",
        lambda: {"faults": (fault(REDIS_DEMOTED, -5, -4, "redis"),)},
    ),
    "a stream that heard nothing while Redis was out": (
        "listeners deaf",
        lambda: (
            more("listener_results", listener_result(95, 125)) | more("faults", fault(REDIS_KILLED, 100, 110, "redis"))
        ),
    ),
    "a wait that ended as its watch did": (
        "waits that ended blind",
        lambda: more("listener_results", listener_result(95, 101.5, stream=False)),
    ),
}


@pytest.mark.parametrize("name", EXCUSED)
def test_what_no_bridge_could_prevent_is_excused(name: str) -> None:
    rule, changes = EXCUSED[name]
    assert not check(replace(SOUND, **changes())).breaches[rule]


def test_recovery_is_counted_from_the_end_of_a_fault_to_the_next_success() -> None:
    faults = (
        fault(WORKER_KILLED, 11.6, 12.0),
        fault(REDIS_KILLED, 0.5, 1.0, "redis"),
        fault("busy", 10, 16, "crm"),
        fault("busy", 40, 60, "crm"),
    )
    posts = (posted(), posted(5, ended_at=NOW + 4))
    found = {
        each.kind: each for each in recoveries(replace(SOUND, faults=faults, posts=posts, attempts=SOUND.attempts[:5]))
    }
    assert found["worker killed"].percentile(0.5) == pytest.approx(4.2)
    assert found["redis killed"].percentile(0.99) == pytest.approx(3.0)
    assert found["receiver busy"].percentile(0.5) == pytest.approx(1.1)
    assert found["receiver busy"].seconds[1] is None
    assert found["all"].percentile(0.5) == pytest.approx(3.0)
