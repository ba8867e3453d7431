"""The log: a JSON object a line, whoever speaks; and nothing secret in it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from samples import only

from bridge import log


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO) -> Iterator[Any]:
    """Configure the log, and give a way to read what was logged."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    log.configure("INFO", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before
    structlog.reset_defaults()


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
    ],
)
def test_what_looks_like_a_secret_is_struck_out_wherever_it_stands(lines: Any, text: str) -> None:
    structlog.get_logger().info("a.fact", text=text, nested={"in": [text]})
    structlog.get_logger().error("a.fault", exc_info=RuntimeError(text))
    logging.getLogger("anyone").warning("said %s", text)

    told = json.dumps(lines(), ensure_ascii=False)
    assert told.count("•••") >= 4
    assert "hunter2" not in told


def test_configuring_again_does_not_double_the_lines(lines: Any, stream: io.StringIO) -> None:
    log.configure("INFO", stream)
    log.configure("INFO", stream)
    structlog.get_logger().info("once")

    assert [line["event"] for line in lines()] == ["once"]
