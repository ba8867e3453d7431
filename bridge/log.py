"""The log: one JSON object a line on standard output, an event name and facts; nothing in it that is secret.

No line is written with a secret in hand, since secrets are a type that does not print. What foreign code may say all
the same - a URL in an exception, an address in a traceback - is struck out by the last step as a safety net.
"""

import logging
import math
import re
import sys
from collections.abc import MutableMapping
from time import monotonic
from typing import Any, TextIO

import structlog

TAMED = ("httpx", "httpcore", "arq.worker", "arq.jobs", "arq.connections", "asyncio")
"""Loggers that print URLs or job arguments, or repeat themselves: only their warnings are of use."""
SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "arq", *TAMED)

MINUTE = 60.0

_SECRETS = re.compile(
    r"""(?P<slack>hooks\.slack(?:-gov)?\.com/services/)\S+
    |(?P<token>xox[a-z]-|whsec_|whsk_|rbk_)[\w+/=-]+
    |(?P<bearer>[Bb]earer\s+)[^\s'"]+
    |(?<!\w)(?P<userinfo>\w++://)[^\s/@'"]*@""",
    re.VERBOSE,
)
_EMAILS = re.compile(r"(?<![\w.+-])(?P<first>[\w.+-])[\w.+-]*+@(?=[\w-]+\.[\w.-]+)")
"""Tried only where such characters begin, and never shorter than they are, so that its time is linear in the text."""

_PATHS = re.compile(r"(?P<origin>https?://[^\s/?#'\"<>]+[/?])(?!(?:services/)?(?:…|•••))[^\s'\"<>]+")
"""What follows the host of a URL may be a destination's secret; as we shorten URLs ourselves, they stay."""

_HINTS = ("@", "http", "hooks.slack", "xox", "whsec_", "whsk_", "rbk_", "earer")
"""Every match of the patterns holds one of these, and looking for them is much cheaper."""


class OnceAMinute(logging.Filter):
    """Lets a warning pass once a minute: any peer can have uvicorn warn at each request."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        now = monotonic()
        passes = now - self._passed.get(record.msg, -math.inf) >= MINUTE
        if passes:
            self._passed[record.msg] = now
        return passes


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send everything, also what uvicorn, arq and asyncio say, to standard output as JSON; takes over their setups."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=stream is None,  # a process sets up its log once; whoever gives a stream, again
    )
    output = logging.StreamHandler(stream or sys.stdout)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _name_foreign],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(level)
    for name in SERVERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.filters = [OnceAMinute()] if name == "uvicorn.error" else []
        logger.propagate = True
        logger.setLevel(logging.WARNING if name in TAMED or name == "uvicorn.access" else logging.NOTSET)


def _name_foreign(logger: Any, _: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Give what other libraries log an event name of its own, their text as a fact."""
    entry["text"] = entry["event"]
    entry["event"] = f"log.{logger.name if logger else entry['_record'].name}"
    return entry


def redact(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Strike out what looks like a secret or an e-mail address, wherever it stands."""
    return {name: _struck(value) for name, value in entry.items()}


def _shortened(found: re.Match[str]) -> str:
    return f"{found.group(found.lastgroup or 0)}•••"


def _struck(value: Any) -> Any:
    match value:
        case str() if not any(hint in value for hint in _HINTS):
            return value
        case str():
            without_secrets = _PATHS.sub(r"\g<origin>•••", _SECRETS.sub(_shortened, value))
            return _EMAILS.sub(r"\g<first>•••", without_secrets)
        case dict():
            return {name: _struck(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_struck(inner) for inner in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return _struck(str(value))
