"""The rules: what a reading makes of a watch, what a verdict makes of a delivery, when to ask again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.absences import AbsenceStreak
from bridge.domain.deliveries import (
    Accepted,
    Callback,
    Deferred,
    Delivery,
    DeliveryState,
    Rejected,
    Verdict,
)
from bridge.domain.eviction import Eviction, eviction_by, eviction_risk
from bridge.domain.imports import (
    Absence,
    Absent,
    ImportAnswer,
    KeyRefused,
    OverLimit,
    Read,
    Reading,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.notices import redis_evicts, redis_evicts_no_more
from bridge.domain.notifications import announce
from bridge.domain.outcomes import Outcome
from bridge.domain.polls import POISON_PAUSE, ImportUpdate, PollClaim, after_poll, poisoned, withheld
from bridge.domain.schedules import PollSchedule
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Moment, rfc3339
from bridge.domain.watches import Conclusion, ImportState, Watch, conclude

NOW: Moment = 1_800_000_000_000
SCHEDULE = PollSchedule(floor=3 * SECOND, ceiling=MINUTE, growth=1.0)
PAUSES = (2 * SECOND, 5 * SECOND, MINUTE)

WATCH = Watch(
    id="wat_01",
    client="crm",
    workspace="default",
    import_id="imp",
    created_at=NOW,
    grace_until=NOW + 10 * MINUTE,
    expires_at=NOW + HOUR,
)
DELIVERY = Delivery(
    id="dlv_1",
    watch_id="wat_01",
    client="crm",
    notification_id="ntf_01",
    destination=Callback(url=Secret("https://crm.example.com/hush")),
    lane="callback:x",
    body="{}",
    owed_at=NOW,
)
CLAIM = PollClaim(
    workspace="default", import_id="imp", fence=1, first_at=NOW, due=NOW, tier=0, polls=3, known="", faults=2
)

FIRST_ABSENCE = AbsenceStreak(absence=Absence.FORBIDDEN, since=NOW + 100 * SECOND, at=NOW + 100 * SECOND)


def reading(status: str, *, failed: int = 0) -> Reading:
    return Reading(import_id="imp", type="CSV", status=status, person_count=7, failed_record_count=failed)


@pytest.mark.parametrize(
    ("status", "failed", "outcome"),
    [
        ("COMPLETED", 0, Outcome.COMPLETED),
        ("COMPLETED", 1, Outcome.COMPLETED_WITH_FAILURES),
        ("ERROR", 0, Outcome.FAILED),
        ("ERROR", 9, Outcome.FAILED),
        ("UPLOADING", 0, None),
        ("NOT_STARTED", 0, None),
        ("PAUSED_BY_A_NEW_VERSION", 0, None),
        ("completed", 0, None),
    ],
)
def test_a_reading_ends_a_watch_by_its_status_and_its_failed_records(
    status: str, failed: int, outcome: Outcome | None
) -> None:
    conclusion = conclude(WATCH, ImportState(reading=reading(status, failed=failed)), NOW)

    assert conclusion == (None if outcome is None else Conclusion(outcome))


@pytest.mark.parametrize("absence", list(Absence))
def test_an_absence_counts_once_it_was_repeated_after_the_grace(absence: Absence) -> None:
    streak = AbsenceStreak(absence=absence, since=NOW, at=WATCH.grace_until, count=3, longest_gap=5 * MINUTE)
    within = ImportState(absent=replace(streak, at=WATCH.grace_until - 1))
    beyond = ImportState(absent=streak)

    assert conclude(WATCH, within, WATCH.grace_until + SECOND) is None
    ended = conclude(WATCH, beyond, WATCH.grace_until + SECOND)
    assert ended is not None
    assert ended.outcome.value == absence.value
    assert ended.reason


def test_a_final_reading_counts_even_after_the_expiry() -> None:
    known = ImportState(reading=reading("COMPLETED"), polled_at=WATCH.expires_at + 1)

    assert conclude(WATCH, known, WATCH.expires_at + 2) == Conclusion(Outcome.COMPLETED)


def test_an_expired_watch_waits_for_one_last_poll() -> None:
    asked_before = ImportState(reading=reading("UPLOADING"), polled_at=WATCH.expires_at - 1)
    asked_since = replace(asked_before, polled_at=WATCH.expires_at)

    assert conclude(WATCH, asked_since, WATCH.expires_at - 1) is None
    assert conclude(WATCH, asked_before, WATCH.expires_at) is None
    for known, given_up in ((asked_since, False), (asked_before, True)):
        ended = conclude(WATCH, known, WATCH.expires_at + SECOND, last_call_made=given_up)
        assert ended is not None
        assert ended.outcome is Outcome.TIMED_OUT


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (ImportState(workspace_trouble="Rally refused our key since noon"), "Rally refused our key since noon"),
        (ImportState(absent=AbsenceStreak(absence=Absence.NOT_FOUND, since=NOW, at=NOW)), "knows no such import"),
        (ImportState(), "gave no answer"),
        (ImportState(trouble="HTTP 400"), "no usable answer from Rally: HTTP 400"),
        (
            ImportState(trouble="HTTP 400", reading=reading("UPLOADING")),
            "the last status was UPLOADING; then no usable answer from Rally: HTTP 400",
        ),
        (
            ImportState(absent=FIRST_ABSENCE, reading=reading("UPLOADING")),
            "the last status was UPLOADING; then Rally does not let our key see this import",
        ),
        (ImportState(reading=reading("UPLOADING")), "UPLOADING"),
    ],
)
def test_a_timeout_says_why(known: ImportState, told: str) -> None:
    ended = conclude(WATCH, known, WATCH.expires_at, last_call_made=True)

    assert ended is not None
    assert told in (ended.reason or "")
    assert rfc3339(WATCH.expires_at) in (ended.reason or "")


def reply(answer: ImportAnswer) -> Reply:
    return Reply(import_id="imp", answer=answer, allowance=None, at=NOW + 100 * SECOND)


@pytest.mark.parametrize(
    ("answer", "advance"),
    [
        (Read(reading("COMPLETED")), ImportUpdate(due=None, reading=reading("COMPLETED"))),
        (Read(reading("ERROR")), ImportUpdate(due=None, reading=reading("ERROR"))),
        (Read(reading("UPLOADING")), ImportUpdate(due=NOW + 110 * SECOND, reading=reading("UPLOADING"))),
        (Absent(Absence.FORBIDDEN), ImportUpdate(due=NOW + 110 * SECOND, absent=FIRST_ABSENCE)),
        (Unusable("HTTP 400"), ImportUpdate(due=NOW + 160 * SECOND, faults=3, trouble="HTTP 400")),
        (Unanswered("HTTP 503"), ImportUpdate(due=NOW + 101_562, faults=3, trouble="HTTP 503")),
        (Unanswered("x", 9 * SECOND), ImportUpdate(due=NOW + 109 * SECOND, faults=3, trouble="x")),
        (Unanswered("x", 9 * HOUR), ImportUpdate(due=NOW + 100 * SECOND + HOUR, faults=3, trouble="x")),
        (OverLimit(5), ImportUpdate(due=NOW, faults=2, counted=False)),
        (KeyRefused(), ImportUpdate(due=NOW, faults=2, counted=False)),
    ],
)
def test_each_answer_of_rally_moves_an_import_on(answer: ImportAnswer, advance: ImportUpdate) -> None:
    assert after_poll(CLAIM, reply(answer), SCHEDULE, jitter=0) == advance


def test_a_poll_that_was_not_made_costs_nothing_and_a_poison_is_put_aside() -> None:
    assert withheld(CLAIM) == ImportUpdate(due=NOW, faults=2, counted=False)
    assert poisoned(CLAIM, NOW) == ImportUpdate(due=NOW + POISON_PAUSE, faults=3)


@pytest.mark.parametrize(("age", "pause"), [(0, 3), (4, 3), (9, 3), (100, 10), (3600, 60), (86_400, 60)])
def test_the_pause_grows_with_the_root_of_the_age(age: int, pause: int) -> None:
    assert SCHEDULE.pause(age * SECOND, faults=0, jitter=0) == pause * SECOND


@given(age=st.integers(-DAY, 40 * DAY), faults=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_jitter_and_faults_only_lengthen_a_pause_and_it_stays_bounded(age: int, faults: int, jitter: float) -> None:
    pause = SCHEDULE.pause(age, faults=faults, jitter=jitter)

    assert SCHEDULE.interval(age) <= pause <= MINUTE * 1.1


@pytest.mark.parametrize(
    ("verdict", "made", "state", "due"),
    [
        (Accepted(), 0, DeliveryState.DELIVERED, None),
        (Rejected("410"), 0, DeliveryState.ABANDONED, None),
        (Deferred("503"), 0, DeliveryState.PENDING, NOW + 2 * SECOND),
        (Deferred("503"), 2, DeliveryState.PENDING, NOW + MINUTE),
        (Deferred("503"), 3, DeliveryState.ABANDONED, None),
        (Deferred("429", HOUR), 0, DeliveryState.PENDING, NOW + HOUR),
        (Deferred("429", SECOND), 2, DeliveryState.PENDING, NOW + MINUTE),
        (Deferred("429", 9 * DAY), 0, DeliveryState.PENDING, NOW + DAY),
        (Deferred("new", tries=3), 1, DeliveryState.PENDING, NOW + 5 * SECOND),
        (Deferred("new", tries=3), 2, DeliveryState.ABANDONED, None),
    ],
)
def test_each_verdict_moves_a_delivery_on(
    verdict: Verdict, made: int, state: DeliveryState, due: Moment | None
) -> None:
    after = replace(DELIVERY, attempts=made, failures=made).after(
        verdict, NOW, schedule=PAUSES, max_age=3 * DAY, jitter=0
    )

    assert (after.state, after.due, after.attempts) == (state, due, made + 1)
    assert (after.ended_at is None) == (state is DeliveryState.PENDING)


def test_a_delivery_that_cannot_be_read_is_sent_plainly_once_and_then_abandoned() -> None:
    unreadable = Deferred("invalid_blocks", plainly=True)
    again = DELIVERY.after(unreadable, NOW, schedule=PAUSES, max_age=DAY, jitter=0)
    ended = again.after(unreadable, NOW, schedule=PAUSES, max_age=DAY, jitter=0)

    assert (again.state, again.plain) == (DeliveryState.PENDING, True)
    assert ended.state is DeliveryState.ABANDONED


def test_a_redelivery_has_the_whole_schedule_before_it_and_goes_on_counting() -> None:
    owed_again = replace(DELIVERY, attempts=11, failures=0, owed_at=NOW + DAY)
    after = owed_again.after(Deferred("503"), NOW + DAY, schedule=PAUSES, max_age=HOUR, jitter=0)

    assert (after.state, after.attempts, after.due) == (DeliveryState.PENDING, 12, NOW + DAY + PAUSES[0])


def test_a_delivery_that_would_be_too_old_at_its_next_attempt_is_abandoned() -> None:
    after = DELIVERY.after(Deferred("429", HOUR), NOW, schedule=PAUSES, max_age=HOUR, jitter=0)

    assert (after.state, after.last_reason) == (DeliveryState.ABANDONED, "429")
    assert DELIVERY.too_old(NOW + HOUR, HOUR)
    assert not DELIVERY.too_old(NOW + HOUR - 1, HOUR)


@given(jitter=st.floats(0, 1), wait=st.integers(0, 2 * DAY), made=st.integers(0, 2))
def test_a_delivery_is_never_attempted_before_it_was_asked_to(jitter: float, wait: int, made: int) -> None:
    before = replace(DELIVERY, attempts=made, failures=made)
    after = before.after(Deferred("429", wait), NOW, schedule=PAUSES, max_age=30 * DAY, jitter=jitter)

    assert after.due is not None
    assert after.due >= NOW + max(PAUSES[made], min(wait, DAY))


def test_a_notification_keeps_its_id_and_names_the_import() -> None:
    watch = replace(WATCH, label="Q4", metadata={"ticket": "RES-12"})
    first = announce(watch, Conclusion(Outcome.NOT_FOUND, "why"), None, NOW)

    assert first.id == announce(watch, Conclusion(Outcome.NOT_FOUND, "why"), None, NOW + 5).id
    assert first.payload() == {
        "type": "watch.not_found",
        "timestamp": rfc3339(NOW),
        "data": {
            "client": "crm",
            "watchId": "wat_01",
            "workspace": "default",
            "importId": "imp",
            "label": "Q4",
            "metadata": {"ticket": "RES-12"},
            "outcome": "not_found",
            "reason": "why",
            "import": None,
        },
    }


def test_every_outcome_has_a_type_of_notification() -> None:
    types = {announce(WATCH, Conclusion(outcome), None, NOW).type for outcome in Outcome}

    assert len(types) == len(Outcome)


def test_a_secret_does_not_print() -> None:
    secret = Secret("hush")

    assert secret.reveal() == "hush"
    assert "hush" not in f"{secret} {secret!r} {DELIVERY!r} {[secret]}"


@pytest.mark.parametrize(
    ("name", "drops", "words"),
    [
        ("noeviction", Eviction.NOTHING, None),
        *((f"volatile-{how}", Eviction.EXPIRING, "but no watch") for how in ("lru", "lfu", "random", "ttl")),
        *((f"allkeys-{how}", Eviction.ANYTHING, "drops watches") for how in ("lru", "lfu", "random", "of-tomorrow")),
        ("eviction", Eviction.ANYTHING, "drops watches"),
        ("of-a-vendor", Eviction.UNKNOWN, "'of-a-vendor' is not known"),
        (None, Eviction.UNKNOWN, "does not report"),
    ],
)
def test_what_a_policy_drops(name: str | None, drops: Eviction, words: str | None) -> None:
    risk = eviction_risk(name)

    assert eviction_by(name) is drops
    assert risk is None if words is None else words in str(risk)


def test_the_operator_reads_that_redis_drops_watches_and_that_it_no_longer_does() -> None:
    assert redis_evicts("maxmemory-policy allkeys-lru", NOW).payload() == {
        "type": "redis.evicts",
        "timestamp": rfc3339(NOW),
        "data": {
            "client": "operator",
            "text": "Redis may lose watches: maxmemory-policy allkeys-lru.",
            "problem": "maxmemory-policy allkeys-lru",
        },
    }
    assert redis_evicts_no_more(NOW).payload() == {
        "type": "redis.evicts_no_more",
        "timestamp": rfc3339(NOW),
        "data": {"client": "operator", "text": "Redis keeps every watch again; some may have been lost."},
    }
