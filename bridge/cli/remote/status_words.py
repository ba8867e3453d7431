"""The status of watches and deliveries in words: what they wait for, what the last poll found, what was delivered."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from rich.text import Text

from bridge.cli.remote.printable import printable
from bridge.cli.remote.times import elapsed, local_time
from bridge.client import Delivery, FailedRecord, LastPoll, WaitingFor, Watch, WatchedDestination
from bridge.domain.outcomes import Outcome
from bridge.domain.watches import WatchState

WARNING = ("!", "yellow")
SIGNS: Mapping[str, tuple[str, str]] = {
    WatchState.WATCHING: ("…", "cyan"),
    Outcome.COMPLETED: ("✓", "green"),
    Outcome.COMPLETED_WITH_FAILURES: WARNING,
    Outcome.FAILED: ("✗", "red"),
    WatchState.CANCELLED: ("-", "dim"),
}
"""A sign and a colour for each state and outcome; the words follow, so nothing depends on the colour."""
UNUSUAL_WAITS: Mapping[str, str] = {
    "budget": "waits for the rate limit",
    "rally_pause": "waits for the rate limit",
    "rally_down": "Rally is down",
    "key_refused": "key refused",
    "imports_vanished": "Rally shows no imports",
    "workspace_unknown": "workspace unknown",
    "no_worker": "no worker",
    "replicas": "waits for replicas of Redis",
    "redis_full": "Redis is full",
    "retry": "not delivered yet",
    "retry_after": "not delivered yet",
    "digest": "waits for a digest",
}
"""What a watch waits for, in a word or two, where that is not what usually comes next."""
LATE = timedelta(seconds=15)
"""How long a poll may be due before it is called overdue: longer than Rally takes to answer."""
_SAID_BY_THE_REASON = frozenset({"key_refused", "imports_vanished", "rally_down"})
"""The waits that the reason of an open watch is about."""
_UNKNOWN_STATUS = ("?", "magenta")


def status_words(watch: Watch) -> str:
    """Return the outcome of a watch, or else its state, in words, and whether a message was abandoned."""
    words = (watch.outcome or watch.state).replace("_", " ")
    return f"{words}, not delivered" if _is_abandoned(watch) else words


def _is_abandoned(watch: Watch) -> bool:
    return any(each.state == "abandoned" for each in watch.deliveries)


def styled_status(watch: Watch) -> Text:
    is_well = not watch.warning and not (watch.outcome == "completed" and _is_abandoned(watch))
    sign, style = SIGNS.get(watch.outcome or watch.state, _UNKNOWN_STATUS) if is_well else WARNING
    return Text(f"{sign} {status_words(watch)}", style=style)


def listed_status(watch: Watch) -> Text:
    """Return the status as in a list, with what is unusual about what the watch waits for."""
    unusual = None if watch.waiting_for is None else UNUSUAL_WAITS.get(watch.waiting_for.reason)
    status = styled_status(watch)
    return status if unusual is None or _is_abandoned(watch) else status.append(f", {unusual}")


def people_words(watch: Watch) -> str:
    return "? people" if watch.people is None else f"{watch.people:,} people"


def watch_line(watch: Watch, now: datetime) -> Text:
    """Return one line with the progress of an import, or with its end."""
    label, facts = watch.label or watch.import_id, " · ".join(_facts(watch, now))
    return Text.assemble(styled_status(watch), "  ", printable(label), "  ", printable(facts))


def _facts(watch: Watch, now: datetime) -> Iterator[str]:
    if watch.status:
        yield watch.status
        yield people_words(watch) + ("" if watch.ended else " so far")
    if watch.failed_record_count:
        yield f"{watch.failed_record_count:,} failed"
    yield elapsed((watch.settled_at or now) - watch.created_at)
    if meaning := poll_words(watch):
        yield meaning
    elif not watch.status and not watch.ended:
        yield "not read yet"
    if not watch.ended:
        yield from _poll_wait_words(watch, now)
    if watch.warning:
        yield watch.warning
    if watch.reason:
        yield watch.reason


def _poll_wait_words(watch: Watch, now: datetime) -> Iterator[str]:
    """Yield what an open watch waits for: the next poll, and why it is delayed, unless the reason says that."""
    waiting = watch.waiting_for
    if waiting is not None and waiting.reason not in {"next_poll", *_SAID_BY_THE_REASON}:
        yield waiting.detail
    if watch.next_poll_at is not None:
        yield _next_poll_words(watch.next_poll_at - now)


def waiting_words(waiting: WaitingFor) -> str:
    """Return what a watch waits for, with its times."""
    since = "" if waiting.since is None else f"; since {local_time(waiting.since)}"
    until = "" if waiting.until is None else f"; until {local_time(waiting.until)}"
    return f"{waiting.detail}{since}{until}"


def _next_poll_words(left: timedelta) -> str:
    """Return when the next poll is; a late one may mean that no worker runs, or that the bridge can't be reached."""
    seconds = round(left.total_seconds())
    if seconds > 0:
        return f"next poll in {seconds} s"
    return "polling now" if -left < LATE else f"poll overdue by {elapsed(-left)}"


def failed_record_words(watch: Watch, most: int) -> Iterator[str]:
    """Yield the person's id and e-mail address of each failed record, then the number of those beyond `most`."""
    shown = watch.failed_records[:most]
    for record in shown:
        yield record_words(record) or "without id and e-mail address"
    if shown and (more := watch.failed_record_count - len(shown)) > 0:
        yield f"and {more:,} more: rally-bridge failed-records {watch.id}"


def record_words(record: FailedRecord) -> str:
    """Return the id and the e-mail address of a failed record."""
    return " ".join(filter(None, (record.person_id, record.email)))


def poll_words(watch: Watch) -> str:
    """Return what the last poll found; nothing if it read the import, because the status is shown anyway."""
    last = watch.last_poll
    return "" if last is None or watch.ended or last.status == HTTPStatus.OK else last_poll_words(last)


def last_poll_words(last: LastPoll) -> str:
    return last.meaning if last.status is None else f"{last.status}: {last.meaning}"


def destination_line(destination: WatchedDestination) -> str:
    """Return one line: the destination of an open watch, and the outcomes that it receives."""
    on = destination.on if isinstance(destination.on, str) else ", ".join(destination.on)
    return printable(f"{_place(destination)}  on {on}")


def delivery_line(delivery: Delivery, now: datetime) -> str:
    """Return one line: which delivery, to where, and what became of it."""
    fate = "; ".join(_fate(delivery, now))
    return printable(f"{delivery.id}  {_place(delivery)}  {fate}")


def _place(destination: WatchedDestination | Delivery) -> str:
    """Return where messages go; of a URL, whose path is not shown, also the fingerprint."""
    is_url = destination.type in {"slack_webhook", "callback"}
    fingerprint = f" ({destination.fingerprint})" if is_url and destination.fingerprint else ""
    return f"{destination.type} {destination.destination}{fingerprint}"


def _fate(delivery: Delivery, now: datetime) -> Iterator[str]:
    """Yield what became of a delivery: its state and why, and when it is tried again."""
    reason = f": {delivery.last_reason}" if delivery.last_reason else ""
    match delivery.state:
        case "pending" if delivery.attempts:
            yield f"retrying{_until(delivery)}{reason}"
            if (at := delivery.next_attempt_at) is not None:
                yield f"next attempt in {elapsed(at - now)}" if at > now else "next attempt now"
        case "pending":
            yield f"not sent yet{reason}"
        case "skipped":
            yield f"skipped{reason}"
        case state:
            yield f"{state}{reason}"


def _until(delivery: Delivery) -> str:
    return "" if delivery.retries_until is None else f" until {local_time(delivery.retries_until)}"
