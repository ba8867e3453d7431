"""The log of a test's process: structlog's default, but without Rich's tracebacks, which take 20 ms each."""

import structlog


def use_plain_log() -> None:
    """Print events to stdout, which pytest shows if the test fails."""
    structlog.reset_defaults()
    *processors, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*processors, renderer])
