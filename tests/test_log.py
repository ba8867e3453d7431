"""The log: one JSON object per line from every library, without secrets."""

import io
import json
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bridge import log
from bridge.errors import SettingsError
from bridge.version import VERSION
from tests.support.plain_log import use_plain_log
from tests.support.samples import only


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO) -> Iterator[Any]:
    """Configure the log, and yield a function that reads the logged lines."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    log.configure("INFO", "api", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before
    use_plain_log()


def test_a_line_is_an_event_with_facts_and_what_is_bound(lines: Any) -> None:
    with structlog.contextvars.bound_contextvars(watch_id="wat_1"):
        structlog.get_logger().info("watch.settled", outcome="completed")

    line = only(lines())
    assert (line["event"], line["outcome"], line["watch_id"], line["level"]) == (
        "watch.settled",
        "completed",
        "wat_1",
        "info",
    )
    assert line["timestamp"].endswith("Z")


def test_other_libraries_speak_json_too_and_less(lines: Any) -> None:
    logging.getLogger("uvicorn.error").info("Started")
    logging.getLogger("httpx").info("HTTP Request: POST https://hooks.slack.com/services/T/B/hunter2")
    logging.getLogger("arq.worker").info("poll_shift()")
    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("arq.worker").warning("a warning")

    assert [line["event"] for line in lines()] == ["log.uvicorn.error", "log.arq.worker"]


def test_what_any_peer_can_have_the_server_warn_of_is_told_once_in_a_while(lines: Any) -> None:
    for _ in range(100):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    logging.getLogger("uvicorn.error").warning("Unsupported upgrade request.")

    assert [line["level"] for line in lines()].count("warning") == 2
    assert len(lines()) == 102


@pytest.mark.parametrize(
    "text",
    [
        "https://hooks.slack.com/services/T000/B000/hunter2",
        "https://hooks.slack-gov.com/services/T000/B000/hunter2",
        "xoxb-hunter2-hunter2",
        "Authorization: Bearer hunter2",
        "whsec_hunter2==",
        "rbk_hunter2",
        "redis://:hunter2@localhost:6379/0",
        "redis://user:hunter2@localhost",
        "hunter2@example.com failed",
        "no answer from https://crm.example.com/hooks/hunter2?key=hunter2",
        "'http://user:hunter2@crm.example.com:8080/hunter2'",
        "https://crm.example.com?hunter2",
    ],
)
def test_what_looks_like_a_secret_is_struck_out_wherever_it_stands(lines: Any, text: str) -> None:
    structlog.get_logger().info("a.fact", text=text, nested={"in": [text]})
    structlog.get_logger().error("a.fault", exc_info=RuntimeError(text))
    logging.getLogger("anyone").warning("said %s", text)

    logged = json.dumps(lines(), ensure_ascii=False)
    assert logged.count("•••") >= 4
    assert "hunter2" not in logged


def test_configuring_again_does_not_double_the_lines(lines: Any, stream: io.StringIO) -> None:
    log.configure("INFO", "api", stream)
    log.configure("INFO", "api", stream)
    structlog.get_logger().info("once")

    assert [line["event"] for line in lines()] == ["once"]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000 + " @",
        "x" * 200_000 + "://@ xox",
        "a@" * 100_000,
        "a@" + "b" * 200_000,
        "x://" * 50_000 + "@",
        "Bearer" + " " * 200_000 + "'",
        "Bearer " * 30_000,
        ".+-" * 70_000 + "@",
        "hooks.slack.com/services/" * 8_000,
        "http://" * 30_000,
        "https://a" * 30_000,
    ],
    ids=lambda text: f"{text[:12]}…",
)
def test_a_long_text_is_struck_out_in_linear_time(text: str) -> None:
    """With quadratic time this would take minutes."""
    assert len(text) > 100_000
    assert log.redact(None, "", {"text": text})["text"]


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("to ada@example.com.", "to a•••example.com."),
        ("ada.l+x@example.com,bob@example.org", "a•••example.com,b•••example.org"),
        ("<ada@example.com>", "<a•••example.com>"),
        ("rbk_secret.ada@example.com", "rbk_•••.•••example.com"),
        ("redis://user:pw@host/0", "redis://•••host/0"),
        ("a rediss://:pw@host", "a rediss://•••host"),
        ("é@example.com", "é•••example.com"),
        ("nobody@localhost", "nobody@localhost"),
        (
            "<a href='https://x.example/a?b'>https://x.example</a>",
            "<a href='https://x.example/•••'>https://x.example</a>",
        ),
        ("to https://crm.example.com/…", "to https://crm.example.com/…"),
        ("to https://hooks.slack.com/services/…", "to https://hooks.slack.com/services/•••"),
    ],
)
def test_an_address_is_masked_and_what_surrounds_it_stays(text: str, logged: str) -> None:
    assert log.redact(None, "", {"text": text})["text"] == logged


class FullDisk(io.StringIO):
    """An output that cannot be written."""

    def write(self, _: str) -> int:
        raise OSError("No space left on device")


@pytest.mark.usefixtures("lines")
def test_an_output_that_fails_does_not_fail_what_is_logged(stream: io.StringIO) -> None:
    log.configure("INFO", "api", FullDisk())
    structlog.get_logger().info("watch.settled", outcome="completed")

    stream.close()
    log.configure("INFO", "api", stream)
    structlog.get_logger().info("watch.settled", outcome="completed")


def test_each_line_names_its_process_host_and_version(lines: Any) -> None:
    structlog.get_logger().info("watch.settled")
    logging.getLogger("arq.worker").warning("a warning")

    origins = [(line["process"], line["host"], line["version"]) for line in lines()]
    assert origins == [("api", socket.gethostname(), VERSION)] * 2


def test_the_last_words_of_a_process_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        log.last_words("worker", SettingsError(["one problem", "another"]), expected=True)
        log.last_words("worker", ZeroDivisionError("no"), expected=False)
    finally:
        use_plain_log()
        logging.getLogger().handlers = []
    words, bug = map(json.loads, capsys.readouterr().out.splitlines())

    assert (words["event"], words["level"], words["process"]) == ("process.failed", "error", "worker")
    assert words["error"] == "one problem\nanother"
    assert "exception" not in words
    assert "ZeroDivisionError" in bug["exception"]
