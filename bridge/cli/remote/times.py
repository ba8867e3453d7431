"""Durations and moments as the commands print them, in the time zone of this machine."""

from datetime import datetime, timedelta


def elapsed(span: timedelta) -> str:
    """Format a duration: `0:01:05`."""
    seconds = max(0, int(span.total_seconds()))
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def local_time(moment: datetime) -> str:
    """Format a moment in the time zone of this machine: `2026-11-24 10:30:00 CET`."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def local_minute(moment: datetime) -> str:
    """Format a moment in the time zone of this machine, for a column of them: `2026-11-24 10:30`."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
