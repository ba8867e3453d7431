"""The check of messages that were abandoned, or fail."""

from bridge.cli.doctor.checks_messages import LOOKED_AT, Undelivered, check_messages

GONE = Undelivered("https://hooks.slack.com/services/… (c9a3d6ef)", "HTTP 404: no_service")
FAILING = Undelivered("https://crm.example.com/… (155ecd11)", None)


def test_messages_that_arrive_are_ok() -> None:
    assert check_messages((), ()).state == "ok"


def test_abandoned_and_failing_messages_are_named_with_where_to_look() -> None:
    finding = check_messages([GONE], [FAILING] * LOOKED_AT)

    assert finding.state == "warning"
    assert f"1 abandoned in the last 24 hours, the last to {GONE.place}: HTTP 404: no_service" in finding.detail
    assert f"{LOOKED_AT} or more failing now, the last to {FAILING.place}: no reason known" in finding.detail
    assert "--state abandoned` and `rally-bridge deliveries --state pending`" in str(finding.remedy)


def test_only_the_list_that_has_something_is_named() -> None:
    assert "--state pending" not in str(check_messages([GONE], []).remedy)
