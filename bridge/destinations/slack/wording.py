"""Counts, spans and times as a Slack message shows them."""

from datetime import UTC, datetime

from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Moment, Span


def pluralized(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st and so on."""
    teen = number % 100 // 10 == 1
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def humanized(span: Span) -> str:
    """Return a span in words, in a suitable unit."""
    for unit, name, up_to in ((SECOND, "s", 90 * SECOND), (MINUTE, "min", 90 * MINUTE), (HOUR, "h", 2 * DAY)):
        if span < up_to:
            return f"about {max(1, round(span / unit))} {name}"
    return f"about {round(span / DAY)} days"


def local_time(moment: Moment) -> str:
    """Format a moment so that Slack shows it in each reader's time zone."""
    fallback = datetime.fromtimestamp(moment / SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{moment // SECOND}^{{date_short_pretty}} {{time}}|{fallback}>"
