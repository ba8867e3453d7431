"""`watch --follow` and `follow`: progress, the end, what became of the deliveries, and the exit code."""

import json
import signal
import socket

import pytest

from bridge.cli.remote.outage_reports import outage_reports
from bridge.client import Unavailable
from tests.support.played_calls import ENDED, WATCH
from tests.support.prepared_answers import Prepared, answering
from tests.support.processes import wait_for
from tests.support.shell import Shell


@pytest.mark.parametrize(
    ("status", "failed", "exit_code", "outcome"),
    [("COMPLETED", 0, 0, "completed"), ("COMPLETED", 2, 3, "completed with failures"), ("ERROR", 0, 4, "failed")],
)
def test_following_prints_the_id_then_progress_and_exits_by_the_outcome(
    shell: Shell, status: str, failed: int, exit_code: int, outcome: str
) -> None:
    import_id = f"follow-{exit_code}"
    shell.bridge.set_import(import_id, ("UPLOADING", 0), (status, 0.4), failed=failed)
    ran = shell.run("watch", import_id, "--label", "Q4 panel", "--follow")
    assert ran.returncode == exit_code, ran.stderr
    id_, first, *_, last = ran.stdout.splitlines()
    assert id_ == shell.json("list", "--import", import_id)[0]["id"]
    assert "… watching  Q4 panel" in first
    assert f"{outcome}  Q4 panel  {status}" in last


def test_following_ends_with_what_became_of_each_delivery(shell: Shell) -> None:
    shell.bridge.set_import("fates", ("COMPLETED", 0))
    shell.bridge.set_answers("gone", 410)
    shell.bridge.set_answers("busy", 503, 503)
    places = [each for name in ("well", "gone", "busy") for each in ("--callback", shell.bridge.callback_url(name))]
    ran = shell.run("watch", "fates", *places, "--follow")
    well, gone, busy = ran.stdout.splitlines()[-3:]
    assert ran.returncode == 0
    assert well.endswith("  delivered")
    assert "  abandoned: HTTP 410" in gone
    assert "  retrying" in busy
    assert "HTTP 503" in busy


@pytest.mark.parametrize(("answers", "exit_code", "fate"), [((503,), 0, "delivered"), ((410,), 7, "abandoned")])
def test_until_delivered_waits_for_the_deliveries_too(
    shell: Shell, answers: tuple[int, ...], exit_code: int, fate: str
) -> None:
    name = f"until-{fate}"
    shell.bridge.set_import(name, ("COMPLETED", 0))
    shell.bridge.set_answers(name, *answers)
    ran = shell.run("watch", name, "--callback", shell.bridge.callback_url(name), "--follow", "--until-delivered")
    assert (ran.returncode, ran.stderr) == (exit_code, "")
    assert fate in ran.stdout.splitlines()[-1]


def test_until_delivered_ends_with_the_timeout_while_a_delivery_is_retried(shell: Shell) -> None:
    shell.bridge.set_import("retried", ("COMPLETED", 0))
    shell.bridge.set_answers("retried", 503, 503, 503)
    place = ["--callback", shell.bridge.callback_url("retried")]
    watch = shell.json("watch", "retried", *place)
    shell.run("follow", watch["id"])
    ran = shell.run("follow", watch["id"], "--until-delivered", "--timeout", "100ms")
    assert ran.returncode == 6
    assert ran.stderr == f"The deliveries continue: rally-bridge follow {watch['id']} --until-delivered\n"


def test_a_watch_that_exists_is_followed_by_its_id(shell: Shell) -> None:
    shell.bridge.set_import("known", ("UPLOADING", 0), ("ERROR", 0.4))
    watch = shell.json("watch", "known")
    ran = shell.run("follow", watch["id"])
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (4, watch["id"])
    again = shell.run("follow", watch["id"], "--json")
    assert (again.returncode, json.loads(again.stdout)["outcome"]) == (4, "failed")
    assert again.stderr.splitlines()[0] == watch["id"]


def test_a_watch_that_is_cancelled_meanwhile_ends_the_following(shell: Shell) -> None:
    shell.bridge.set_import("cancelled", ("UPLOADING", 0), ("COMPLETED", 600))
    watch = shell.json("watch", "cancelled")
    shell.run("cancel", watch["id"])
    ran = shell.run("follow", watch["id"])
    assert (ran.returncode, "- cancelled  cancelled" in ran.stdout) == (5, True)


def test_following_for_programs_prints_the_end_as_json_alone(shell: Shell) -> None:
    shell.bridge.set_import("for-programs", ("UPLOADING", 0), ("COMPLETED", 0.4))
    ran = shell.run("watch", "for-programs", "--follow", "--json")
    assert json.loads(ran.stdout)["outcome"] == "completed"
    assert ran.stderr.startswith("wat_")


def test_following_ends_after_the_timeout_and_leaves_the_watch(shell: Shell) -> None:
    shell.bridge.set_import("slow", ("UPLOADING", 0), ("COMPLETED", 600))
    ran = shell.run("watch", "slow", "--follow", "--timeout", "500ms", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["state"]) == (6, "watching")
    assert "The watch continues: rally-bridge follow wat_" in ran.stderr


def test_an_import_that_rally_does_not_know_is_told_at_once(shell: Shell) -> None:
    watch = shell.json("watch", "unknown-to-rally")
    wait_for(lambda: shell.json("show", watch["id"])["lastPoll"], "the first poll")
    ran = shell.run("follow", watch["id"], "--timeout", "100ms")
    assert ran.returncode == 6
    assert "404: Rally knows no such import yet; the watch ends as not_found at " in ran.stdout
    assert "  lastPoll      404: Rally knows no such import yet" in shell.run("show", watch["id"]).stdout


def test_an_interrupt_leaves_the_watch_and_prints_how_to_show_it(shell: Shell) -> None:
    shell.bridge.set_import("interrupted", ("UPLOADING", 0), ("COMPLETED", 600))
    following = shell.start("watch", "interrupted", "--follow")
    assert following.stdout is not None
    following.stdout.readline()
    following.stdout.readline()
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=10)
    (watch,) = shell.json("list", "--import", "interrupted")
    assert (following.returncode, watch["state"]) == (130, "watching")
    assert said == f"The watch continues: rally-bridge follow {watch['id']}\n"


def test_a_call_that_fails_meanwhile_leaves_the_watch_and_prints_how_to_follow_it(shell: Shell) -> None:
    refusal = Prepared(b'{"title": "The API key is invalid", "code": "invalid_api_key"}', status=401)
    with answering(Prepared(json.dumps(WATCH).encode()), refusal) as url:
        ran = shell.run("follow", "wat_1", "--url", url)
    assert ran.returncode == 1
    continues, reason = ran.stderr.splitlines()
    assert continues == "The watch continues: rally-bridge follow wat_1"
    assert reason.startswith("The API key is invalid. Set RALLY_BRIDGE_KEY")


def test_an_outage_of_the_bridge_is_told_once_while_it_is_retried(shell: Shell) -> None:
    busy = Prepared(b'{"title": "Temporarily unavailable", "code": "service_unavailable"}', status=503)
    with answering(Prepared(json.dumps(WATCH).encode()), busy, busy, Prepared(json.dumps(ENDED).encode())) as url:
        ran = shell.run("follow", "wat_1", "--url", url)
    assert ran.returncode == 0
    assert ran.stderr == "Temporarily unavailable. Trying again.\n"


def test_a_later_outage_is_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 5.0, 10.0, 40.0])
    report = outage_reports(lambda: next(times))
    for words in ("one", "one", "one", "two"):
        report(Unavailable(f"{words}.\n  more"), 1.0)
    assert capsys.readouterr().err == "one. Trying again.\ntwo. Trying again.\n"


def test_an_interrupted_command_says_nothing_and_has_the_same_exit_code(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asking = shell.start("list", RALLY_BRIDGE_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        silent.settimeout(20)
        accepted, _ = silent.accept()
        asking.send_signal(signal.SIGINT)
        assert (asking.communicate(timeout=10), asking.returncode) == (("", ""), 130)
        accepted.close()


def test_a_terminal_shows_one_live_line_and_the_id_before_it(shell: Shell) -> None:
    shell.bridge.set_import("live", ("UPLOADING", 0), ("COMPLETED", 0.4))
    ran = shell.at_terminal("watch", "live", "--follow", columns=120)
    assert ran.returncode == 0
    assert ran.stdout.startswith("wat_")
    assert "\x1b[" in ran.stdout
    plain = shell.at_terminal("watch", "live", "--follow", columns=120, NO_COLOR="1")
    assert "\x1b[3" not in plain.stdout, "a colour, although NO_COLOR is set"
    dumb = shell.at_terminal("watch", "live", "--follow", columns=120, TERM="dumb")
    assert "\x1b" not in dumb.stdout
