"""The commands for people, as somebody at a terminal or in a script has them: real processes around a sandbox."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from rich.console import Console

from bridge.cli import rendering
from bridge.client import Watch
from tests.support.command_line import run_here
from tests.support.played_calls import ENDED, READING
from tests.support.processes import Journey, free_ports, up


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    with up(tmp_path_factory.mktemp("people") / "data", free_ports(), POLL_FLOOR="200ms") as journey:
        yield journey


def tell(journey: Journey, import_id: str, *statuses: tuple[str, float], failed: int = 0) -> None:
    story = {"type": "CSV", "people": 120, "failed": failed}
    steps = [{"status": status, "after": after} for status, after in statuses]
    url = f"http://127.0.0.1:{journey.port + 1}/control/imports/{import_id}"
    journey.http.put(url, json={**story, "statuses": steps}).raise_for_status()


def environment(journey: Journey, key: str | None, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "RALLY_BRIDGE_URL": f"http://127.0.0.1:{journey.port}",
        "RALLY_BRIDGE_KEY": journey.key if key is None else key,
        "COLUMNS": "200",
        **more,
    }


def start(journey: Journey, *arguments: str, key: str | None = None, **more: str) -> "subprocess.Popen[str]":
    command, env = [sys.executable, "-m", "bridge.cli", *arguments], environment(journey, key, **more)
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(journey: Journey, *arguments: str, key: str | None = None, **more: str) -> "subprocess.CompletedProcess[str]":
    return run_here(*arguments, env=environment(journey, key, **more), cwd=journey.data.parent)


def run_as_process(journey: Journey, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run what depends on how Python itself starts."""
    running = start(journey, *arguments, **more)
    stdout, stderr = running.communicate(timeout=60)
    return subprocess.CompletedProcess(running.args, running.returncode, stdout, stderr)


def as_json(journey: Journey, *arguments: str) -> Any:
    ran = run(journey, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("status", "failed", "exit_code", "outcome"),
    [("COMPLETED", 0, 0, "completed"), ("COMPLETED", 2, 3, "completed with failures"), ("ERROR", 0, 4, "failed")],
)
def test_following_prints_progress_and_exits_by_the_outcome(
    journey: Journey, status: str, failed: int, exit_code: int, outcome: str
) -> None:
    import_id = f"follow-{exit_code}"
    tell(journey, import_id, ("UPLOADING", 0), (status, 1), failed=failed)
    ran = run(journey, "watch", import_id, "--label", "Q4 panel", "--follow")
    assert ran.returncode == exit_code, ran.stderr
    first, *_, last = ran.stdout.splitlines()
    assert "… watching  Q4 panel" in first
    assert f"{outcome}  Q4 panel  {status}" in last


def test_following_for_programs_prints_the_end_as_json_alone(journey: Journey) -> None:
    tell(journey, "for-programs", ("UPLOADING", 0), ("COMPLETED", 1))
    ran = run(journey, "watch", "for-programs", "--follow", "--json")
    assert json.loads(ran.stdout)["outcome"] == "completed"


def test_following_no_longer_than_asked_leaves_the_watch(journey: Journey) -> None:
    tell(journey, "slow", ("UPLOADING", 0), ("COMPLETED", 600))
    ran = run(journey, "watch", "slow", "--follow", "--timeout", "1s", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["state"]) == (5, "watching")
    assert "The watch continues: rally-bridge show wat_" in ran.stderr


def test_an_interrupt_leaves_the_watch_and_says_where_it_is(journey: Journey) -> None:
    tell(journey, "interrupted", ("UPLOADING", 0), ("COMPLETED", 600))
    following = start(journey, "watch", "interrupted", "--follow")
    assert following.stdout is not None
    following.stdout.readline()
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=10)
    (watch,) = as_json(journey, "list", "--import", "interrupted")
    assert (following.returncode, watch["state"]) == (130, "watching")
    assert said == f"The watch continues: rally-bridge show {watch['id']}\n"


WATCH = Watch.of(
    {
        **ENDED,
        "id": "wat_01m89c72e5nz8x4d5w0q9k7h2v",
        "importId": "cm1uwhduy001vle4gr4soyqkq",
        "outcome": "completed_with_failures",
        "label": "A label of some length",
        "createdAt": "2026-11-24T09:30:00Z",
        "settledAt": "2026-11-24T09:30:09Z",
        "import": {**READING, "personCount": 117, "failedRecordCount": 3},
    }
)


def test_an_id_is_listed_whole_at_any_terminal() -> None:
    console = Console(width=80, force_terminal=True, no_color=True)
    with console.capture() as printed:
        console.print(rendering.table([WATCH]))
    assert WATCH.id in printed.get()


def test_the_clock_of_what_has_ended_stands_still() -> None:
    assert rendering.line(WATCH, datetime(2027, 1, 1, tzinfo=UTC)).plain.endswith("0:00:09")


def test_every_option_reaches_the_bridge(journey: Journey) -> None:
    inbox = f"http://127.0.0.1:{journey.port + 1}/inbox"
    places = ["--callback", f"{inbox}/callbacks/a", "--slack-webhook", f"{inbox}/services/T000/B000/XXXX"]
    facts = ["--metadata", "ticket=RES-12", "--expires-in", "2h", "--on", "failed", "--slack", "C0123ABCD"]
    tell(journey, "wishes", ("UPLOADING", 0), ("ERROR", 2))
    watch = as_json(journey, "watch", "wishes", *places, *facts)
    assert watch["metadata"] == {"ticket": "RES-12"}
    assert watch["createdAt"] < watch["expiresAt"]
    assert run(journey, "watch", "wishes", "--follow").returncode == 4
    seen = as_json(journey, "show", watch["id"])
    assert [each["type"] for each in seen["deliveries"]] == ["slack", "slack_webhook", "callback"]


def test_a_watch_is_listed_shown_and_cancelled(journey: Journey) -> None:
    tell(journey, "kept", ("UPLOADING", 0), ("COMPLETED", 600))
    watch = as_json(journey, "watch", "kept")
    assert watch["id"] in [each["id"] for each in as_json(journey, "list", "--state", "watching")]
    assert [each["id"] for each in as_json(journey, "list", "--import", "kept", "--limit", "1")] == [watch["id"]]
    assert watch["id"] in run(journey, "list", "--import", "kept").stdout
    assert "kept" in run(journey, "show", watch["id"]).stdout
    assert as_json(journey, "cancel", watch["id"])["state"] == "cancelled"
    assert as_json(journey, "cancel", watch["id"])["state"] == "cancelled"


def test_what_has_settled_is_not_cancelled(journey: Journey) -> None:
    tell(journey, "settled", ("COMPLETED", 0))
    run(journey, "watch", "settled", "--follow")
    (watch,) = as_json(journey, "list", "--import", "settled")

    late = run(journey, "cancel", watch["id"])

    assert (late.returncode, late.stderr) == (1, "The watch is already settled. GET the watch for its outcome.\n")


def test_a_delivery_is_shown_with_its_attempts_and_sent_again(journey: Journey) -> None:
    tell(journey, "told", ("COMPLETED", 0))
    callback = f"http://127.0.0.1:{journey.port + 1}/inbox/callbacks/told"
    run(journey, "watch", "told", "--callback", callback, "--follow")
    (watch,) = as_json(journey, "list", "--import", "told")
    delivery = watch["deliveries"][0]["id"]
    for _ in range(50):
        if as_json(journey, "show", delivery)["state"] == "delivered":
            break
    assert "1. " in run(journey, "show", delivery).stdout
    nothing = run(journey, "redeliver", watch["id"])
    assert (nothing.returncode, "No delivery of" in nothing.stderr) == (1, True)
    assert [each["id"] for each in as_json(journey, "redeliver", delivery)] == [delivery]
    assert as_json(journey, "redeliver", "--since", "2026-01-01")["redelivered"] >= 0


NO_TEXT = "\udcff"
"""The byte 0xff, as Python has it in an argument."""


@pytest.mark.parametrize(
    ("arguments", "key", "exit_code", "words"),
    [
        (["show", "wat_0"], None, 1, "Watch not found."),
        (["list"], "rbk_wrong", 1, "The API key is invalid."),
        (["list"], "", 1, "There is no API key"),
        (["watch", "x", "--callback", "http://10.0.0.1/"], None, 1, "/notify/0/url: "),
        (["watch", "x", "--expires-in", "soon"], None, 2, "is not a duration"),
        (["watch", "x", "--metadata", "ticket"], None, 2, "is not name=value"),
        (["watch", "x", "--timeout", "3s"], None, 2, "--timeout needs --follow"),
        (
            ["show", "wat_0", "--url", "http://127.0.0.1:1"],
            None,
            1,
            "No answer from http://127.0.0.1:1: the connection was refused",
        ),
        (["show", "wat_0", "--url", "nonsense"], None, 1, "nonsense can't be used: a bridge's URL is like"),
        (["redeliver"], None, 2, "Pass either an ID or --since"),
        (["list", "--url", "http://127.0.0.1:1x"], None, 1, "can't be used"),
        (["list", "--url", f"http://{'a' * 64}.example"], None, 1, "its URL or a header is not valid"),
        (["watch", NO_TEXT], None, 2, "Argument 2 is not text"),
        (["watch", "x", "--label", NO_TEXT], None, 2, "Argument 4 is not text"),
        (["list", f"--import={NO_TEXT}"], None, 2, "Argument 2 is not text"),
        (["watch", "x", "--on", "failed"], None, 2, "--on needs a destination"),
        (["redeliver", "--since", "0001-01-01"], None, 2, "'0001-01-01' is too far away"),
    ],
)
def test_errors_are_sentences(
    journey: Journey, arguments: list[str], key: str | None, exit_code: int, words: str
) -> None:
    ran = run(journey, *arguments, key=key)
    assert (ran.returncode, ran.stdout) == (exit_code, "")
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ALL_PROXY", "socks5://user:secret@127.0.0.1:1", "The proxy socks5://127.0.0.1:1 can't be used: "),
        ("HTTPS_PROXY", "foo://x", "The proxy that the environment names"),
        ("HTTPS_PROXY", "http://user:secret@127.0.0.1:1", "through the proxy http://127.0.0.1:1: the connection was"),
        ("SSL_CERT_FILE", "/nowhere", "The certificates that the environment names"),
    ],
)
def test_surroundings_that_allow_no_connection_are_said_in_a_sentence(
    journey: Journey, name: str, value: str, words: str
) -> None:
    ran = run(journey, "list", "--url", "https://bridge.invalid", **{name: value})
    assert (ran.returncode, ran.stdout) == (1, "")
    assert words in ran.stderr
    assert "secret" not in ran.stderr
    assert "Traceback" not in ran.stderr


@contextmanager
def foreign(body: bytes, status: int = 200, **headers: str) -> Iterator[str]:
    """Serve an answer that no bridge gives, whatever is asked; gives the URL."""

    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Foreign) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


LONELY = {**WATCH.document, "label": "\ud800", "import": {**READING, "personCount": "many"}}


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (422, b'{"errors": ["bad"]}', "answered HTTP 422, which we can't read."),
        (422, b'{"errors": {"id": [1]}}', "answered HTTP 422, which we can't read."),
        (422, b'{"title": 7, "detail": []}', "answered HTTP 422, which we can't read."),
        (200, b"[" * 100_000, "answered HTTP 200, which we can't read."),
        (200, b'{"data": [{"id": 1}], "nextCursor": null}', "answered HTTP 200, which we can't read."),
        (200, b'{"data": 7, "nextCursor": null}', "answered HTTP 200, which we can't read."),
        (200, json.dumps({"data": [LONELY], "nextCursor": None}).encode(), "Unexpected error: ValueError, at "),
    ],
)
def test_what_a_foreign_server_answers_is_said_in_a_sentence(
    journey: Journey, status: int, body: bytes, words: str
) -> None:
    with foreign(body, status) as url:
        ran = run(journey, "list", "--url", url)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_answer_that_is_not_as_compressed_as_it_says_is_said_in_a_sentence(journey: Journey) -> None:
    with foreign(b"no gzip", Content_Encoding="gzip") as url:
        ran = run(journey, "list", "--url", url)
    assert (ran.returncode, ran.stderr) == (1, f"No answer from {url}: the answer is not compressed as it says.\n")


def test_where_a_character_can_not_be_printed_a_sign_stands_for_it(journey: Journey) -> None:
    tell(journey, "ascii", ("UPLOADING", 0), ("COMPLETED", 600))
    ran = run_as_process(journey, "watch", "ascii", "--label", "Pänel", PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "? watching  P?nel" in ran.stdout


def test_json_is_whole_where_a_character_can_not_be_printed(journey: Journey) -> None:
    ran = run_as_process(
        journey, "watch", "ascii", "--label", "Pänel", "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="1"
    )
    assert json.loads(ran.stdout)["label"] == "Pänel"


def test_a_key_is_read_from_the_file_that_is_named(journey: Journey, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{journey.key}\n")
    assert run(journey, "list", "--json", key="", RALLY_BRIDGE_KEY_FILE=str(file)).returncode == 0
    file.write_bytes(b"\xff")
    for name, why in ((file, "UnicodeDecodeError"), (tmp_path / "none", "FileNotFoundError")):
        ran = run(journey, "list", key="", RALLY_BRIDGE_KEY_FILE=str(name))
        assert (ran.returncode, ran.stderr) == (1, f"RALLY_BRIDGE_KEY_FILE: '{name}' can't be read ({why}).\n")


def test_it_prints_its_version(journey: Journey) -> None:
    assert run(journey, "--version").stdout == f"rally-bridge, version {version('rally-bridge')}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_our_commands(journey: Journey, shell: str) -> None:
    assert "_RALLY_BRIDGE_COMPLETE" in run(journey, "completion", shell).stdout
