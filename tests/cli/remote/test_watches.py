"""`watch`, `show`, `cancel` and `redeliver`: what they ask of the bridge and print."""

import json
import subprocess

import pytest

from tests.support.processes import wait_for
from tests.support.shell import Shell

UNENDING = (("UPLOADING", 0.0), ("COMPLETED", 600.0))


def test_every_option_reaches_the_bridge(shell: Shell) -> None:
    inbox = f"{shell.bridge.sandbox_url}/inbox"
    places = ["--callback", f"{inbox}/callbacks/a", "--slack-webhook", f"{inbox}/services/T000/B000/YYYY"]
    facts = ["--metadata", "ticket=RES-12", "--expires-in", "2h", "--nudge-after", "30m", "--on", "failed"]
    facts += ["--slack", "C0123ABCD", "--live"]
    shell.bridge.set_import("wishes", ("ERROR", 0))
    watch = shell.json("watch", "wishes", *places, *facts, "--named", "ops", "--workspace", "default")
    assert watch["metadata"] == {"ticket": "RES-12"}
    assert "  metadata      ticket=RES-12" in shell.run("show", watch["id"]).stdout
    assert watch["createdAt"] < watch["expiresAt"]
    assert watch["nudgeAfter"] == 1800
    assert shell.run("follow", watch["id"]).returncode == 4
    seen = shell.json("show", watch["id"])
    assert [each["type"] for each in seen["deliveries"]] == ["slack", "slack_webhook", "callback", "named"]


@pytest.mark.parametrize(
    ("on", "states"),
    [
        (["problems"], "skipped"),
        (["always"], "delivered"),
        (["failed,timed_out"], "skipped"),
        (["failed", "completed"], "delivered"),
    ],
)
def test_on_takes_lists_of_outcomes(shell: Shell, on: list[str], states: str) -> None:
    shell.bridge.set_import("on", ("COMPLETED", 0))
    given = [part for each in on for part in ("--on", each)]
    watch = shell.json("watch", "on", "--named", "crm", *given)
    assert shell.run("follow", watch["id"], "--until-delivered").returncode == 0
    assert [each["state"] for each in shell.json("show", watch["id"])["deliveries"]] == [states]


def test_programs_get_the_id_of_a_new_watch_alone(shell: Shell) -> None:
    shell.bridge.set_import("piped", *UNENDING)
    ran = shell.run("watch", "piped", "--label", "Q4")
    (watch,) = shell.json("list", "--import", "piped")
    assert (ran.stdout, ran.stderr) == (f"{watch['id']}\n", "")


def test_a_terminal_shows_the_id_of_a_new_watch_on_the_first_line(shell: Shell) -> None:
    shell.bridge.set_import("fresh", *UNENDING)
    ran = shell.at_terminal("watch", "fresh", "--label", "Q4\tpanel\nupload", columns=80)
    (watch,) = shell.json("list", "--import", "fresh")
    first, second, *_ = ran.stdout.splitlines()
    assert first == watch["id"]
    assert r"Q4\tpanel\nupload" in second


def test_an_open_watch_shows_its_destinations_with_the_outcomes_that_they_receive(shell: Shell) -> None:
    shell.bridge.set_import("notified", *UNENDING)
    watch = shell.json(
        "watch", "notified", "--named", "crm", "--callback", shell.bridge.callback_url("x"), "--on", "problems"
    )
    ran = shell.run("show", watch["id"])
    lines = [line.split(maxsplit=1)[1] for line in ran.stdout.splitlines() if line.startswith("  notify ")]
    place = f"{shell.bridge.sandbox_url}/… ({watch['notify'][0]['fingerprint']})"
    assert lines == [f"callback {place}  on problems", "named crm  on problems"]


def test_a_watch_is_listed_shown_and_cancelled(shell: Shell) -> None:
    shell.bridge.set_import("kept", *UNENDING)
    watch = shell.json("watch", "kept")
    assert watch["id"] in [each["id"] for each in shell.json("list", "--state", "watching")]
    assert [each["id"] for each in shell.json("list", "--import", "kept", "--limit", "1")] == [watch["id"]]
    assert watch["id"] in shell.run("list", "--import", "kept").stdout
    assert "kept" in shell.run("show", watch["id"]).stdout
    assert shell.json("cancel", watch["id"])["state"] == "cancelled"
    assert shell.json("cancel", watch["id"])["state"] == "cancelled"


def test_the_failed_records_of_an_import_are_shown(shell: Shell) -> None:
    shell.bridge.set_import("partial", ("COMPLETED", 0), failed=12)
    watch = shell.json("watch", "partial")
    assert shell.run("follow", watch["id"]).returncode == 3

    shown = [line for line in shell.run("show", watch["id"]).stdout.splitlines() if line.startswith("  failed ")]

    records = shell.json("show", watch["id"])["import"]["failedRecords"]
    known = [" ".join(value for value in record.values() if value) for record in records]
    assert shown[:-1] == [f"  failed        {words}" for words in known[:10]]
    assert shown[-1] == f"  failed        and 2 more: rally-bridge failed-records {watch['id']}"


def test_a_settled_watch_is_not_cancelled(shell: Shell) -> None:
    shell.bridge.set_import("settled", ("COMPLETED", 0))
    watch = shell.json("watch", "settled")
    shell.run("follow", watch["id"])

    late = shell.run("cancel", watch["id"])

    assert late.returncode == 1
    assert late.stderr == "The watch is already settled. Its outcome: `rally-bridge show` with its id.\n"


def test_a_delivery_is_shown_with_its_attempts_and_sent_again(shell: Shell) -> None:
    shell.bridge.set_import("told", ("COMPLETED", 0))
    callback = shell.bridge.callback_url("told")
    watch = shell.json("watch", "told", "--callback", callback)
    shell.run("follow", watch["id"], "--until-delivered")
    (delivery,) = shell.json("show", watch["id"])["deliveries"]
    assert delivery["state"] == "delivered"
    assert "  1. " in shell.run("show", delivery["id"]).stdout
    nothing = shell.run("redeliver", watch["id"])
    assert (nothing.returncode, "No delivery of" in nothing.stderr) == (1, True)
    assert [each["id"] for each in shell.json("redeliver", delivery["id"])] == [delivery["id"]]
    assert shell.json("redeliver", "--since", "2026-01-01")["redelivered"] >= 0


def test_the_abandoned_deliveries_of_a_watch_are_sent_again(shell: Shell) -> None:
    shell.bridge.set_import("abandoned", ("COMPLETED", 0))
    shell.bridge.set_answers("abandoned", 410)
    watch = shell.json("watch", "abandoned", "--callback", shell.bridge.callback_url("abandoned"))
    assert shell.run("follow", watch["id"], "--until-delivered").returncode == 7
    assert shell.run("redeliver", watch["id"]).returncode == 0
    wait_for(lambda: shell.json("show", watch["id"])["deliveries"][0]["state"] == "delivered", "the redelivery")


def test_unprintable_characters_are_replaced(shell: Shell) -> None:
    shell.bridge.set_import("ascii", *UNENDING)
    watch = shell.json("watch", "ascii", "--label", "Pänel")
    ran = run_in_ascii(shell, "show", watch["id"])
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "? watching  P?nel" in ran.stdout


def test_json_escapes_unprintable_characters(shell: Shell) -> None:
    ran = run_in_ascii(shell, "watch", "ascii", "--label", "Pänel", "--json")
    assert json.loads(ran.stdout)["label"] == "Pänel"


def run_in_ascii(shell: Shell, *arguments: str) -> "subprocess.CompletedProcess[str]":
    running = shell.start(*arguments, PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    stdout, stderr = running.communicate(timeout=60)
    return subprocess.CompletedProcess(running.args, running.returncode, stdout, stderr)
