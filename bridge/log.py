"""The log: one JSON object per line on standard output, with an event name and fields, and without secrets.

Our own code can't log a secret, because `Secret` doesn't print its value. As a safety net, the last processor redacts
what other libraries may log: a URL in an exception, an e-mail address in a traceback.
"""

import logging
import math
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from platform import node
from time import monotonic
from typing import Any, TextIO

import structlog

from bridge.version import VERSION

NOISY = ("httpx", "httpcore", "arq.worker", "arq.jobs", "arq.connections", "asyncio")
"""Loggers that log URLs or job arguments or repeat themselves: only their warnings are logged."""
LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "arq", *NOISY)
"""Loggers whose own configuration is replaced."""

REPEATED_AFTER = 60.0
"""Seconds after which the same warning of uvicorn is logged again."""

_SECRETS = re.compile(
    r"""(?P<slack>hooks\.slack(?:-gov)?\.com/services/)\S+
    |(?P<token>xox[a-z]-|whsec_|whsk_|rbk_)[\w+/=-]+
    |(?P<bearer>[Bb]earer\s+)[^\s'"]+
    |(?<!\w)(?P<userinfo>\w++://)[^\s/@'"]*@""",
    re.VERBOSE,
)
_EMAILS = re.compile(r"(?<![\w.+-])(?P<first>[\w.+-])[\w.+-]*+@(?=[\w-]+\.[\w.-]+)")
"""The lookbehind and the possessive quantifier keep the time linear in the length of the text."""

_PATHS = re.compile(r"(?P<origin>https?://[^\s/?#'\"<>]+[/?])(?!(?:services/)?(?:…|•••))[^\s'\"<>]+")
"""The path of a URL, which may be a destination's secret; URLs that we have shortened are left as they are."""

_HINTS = re.compile(r"@|http|hooks\.slack|xox|whsec_|whsk_|rbk_|earer")
"""What every match of the patterns contains; searching for it first is much cheaper."""


class OncePerMinute(logging.Filter):
    """Passes each warning once a minute, because a peer can make uvicorn warn at every request."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        now = monotonic()
        passes = now - self._passed.get(record.msg, -math.inf) >= REPEATED_AFTER
        if passes:
            self._passed[record.msg] = now
        return passes


class Lines:
    """Writes our own events, one line each. The standard library's records would take twice as long.

    Like its handlers, it ignores what happens to the output: a full disk must not fail the work that is logged.
    """

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):  # ValueError: the output was closed
            self._output.write(f"{line}\n")
            self._output.flush()

    debug = info = warning = error = critical = msg


def configure(level: str, process: str, stream: TextIO | None = None) -> None:
    """Log everything, including uvicorn's, arq's and asyncio's records, to standard output as JSON.

    Each line names the process, which is `api` or `worker`, its host and its version.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _origin(process),
    ]
    rendering: list[Any] = [redact, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[*shared, *rendering],
        logger_factory=lambda *_: Lines(stream or sys.stdout),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=stream is None,  # tests pass a stream and configure again
    )
    output = logging.StreamHandler(stream or sys.stdout)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _rename_event],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(level)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.filters = [OncePerMinute()] if name == "uvicorn.error" else []
        logger.propagate = True
        logger.setLevel(logging.WARNING if name in NOISY or name == "uvicorn.access" else logging.NOTSET)


def _origin(process: str) -> structlog.typing.Processor:
    """Return the processor that adds where a line comes from."""
    facts = {"process": process, "host": node(), "version": VERSION}

    def add(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {**entry, **facts}

    return add


def last_words(process: str, error: Exception, *, expected: bool) -> None:
    """Log why a process ends, as its last line; not at a terminal, where a person reads the sentence on stderr.

    Of an `expected` error only the message is logged, of others the traceback as well.
    """
    if not sys.stdout.isatty():
        configure("INFO", process)
        structlog.get_logger().error("process.failed", error=str(error), exc_info=None if expected else error)


def _rename_event(logger: Any, _: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Set an event name on records of other libraries, and keep their text as a field."""
    entry["text"] = entry["event"]
    entry["event"] = f"log.{logger.name if logger else entry['_record'].name}"
    return entry


def redact(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Redact everything that looks like a secret or an e-mail address."""
    return {name: _redacted(value) for name, value in entry.items()}


def _shortened(match: re.Match[str]) -> str:
    return f"{match.group(match.lastgroup or 0)}•••"


def _redacted(value: Any) -> Any:
    match value:
        case str() if _HINTS.search(value) is None:
            return value
        case str():
            without_secrets = _PATHS.sub(r"\g<origin>•••", _SECRETS.sub(_shortened, value))
            return _EMAILS.sub(r"\g<first>•••", without_secrets)
        case dict():
            return {name: _redacted(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_redacted(inner) for inner in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return _redacted(str(value))
