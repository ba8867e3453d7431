"""`test`: a test message to one destination, and what became of it."""

import pytest

from tests.support.shell import Shell


@pytest.mark.parametrize(
    ("option", "address", "type_"),
    [
        ("--named", "ops", "named ops"),
        ("--slack", "C0123ABCD", "slack #C0123ABCD"),
        ("--callback", "URL/inbox/callbacks/x", "callback http://127.0.0.1:"),
        ("--slack-webhook", "URL/inbox/services/T000/B000/YYYY", "slack_webhook "),
    ],
)
def test_an_accepted_test_message_is_reported_and_exits_with_0(
    shell: Shell, option: str, address: str, type_: str
) -> None:
    ran = shell.run("test", option, address.replace("URL", shell.bridge.sandbox_url))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"✓ accepted  {type_}")
    assert "  HTTP 20" in ran.stdout


@pytest.mark.parametrize(("status", "verdict"), [(503, "deferred"), (410, "rejected")])
def test_a_rejected_test_message_is_reported_with_its_reason_and_its_own_exit_code(
    shell: Shell, status: int, verdict: str
) -> None:
    shell.bridge.set_answers(verdict, status)
    ran = shell.run("test", "--callback", shell.bridge.callback_url(verdict))
    assert (ran.returncode, ran.stderr) == (7, "")
    assert ran.stdout.startswith(f"✗ {verdict}  callback ")
    assert f"HTTP {status}" in ran.stdout


def test_programs_get_the_answer_of_the_api(shell: Shell) -> None:
    found = shell.json("test", "--named", "crm")
    assert (found["verdict"], found["type"], found["destination"]) == ("accepted", "named", "crm")
