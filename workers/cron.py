"""How often arq's cron runs the jobs. `bridge.queue` keeps them on schedule after the clock was set back."""

PERIOD = 5
"""Seconds between two cron runs of each job."""
EVERY_PERIOD = frozenset(range(0, 60, PERIOD))
"""The seconds of a minute at which cron runs each job."""
