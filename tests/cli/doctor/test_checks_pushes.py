"""What the doctor finds in the recorded pushes of Rally."""

import pytest

from bridge.cli.doctor.checks_pushes import PushSettings, check_pushes
from bridge.domain.rules.push_proof import PushProof
from bridge.domain.rules.pushes import API_FINISHED, CSV_FINISHED, PushResult
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND
from bridge.store.pushes.push_health import PushHealth
from bridge.store.pushes.pushes import PushCounts

NOW = 40 * DAY
NOTHING = PushHealth(counts=PushCounts(), proofs={})
URL = "https://YOUR-HOST/v1/push/rally/eu"


def settings(*, secrets: int = 1, rules: int = 0, sandboxed: bool = False) -> PushSettings:
    setting = "workspaces.eu.webhook_secrets"
    return PushSettings(workspace="eu", secrets=secrets, setting=setting, rules=rules, sandboxed=sandboxed)


def pushed(**proofs: PushProof) -> PushHealth:
    counts = {(CSV_FINISHED, PushResult.WATCHED): 2}
    last = {CSV_FINISHED: NOW - 3 * MINUTE, API_FINISHED: NOW - 26 * HOUR - 20 * MINUTE}
    return PushHealth(counts=PushCounts(last=last, by_result=counts), proofs=proofs)


@pytest.mark.parametrize(
    ("configured", "state", "words"),
    [
        (settings(secrets=0), "ok", "workspaces.eu.webhook_secrets is not set"),
        (settings(secrets=0, rules=1), "warning", "1 rule covers the workspace and will tell nothing"),
        (settings(secrets=0, rules=2), "warning", "2 rules cover the workspace and will tell nothing"),
        (settings(), "warning", "1 secret is set, but no push has arrived yet"),
        (settings(secrets=2), "warning", "2 secrets are set, but no push has arrived yet"),
        (settings(sandboxed=True), "ok", "no push has arrived yet"),
    ],
)
def test_without_pushes_the_settings_decide(configured: PushSettings, state: str, words: str) -> None:
    finding = check_pushes(configured, NOTHING, NOW)

    assert (finding.check, finding.state) == ("Push, eu", state)
    assert words in finding.detail
    assert (URL in str(finding.remedy)) == (state == "warning")


def test_the_last_pushes_and_what_each_type_has_shown_are_named() -> None:
    proven = PushProof(streak=12, matches=1012, misses=1, last_match=NOW - HOUR, proven=True)
    aged = PushProof(streak=5, matches=5, last_match=NOW - 8 * DAY, proven=True)
    finding = check_pushes(settings(), pushed(CSV=proven, API=aged, ACTIVITIES=PushProof(misses=7)), NOW)

    assert finding.state == "ok"
    assert finding.detail.split("; ") == [
        f"1 secret is set for {URL}",
        f"last pushes: {API_FINISHED} 1d2h ago, {CSV_FINISHED} 3m ago",
        "ACTIVITIES ends: 0 with a push, 7 without, polled as without pushes",
        "API ends: 5 with a push, 0 without, polled as without pushes",
        "CSV ends: 1,012 with a push, 1 without, polled 4 times less often",
    ]


def test_a_sandbox_needs_no_url() -> None:
    assert "YOUR-HOST" not in check_pushes(settings(sandboxed=True), pushed(), NOW).detail


def test_a_proven_type_that_is_no_longer_pushed_is_a_warning() -> None:
    silent = PushProof(matches=3, misses=3, last_match=NOW - 5 * SECOND, proven=True, unpushed=3)
    finding = check_pushes(settings(), pushed(CSV=silent, API=PushProof(misses=3)), NOW)

    assert finding.state == "warning"
    assert "; CSV imports are no longer pushed" in finding.detail
    assert "enable the endpoint" in str(finding.remedy)
