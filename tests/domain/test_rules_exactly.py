"""The pure rules to the last digit: at their limits, in every field and word. Mutation showed what was not told yet."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.destinations import callback, slack, slack_bot, slack_webhook
from bridge.destinations.addresses import literal
from bridge.destinations.lanes import lane_of
from bridge.destinations.rules import EgressRules, Forbidden, check_url
from bridge.destinations.slack_text import about, code, local_time, shown
from bridge.domain.absences import AbsenceStreak
from bridge.domain.budget import Budget, Grant, grant
from bridge.domain.deliveries import (
    Accepted,
    Callback,
    Deferred,
    Delivery,
    DeliveryState,
    Rejected,
    Request,
    Response,
    SlackChannel,
    SlackWebhook,
    Verdict,
)
from bridge.domain.imports import (
    Absence,
    Allowance,
    FailedRecord,
    ImportAnswer,
    KeyRefused,
    OverLimit,
    Read,
    Reading,
    Reply,
    Unanswered,
    Unusable,
)
from bridge.domain.notices import Notice, deliveries_abandoned, key_accepted, key_refused
from bridge.domain.notices import test_message as message_of_test
from bridge.domain.notifications import Notification, announce, notification_id, reading_as_json
from bridge.domain.outcomes import Outcome, outcome_of
from bridge.domain.replies import after_replies
from bridge.domain.schedules import PollSchedule, tier_of
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, rfc3339
from bridge.domain.watches import Conclusion, ImportState, Watch, conclude
from bridge.http.retry_after import retry_after
from bridge.http.user_agent import USER_AGENT
from bridge.rally import decipher
from bridge.rally.headers import allowance_of, oddity_of
from bridge.rally.responses import unanswered

NOW = 1_800_000_000_000
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"
"""NOW, as an HTTP date."""
READING = Reading(
    import_id="imp",
    type="CSV",
    status="UPLOADING",
    person_count=7,
    failed_records=(FailedRecord(person_id="p1", email="jane@example.com"), FailedRecord(email="kim@example.com")),
    failed_record_count=9,
    updated_at="2027-01-15T08:00:00Z",
)
WATCH = Watch(
    id="wat_01",
    client="crm",
    workspace="eu",
    import_id="imp",
    label="Q4",
    metadata={"ticket": "RES-12"},
    created_at=NOW,
    grace_until=NOW + MINUTE,
    expires_at=NOW + HOUR,
)
DELIVERY = Delivery(
    id="dlv_1",
    watch_id="wat_01",
    client="crm",
    notification_id="ntf_01",
    destination=Callback(url=Secret("https://crm.example.com")),
    lane="callback:x",
    body="{}",
    owed_at=NOW,
    due=NOW,
)


@pytest.fixture
def far_from_greenwich() -> Iterator[None]:
    """Have the machine's own time zone differ from UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Auckland"
    time.tzset()
    yield
    os.environ.pop("TZ")
    os.environ.update({} if before is None else {"TZ": before})
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
def test_times_are_utc_wherever_the_machine_stands() -> None:
    assert rfc3339(NOW + 7) == "2027-01-15T08:00:00.007Z"
    assert local_time(NOW) == "<!date^1800000000^{date_short_pretty} {time}|2027-01-15 08:00 UTC>"
    assert retry_after({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}, NOW, at_most=DAY) == 30 * SECOND


def test_a_notification_holds_all_that_is_known() -> None:
    conclusion = Conclusion(Outcome.FAILED, "why")

    assert announce(WATCH, conclusion, READING, NOW + 5) == Notification(
        id="ntf_01",
        type="import.failed",
        at=NOW + 5,
        client="crm",
        watch_id="wat_01",
        workspace="eu",
        import_id="imp",
        outcome=Outcome.FAILED,
        reason="why",
        label="Q4",
        metadata={"ticket": "RES-12"},
        reading=READING,
        watched_for=5,
    )
    assert notification_id("wat_wat_01") == "ntf_wat_01"


def test_a_reading_is_shown_as_rally_words_it() -> None:
    assert reading_as_json(READING) == {
        "importId": "imp",
        "type": "CSV",
        "status": "UPLOADING",
        "personCount": 7,
        "failedRecordCount": 9,
        "failedRecords": [{"personId": "p1", "email": "jane@example.com"}, {"email": "kim@example.com"}],
        "updatedAt": "2027-01-15T08:00:00Z",
    }
    assert announce(WATCH, Conclusion(Outcome.FAILED), READING, NOW).payload()["data"]["import"] == reading_as_json(
        READING
    )


def test_the_operator_reads_which_workspace_and_since_when() -> None:
    assert key_refused("eu", NOW).payload() == {
        "type": "workspace.refused",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "client": "operator",
            "text": "Rally refuses the API key of the workspace “eu”. Its watches stay open; polling is paused.",
            "workspace": "eu",
            "since": "2027-01-15T08:00:00.000Z",
        },
    }
    assert key_accepted("eu", NOW, NOW + SECOND).payload() == {
        "type": "workspace.accepted",
        "timestamp": "2027-01-15T08:00:01.000Z",
        "data": {
            "client": "operator",
            "text": "Rally accepts the API key of the workspace “eu” again. Polling goes on.",
            "workspace": "eu",
            "refusedSince": "2027-01-15T08:00:00.000Z",
        },
    }


@pytest.mark.parametrize(
    ("number", "reason", "text"),
    [
        (1, "HTTP 410", "A message was given up: to https://crm.example.com/…, HTTP 410."),
        (
            1234,
            None,
            "1,234 messages were given up, the first of them: to https://crm.example.com/…, no reason known.",
        ),
    ],
)
def test_the_operator_reads_what_was_given_up(number: int, reason: str | None, text: str) -> None:
    assert deliveries_abandoned(number, "https://crm.example.com/…", reason, NOW).payload() == {
        "type": "delivery.abandoned",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "client": "operator",
            "text": f"{text} GET /v1/deliveries?state=abandoned lists them.",
            "count": str(number),
            "destination": "https://crm.example.com/…",
            "reason": reason or "",
        },
    }


def test_a_test_message_says_who_asked_for_it() -> None:
    assert message_of_test("crm", NOW).payload() == {
        "type": "watch.test",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "data": {
            "text": "This is a test that “crm” asked for: messages of rally-bridge arrive here.",
            "client": "crm",
        },
    }


def test_a_notice_to_slack_is_one_sentence_with_its_time() -> None:
    assert json.loads(slack.render_notice(Notice(type="t", at=NOW, text="<b> é"))) == {
        "text": "⚙️ &lt;b&gt; é",
        "mrkdwn": False,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "⚙️ rally-bridge", "emoji": True}},
            {"type": "section", "text": {"type": "plain_text", "text": "&lt;b&gt; é", "emoji": False}},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": local_time(NOW), "verbatim": True}]},
        ],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def test_a_secret_prints_as_dots() -> None:
    assert (str(Secret("hush")), repr(Secret("hush"))) == ("•••", "Secret(•••)")


# Watches.


@pytest.mark.parametrize(
    ("absence", "reason"),
    [
        (Absence.NOT_FOUND, "Rally knows no such import"),
        (Absence.FORBIDDEN, "Rally does not let our key see this import"),
    ],
)
def test_an_absence_has_its_reason_in_words(absence: Absence, reason: str) -> None:
    grace = WATCH.grace_until - WATCH.created_at
    streak = AbsenceStreak(
        absence=absence, since=WATCH.created_at, at=WATCH.grace_until, count=3, longest_gap=grace // 2
    )
    known = ImportState(absent=streak)

    assert conclude(WATCH, known, NOW) == Conclusion(Outcome(absence.value), reason)


def test_only_two_statuses_end_an_import() -> None:
    statuses = ("UPLOADING", "NEW", "COMPLETED", "ERROR")
    ends = {status: outcome_of(replace(READING, status=status)) for status in statuses}

    assert ends == {
        "UPLOADING": None,
        "NEW": None,
        "COMPLETED": Outcome.COMPLETED_WITH_FAILURES,
        "ERROR": Outcome.FAILED,
    }


# Deliveries.


@pytest.mark.parametrize(
    ("verdict", "made", "after"),
    [
        (Accepted(), 0, {"state": DeliveryState.DELIVERED, "due": None, "ended_at": NOW + 9}),
        (Rejected("r"), 0, {"state": DeliveryState.ABANDONED, "due": None, "ended_at": NOW + 9, "last_reason": "r"}),
        (Deferred("d"), 0, {"due": NOW + 9 + 11, "last_reason": "d"}),
        (Deferred("d", 12), 0, {"due": NOW + 9 + 12, "last_reason": "d"}),
        (Deferred("d"), 1, {"due": NOW + 9 + 110, "last_reason": "d"}),
        (Deferred("d"), 2, {"state": DeliveryState.ABANDONED, "due": None, "ended_at": NOW + 9, "last_reason": "d"}),
        (
            Deferred("d", HOUR),
            0,
            {"state": DeliveryState.ABANDONED, "due": None, "ended_at": NOW + 9, "last_reason": "d"},
        ),
    ],
)
def test_a_delivery_after_an_attempt_is_known_to_the_last_field(
    verdict: Verdict, made: int, after: dict[str, object]
) -> None:
    before = replace(DELIVERY, attempts=made, failures=made)

    found = before.after(verdict, NOW + 9, schedule=(10, 100), max_age=HOUR, jitter=1.0)

    failures = made + isinstance(verdict, Deferred)
    assert found == replace(before, attempts=made + 1, failures=failures, **after)  # type: ignore[arg-type]


def test_no_wait_asked_for_adds_nothing_to_the_schedule() -> None:
    assert DELIVERY.after(Deferred("d"), NOW, schedule=(0,), max_age=HOUR, jitter=0).due == NOW


@pytest.mark.parametrize(
    ("last", "reason"),
    [(None, "too old; last: no attempt was possible"), ("HTTP 503", "too old; last: HTTP 503")],
)
def test_a_delivery_that_is_given_up_for_its_age_keeps_its_last_reason(last: str | None, reason: str) -> None:
    before = replace(DELIVERY, last_reason=last, attempts=3)

    assert before.outlived(NOW + DAY) == replace(
        before, state=DeliveryState.ABANDONED, last_reason=reason, due=None, ended_at=NOW + DAY
    )


def test_a_delivery_that_is_given_up_says_why_and_counts_no_attempt() -> None:
    assert DELIVERY.given_up("not allowed any more", NOW) == replace(
        DELIVERY, state=DeliveryState.ABANDONED, last_reason="not allowed any more", due=None, ended_at=NOW
    )


# What is sent.

TO_SLACK = {"content-type": "application/json; charset=utf-8", "user-agent": USER_AGENT}


def test_a_message_to_a_webhook_is_json_of_ours() -> None:
    assert slack_webhook.prepare(SlackWebhook(url=Secret("https://hooks.slack.com/services/T/B/X")), "{}") == Request(
        url=Secret("https://hooks.slack.com/services/T/B/X"), headers=TO_SLACK, body=b"{}"
    )


def test_a_message_of_the_bot_is_json_of_ours_with_its_channel_and_token() -> None:
    bot = slack_bot.SlackBot(token=Secret("xoxb-1"), api_url="https://slack.com/api")

    assert slack_bot.prepare(SlackChannel(channel="C0"), '{"text": "é"}', bot) == Request(
        url=Secret("https://slack.com/api/chat.postMessage"),
        headers=TO_SLACK | {"authorization": "Bearer xoxb-1"},
        body='{"channel":"C0","text":"é"}'.encode(),
    )


def test_a_bots_token_is_tried_without_a_word() -> None:
    bot = slack_bot.SlackBot(token=Secret("xoxb-1"), api_url="https://slack.com/api")

    assert slack_bot.prepare_check(bot) == Request(
        url=Secret("https://slack.com/api/auth.test"),
        headers=TO_SLACK | {"authorization": "Bearer xoxb-1"},
        body=b"{}",
    )


def a_long_word(length: int) -> str:
    return ("a_" * length)[:length]


@pytest.mark.parametrize(
    ("status", "document", "verdict"),
    [
        (429, {}, Deferred("HTTP 429, over Slack's rate limit", 7 * SECOND, for_all=True)),
        (200, {"error": "ratelimited"}, Deferred("Slack: ratelimited", 7 * SECOND, for_all=True)),
        (200, {"error": "service_unavailable"}, Deferred("Slack: service_unavailable", 7 * SECOND)),
        (200, {"error": "fatal_error"}, Deferred("Slack: fatal_error", 7 * SECOND, ambiguous=True)),
        (
            200,
            {"error": "no_text"},
            Deferred("Slack: no_text (Slack does not take the form of our message; please report it)", plainly=True),
        ),
        (200, {"error": a_long_word(60)}, Deferred(f"Slack: {a_long_word(60)}", 7 * SECOND, tries=3)),
        (
            200,
            {"error": a_long_word(61)},
            Deferred("an answer that is not Slack's", 7 * SECOND, ambiguous=True, tries=3),
        ),
        (200, [], Deferred("an answer that is not Slack's", 7 * SECOND, ambiguous=True, tries=3)),
        (503, {}, Deferred("HTTP 503", 7 * SECOND, ambiguous=True)),
    ],
)
def test_what_the_bot_is_answered_waits_as_long_as_slack_asks_for(
    status: int, document: object, verdict: Verdict
) -> None:
    given = Response(status=status, headers={"retry-after": "7"}, body=json.dumps(document).encode())

    assert slack_bot.judge(given, NOW) == verdict


def test_a_wait_until_a_date_counts_from_now_where_the_answer_has_none() -> None:
    given = Response(status=503, headers={"retry-after": "Fri, 15 Jan 2027 08:00:07 GMT"}, body=b"")

    for judge in (callback.judge, slack_bot.judge, slack_webhook.judge):
        assert judge(given, NOW) == Deferred("HTTP 503", 7 * SECOND, ambiguous=judge is not callback.judge)


def test_a_wait_until_the_answers_own_date_is_none() -> None:
    assert retry_after({"date": DATE, "retry-after": DATE}, NOW - MINUTE, at_most=DAY) == 0


def test_a_bot_that_slack_slows_down_without_saying_for_how_long_waits_a_second() -> None:
    given = Response(status=429, headers={}, body=b"")

    assert slack_bot.judge(given, NOW) == Deferred("HTTP 429, over Slack's rate limit", SECOND, for_all=True)


def told(**changes: Any) -> dict[str, Any]:
    """Give what Slack is told of a reading with these changes, masked."""
    reading = replace(READING, **changes)
    notification = announce(WATCH, Conclusion(Outcome.COMPLETED_WITH_FAILURES, "why"), reading, NOW)
    payload: dict[str, Any] = json.loads(slack.render(notification, show_emails=False))
    return payload


def test_one_person_is_no_people() -> None:
    payload = told(person_count=1)

    assert "1 person imported" in payload["text"]
    assert payload["blocks"][2]["text"]["text"].startswith("*1 person* imported")


@pytest.mark.parametrize(("count", "last"), [(2, "• k…@example.com"), (3, "… and 1 more"), (1_002, "… and 1,000 more")])
def test_the_failed_records_that_are_not_shown_are_counted(count: int, last: str) -> None:
    shown_last = told(failed_record_count=count)["blocks"][3]["text"]["text"].splitlines()[-1]

    assert shown_last == last


def test_a_message_consists_of_blocks_that_slack_knows() -> None:
    assert [block["type"] for block in told()["blocks"]] == [
        *("header", "section", "section", "section", "section", "context")
    ]


def test_figures_begin_with_a_capital_letter() -> None:
    notification = announce(WATCH, Conclusion(Outcome.TIMED_OUT, "why"), None, NOW + 5 * SECOND)
    figures = json.loads(slack.render(notification, show_emails=False))["blocks"][2]["text"]["text"]

    assert figures == "Watched for about 5 s"


def callback_of(reason: str) -> str:
    return callback.render(announce(WATCH, Conclusion(Outcome.FAILED, reason), READING, NOW))


def test_a_body_of_just_the_limit_is_sent_whole_and_one_more_byte_costs_only_what_tells_least() -> None:
    room = callback.BODY_LIMIT - len(callback_of(""))

    assert len(callback_of("r" * room)) == callback.BODY_LIMIT
    assert json.loads(callback_of("r" * room))["data"]["import"]["failedRecords"] != []
    shorter = json.loads(callback_of("r" * (room + 1)))["data"]
    assert (len(shorter["reason"]), len(shorter["import"]["failedRecords"])) == (room + 1, 1)


def test_a_reason_that_fits_nowhere_is_cut_and_not_left_out() -> None:
    data = json.loads(callback_of("r" * callback.BODY_LIMIT))["data"]

    assert data["reason"] == "r" * callback.REASON_KEPT


def test_a_message_in_plain_text_is_as_compact() -> None:
    assert slack.plainly('{"text": "é", "mrkdwn": false, "blocks": []}') == '{"text":"é","mrkdwn":false}'


def test_what_is_no_url_has_a_lane_all_the_same() -> None:
    assert lane_of(SlackWebhook(url=Secret("no url"))) == ("slack", "no url")
    assert lane_of(Callback(url=Secret("no url"))) == ("callback", "no url")


def test_an_allowed_host_may_end_with_the_dot_of_the_root() -> None:
    assert EgressRules.parse(("crm.example.com.",)).hosts == (("crm.example.com", None),)


def test_callbacks_to_one_origin_share_a_lane() -> None:
    assert lane_of(Callback(url=Secret("HTTPS://CRM.example.com:8443/a?b"))) == (
        "callback",
        "https://crm.example.com:8443",
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://evil.example/services/", "a Slack webhook's URL begins with https://hooks.slack.com/services/"),
        (
            "https://hooks.slack.com/triggers/",
            "this URL starts a workflow, which takes no messages; give an incoming webhook's URL",
        ),
    ],
)
def test_what_is_no_webhook_of_slacks_is_refused_in_these_words(url: str, told: str) -> None:
    found = check_url(url, EgressRules(), slack=True)

    assert found is not None
    assert found.detail == told


@pytest.mark.parametrize(
    ("url", "code", "told"),
    [
        ("ftp://crm.example.com/", "scheme", "only http:// and https:// URLs are allowed"),
        ("https://crm.example.com/a b", "url", "backslashes and spaces are not allowed in a URL"),
        ("https://crm.example.com/a\\b", "url", "backslashes and spaces are not allowed in a URL"),
        ("https://me@crm.example.com/", "userinfo", "a user name or password in a URL is not allowed"),
        ("https://crm.example.com/#a", "fragment", "a fragment (#…) is never sent; leave it out"),
        ("https://crm.example.com:0/", "port", "a port is a number from 1 to 65535"),
        ("https://localhost/", "loopback", "localhost is not allowed"),
        ("https://169.254.1.1/", "link_local", "an address of this kind is not allowed: link local"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_in_these_words(url: str, code: str, told: str) -> None:
    assert check_url(url, EgressRules(), slack=False) == Forbidden(code, told)


@pytest.mark.parametrize("port", [1, 65_535])
def test_the_lowest_and_the_highest_port_are_ports(port: int) -> None:
    rules = EgressRules.parse((f"crm.example.com:{port}",))

    assert rules.hosts == (("crm.example.com", port),)
    assert check_url(f"https://crm.example.com:{port}/", rules, slack=False) is None


def test_every_entry_that_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"^'a b' is no .*; 'c d' is no [^;]*$"):
        EgressRules.parse(("a b", "c d"))


def test_a_header_may_be_just_as_long() -> None:
    longest = "v" * callback.LONGEST_HEADER

    assert callback.header_problem("x-key", longest) is None
    assert callback.header_problem("x-key", longest + "v") is not None
    assert callback.header_problem("x key", "v") == "A header's name consists of letters, digits and hyphens"


# The schedule.

SCHEDULE = PollSchedule(floor=3 * SECOND, ceiling=MINUTE, growth=1.0)


def test_intervals_are_whole_and_jittered_exactly() -> None:
    assert SCHEDULE.interval(10_000_000) == 60_000
    assert isinstance(SCHEDULE.interval(10_000_000), int)
    assert SCHEDULE.pause(0, faults=0, jitter=1.0) == 3_300
    assert PollSchedule(floor=0, ceiling=MINUTE, growth=1.0).interval(0) == 0
    assert PollSchedule(floor=1, ceiling=HOUR, growth=1.0).pause(0, faults=99, jitter=0.0) == 1_024


@pytest.mark.parametrize(
    ("pause", "tier"),
    [
        *((-1, 0), (0, 0), (3_999, 0), (4_000, 1), (7_999, 1), (8_000, 2), (63_999, 4), (64_000, 5), (HOUR, 10)),
        *(((4 * SECOND << 14) - 1, 14), (4 * SECOND << 14, 15), (4 * SECOND << 40, 15)),
    ],
)
def test_pauses_of_a_tier_are_alike_to_within_a_factor_of_two(pause: int, tier: int) -> None:
    assert tier_of(pause) == tier


# The budget.

OPEN = Budget(limit=100, available=80, spent=20, ends_at=NOW + 60 * SECOND, window=60 * SECOND)


@pytest.mark.parametrize(
    ("budget", "in_flight", "granted"),
    [
        (Budget(not_before=NOW + 5), 0, Grant(count=0, again_at=NOW + 5)),
        (Budget(probing_until=NOW + 5), 0, Grant(count=0, again_at=NOW + 5)),
        (Budget(probing_until=NOW), 0, Grant(count=1, again_at=NOW + SECOND, probe=True)),
        (Budget(), 1, Grant(count=0, again_at=NOW + SECOND)),
        (replace(OPEN, ends_at=NOW), 1, Grant(count=1, again_at=NOW + 763, paced_from=NOW, step=763, probe=True)),
        (replace(OPEN, ends_at=NOW, paced_until=NOW + 1), 0, Grant(count=0, again_at=NOW + 1)),
        (replace(OPEN, ends_at=NOW, probing_until=NOW + 5), 0, Grant(count=0, again_at=NOW + 5)),
        (replace(OPEN, ends_at=NOW, available=0), 0, Grant(count=0, again_at=NOW + SECOND)),
        (
            replace(OPEN, ends_at=NOW, available=1),
            0,
            Grant(count=1, again_at=NOW + 763, paced_from=NOW, step=763, probe=True),
        ),
        (
            replace(OPEN, ends_at=NOW - SECOND, available=0),
            0,
            Grant(count=1, again_at=NOW + 763, paced_from=NOW, step=763, probe=True),
        ),
        (replace(OPEN, available=0), 0, Grant(count=0, again_at=OPEN.ends_at)),
        (replace(OPEN, spent=80), 0, Grant(count=0, again_at=OPEN.ends_at)),
        (replace(OPEN, paced_until=NOW + 1), 0, Grant(count=0, again_at=NOW + 1)),
        (
            OPEN,
            0,
            Grant(count=7, again_at=NOW + 1_000, paced_from=NOW - 6_000, step=1_000, ends_at=OPEN.ends_at),
        ),
        (
            replace(OPEN, paced_until=NOW - 1_500),
            0,
            Grant(count=2, again_at=NOW + 500, paced_from=NOW - 1_500, step=1_000, ends_at=OPEN.ends_at),
        ),
        (
            replace(OPEN, available=1),
            0,
            Grant(count=1, again_at=NOW + 60_000, paced_from=NOW, step=60_000, ends_at=OPEN.ends_at),
        ),
        (
            replace(OPEN, limit=1, available=1, spent=0),
            0,
            Grant(count=1, again_at=NOW + 60_000, paced_from=NOW, step=60_000, ends_at=OPEN.ends_at),
        ),
        (replace(OPEN, limit=1, available=1, spent=1), 0, Grant(count=0, again_at=OPEN.ends_at)),
        (
            replace(OPEN, available=4, ends_at=NOW + 3),
            0,
            Grant(count=4, again_at=NOW, paced_from=NOW, step=0, ends_at=NOW + 3),
        ),
        (
            replace(OPEN, available=40, ends_at=NOW + 40, paced_until=NOW),
            0,
            Grant(count=1, again_at=NOW + 1, paced_from=NOW, step=1, ends_at=NOW + 40),
        ),
    ],
)
def test_what_is_granted_is_known_to_the_last_field(budget: Budget, in_flight: int, granted: Grant) -> None:
    assert grant(budget, NOW, in_flight=in_flight, share=0.8) == granted


def replied(budget: Budget, answer: ImportAnswer, allowance: Allowance | None = None, *, in_flight: int = 0) -> Budget:
    return after_replies(
        budget, [Reply(import_id="imp", answer=answer, allowance=allowance, at=NOW)], in_flight=in_flight, now=NOW
    )


ALLOWS = Allowance(limit=50, remaining=40, resets_in=30 * SECOND)
SOONER = replace(OPEN, ends_at=NOW + 30 * SECOND, window=30 * SECOND)
"""The window that is open, with its end as ALLOWS tells it."""
SHUT = replace(OPEN, ends_at=0, at_fault=("imp",), broken_since=NOW)
"""The breaker is open."""
SHUT_ALLOWS = replace(SHUT, limit=50, available=37, spent=4)
FRESH = Budget(limit=50, available=37, spent=4, ends_at=NOW + 30 * SECOND)


@pytest.mark.parametrize(
    ("before", "answer", "allowance", "after"),
    [
        (Budget(probing_until=9), Read(READING), None, Budget(probing_until=9)),
        (OPEN, Read(READING), ALLOWS, replace(SOONER, available=37)),
        (replace(OPEN, available=5), Read(READING), ALLOWS, replace(SOONER, available=5)),
        (OPEN, Read(READING), replace(ALLOWS, remaining=2), replace(SOONER, available=0)),
        (
            replace(OPEN, paced_until=NOW + 59 * SECOND),
            Read(READING),
            ALLOWS,
            replace(SOONER, available=37, paced_until=SOONER.ends_at),
        ),
        (
            OPEN,
            Read(READING),
            replace(ALLOWS, resets_in=MINUTE - SECOND),
            replace(OPEN, available=37, ends_at=OPEN.ends_at - SECOND),
        ),
        (OPEN, Read(READING), replace(ALLOWS, resets_in=MINUTE + 1), replace(OPEN, available=37)),
        (OPEN, Read(READING), replace(ALLOWS, resets_in=0), replace(OPEN, available=37)),
        (
            Budget(paced_until=9, probing_until=9, window=60 * SECOND),
            Read(READING),
            ALLOWS,
            replace(FRESH, window=60 * SECOND),
        ),
        (Budget(ends_at=NOW - 2 * SECOND, window=60 * SECOND), Read(READING), ALLOWS, replace(FRESH, window=32_000)),
        (Budget(ends_at=NOW - 2_001, window=60 * SECOND), Read(READING), ALLOWS, replace(FRESH, window=60_000)),
        (Budget(), Read(READING), replace(ALLOWS, resets_in=0), Budget(limit=50, available=37, ends_at=NOW)),
        (
            replace(OPEN, ends_at=NOW - 1),
            Read(READING),
            replace(ALLOWS, resets_in=0),
            replace(OPEN, available=37, ends_at=NOW - 1),
        ),
        (OPEN, OverLimit(None), None, replace(OPEN, ends_at=0, available=0, not_before=NOW + SECOND)),
        (OPEN, OverLimit(5_000), None, replace(OPEN, ends_at=0, available=0, not_before=NOW + 5_000)),
        (
            replace(OPEN, refused_since=7, not_before=NOW + 1),
            Read(READING),
            None,
            replace(OPEN, refused_since=7, not_before=NOW + 1, ends_at=0),
        ),
        (replace(OPEN, refused_since=7, not_before=NOW), Read(READING), None, replace(OPEN, not_before=NOW)),
        (OPEN, OverLimit(None), ALLOWS, replace(SOONER, ends_at=0, available=0, not_before=NOW + 30 * SECOND)),
        (replace(OPEN, window=1), Read(READING), ALLOWS, replace(SOONER, available=37, window=SECOND)),
        (OPEN, KeyRefused(), None, replace(OPEN, ends_at=0, refused_since=NOW, not_before=NOW + MINUTE)),
        (
            replace(OPEN, faults=3, down_since=7, at_fault=("imp",)),
            Unanswered("x", HOUR),
            None,
            replace(OPEN, faults=4, down_since=7, at_fault=("imp",)),
        ),
        (
            replace(OPEN, faults=4, down_since=NOW - 2 * SECOND),
            Unanswered("x"),
            None,
            replace(SHUT, faults=5, down_since=NOW - 2 * SECOND, not_before=NOW + SECOND),
        ),
        (
            replace(SHUT, faults=8, down_since=NOW - 40 * SECOND, broken_since=7),
            Unanswered("x"),
            None,
            replace(SHUT, faults=9, down_since=NOW - 40 * SECOND, broken_since=7, not_before=NOW + 10 * SECOND),
        ),
        (
            replace(SHUT, faults=8, down_since=NOW - 4 * SECOND, broken_since=7),
            Unanswered("x", 3 * SECOND),
            None,
            replace(SHUT, faults=9, down_since=NOW - 4 * SECOND, broken_since=7, not_before=NOW + 3 * SECOND),
        ),
        (
            replace(SHUT, faults=8, down_since=NOW - 4 * SECOND, broken_since=7),
            Unanswered("x", HOUR),
            None,
            replace(SHUT, faults=9, down_since=NOW - 4 * SECOND, broken_since=7, not_before=NOW + 15 * SECOND),
        ),
        (
            replace(SHUT, faults=10**6, down_since=7, broken_since=7),
            Unanswered("x"),
            None,
            replace(SHUT, faults=10**6 + 1, down_since=7, broken_since=7, not_before=NOW + 15 * SECOND),
        ),
        (replace(SHUT, faults=9, down_since=7, broken_since=7), Read(READING), None, replace(OPEN, ends_at=0)),
        (
            replace(SHUT, faults=9, down_since=7),
            Unusable("x"),
            ALLOWS,
            replace(SHUT_ALLOWS, faults=9, down_since=7, not_before=NOW + 15 * SECOND),
        ),
        (OPEN, Unusable("x"), None, OPEN),
    ],
)
def test_what_a_reply_teaches_is_known_to_the_last_field(
    before: Budget, answer: ImportAnswer, allowance: Allowance | None, after: Budget
) -> None:
    assert replied(before, answer, allowance, in_flight=3) == after


def test_a_probe_that_came_back_without_a_reply_is_out_no_more() -> None:
    assert after_replies(replace(OPEN, probing_until=9), [], in_flight=0, now=NOW, probed=True) == OPEN


# Rally's answers and headers.


def test_a_reply_tells_when_it_came() -> None:
    late = {"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}

    reply = decipher(status=429, headers=list(late.items()), body=b"", import_id="imp", at=NOW)

    assert reply == Reply(import_id="imp", answer=OverLimit(30 * SECOND), allowance=None, at=NOW)
    assert unanswered("x", "imp", NOW) == Reply(import_id="imp", answer=Unanswered("x"), allowance=None, at=NOW)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<", "the answer is not JSON"),
        (b"[]", "the answer is not an import"),
        (b'{"importId":"other","type":"","status":"","personCount":0}', "the answer is about another import"),
        (b'{"importId":"imp","type":"","status":7,"personCount":0}', "the answer's status is not as documented"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_in_these_words(body: bytes, reason: str) -> None:
    assert decipher(status=200, headers=[], body=body, import_id="imp", at=NOW).answer == Unusable(reason)


def limits(limit: str = "100", remaining: str = "99", reset: str = "1800000060") -> dict[str, str]:
    return {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}


NOT_BETWEEN = "x-ratelimit-remaining not between 0 and x-ratelimit-limit"
NOT_SOON = "x-ratelimit-reset not within the next hour"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"x-ratelimit-limit": "1"}, "x-ratelimit-remaining, x-ratelimit-reset missing"),
        (limits("x", "y"), "x-ratelimit-limit, x-ratelimit-remaining no single whole number"),
        (limits("0", "0"), NOT_BETWEEN),
        (limits("1", "0"), None),
        (limits("1", "1"), None),
        (limits("1", "2"), NOT_BETWEEN),
        (limits("5", "-1"), NOT_BETWEEN),
        (limits(reset="1799999995"), None),
        (limits(reset="1799999994"), NOT_SOON),
        (limits(reset="1800003600"), None),
        (limits(reset="1800003601"), NOT_SOON),
        (limits(reset="1800003630") | {"date": "Fri, 15 Jan 2027 08:00:30 GMT"}, None),
        (limits(reset="1800003600") | {"date": "Fri, 15 Jan 2027 07:59:30 GMT"}, NOT_SOON),
    ],
)
def test_an_absurdity_is_told_at_its_limits_in_these_words(headers: dict[str, str], told: str | None) -> None:
    assert oddity_of(list(headers.items()), headers, NOW) == told


def test_a_limit_of_one_is_a_limit() -> None:
    assert allowance_of(limits("1", "1"), NOW) == Allowance(limit=1, remaining=1, resets_in=MINUTE)


@pytest.mark.parametrize(("reset", "wait"), [(10**11, HOUR), (10**11 + 1, 0)])
def test_a_reset_beyond_the_year_5000_is_in_milliseconds(reset: int, wait: int) -> None:
    assert allowance_of(limits(reset=str(reset)), NOW) == Allowance(limit=100, remaining=99, resets_in=wait)


def test_a_reply_tells_when_rally_says_that_it_was_sent() -> None:
    dated = decipher(status=404, headers=[("Date", DATE)], body=b"", import_id="imp", at=NOW + SECOND)

    assert dated.dated == NOW
    assert decipher(status=404, headers=[], body=b"", import_id="imp", at=NOW).dated is None


def test_rallys_retry_after_counts_from_the_answers_own_date() -> None:
    asked = {"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT"}

    assert retry_after(asked | {"date": "Fri, 15 Jan 2027 08:00:20 GMT"}, NOW, at_most=DAY) == 10 * SECOND
    assert retry_after(asked | {"date": DATE}, 0, at_most=DAY) == 30 * SECOND
    assert retry_after({}, NOW, at_most=DAY) is None


# Texts and addresses.


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (90 * SECOND - 1, "about 90 s"),
        (90 * SECOND, "about 2 min"),
        (90 * MINUTE - 1, "about 90 min"),
        (90 * MINUTE, "about 2 h"),
        (2 * DAY - 1, "about 48 h"),
        (2 * DAY, "about 2 days"),
    ],
)
def test_a_span_changes_its_unit_just_here(span: int, words: str) -> None:
    assert about(span) == words


def test_quotes_stay_as_they_are() -> None:
    assert (shown('"it\'s"', 99), code('"it\'s"', 99)) == ('"it\'s"', '`"it\'s"`')


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("1.2.3.4.5", "neither a host name nor an address"),
        ("a.b.c.d.5", "neither a host name nor an address"),
        ("a.5", "neither a host name nor an address"),
        ("256.0.0.1", "neither a host name nor an address"),
        ("1.2.3.256", "neither a host name nor an address"),
        ("fe80::1%eth0", "an address with a zone"),
        ("1::2::3", "neither a host name nor an address"),
    ],
)
def test_a_host_that_only_looks_like_an_address_is_refused_in_these_words(host: str, problem: str) -> None:
    with pytest.raises(ValueError, match="^" + problem + "$"):
        literal(host)


def test_the_highest_of_each_part_is_an_address() -> None:
    assert [str(literal(host)) for host in ("255.255.255.255", "255.16777215", "4294967295")] == ["255.255.255.255"] * 3
