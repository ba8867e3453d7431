"""The tables that a run prints: breaches, counts and recovery times."""

from rich.console import Console
from rich.table import Table

from .checker import Verdict
from .history import History
from .recovery import recoveries

EXAMPLES = 5
TITLE = "From each fault's end to the next success (unseen: the next fault came first)"


def show(history: History, verdict: Verdict, console: Console) -> None:
    console.print(_promises(verdict), _counts(verdict), _recoveries(history))
    for death in history.deaths:
        console.print(f"{death.target} ended by itself at {death.at:.2f}, exit code {death.code}", highlight=False)
    for name, breaches in verdict.breaches.items():
        for breach in breaches[:EXAMPLES]:
            console.print(f"{name}: {breach}", style="red", highlight=False, markup=False)


def _promises(verdict: Verdict) -> Table:
    table = Table("must be 0", "found", title="Promises")
    for name, breaches in verdict.breaches.items():
        table.add_row(name, str(len(breaches)), style="red" if breaches else None)
    return table


def _counts(verdict: Verdict) -> Table:
    table = Table("counted", "", title="Counts")
    for name, count in verdict.counts.items():
        table.add_row(name, str(count))
    return table


def _recoveries(history: History) -> Table:
    table = Table(
        "fault",
        "times",
        "p50 s",
        "p99 s",
        "unseen",
        title=TITLE,
    )
    for each in recoveries(history):
        unseen = sum(took is None for took in each.seconds)
        table.add_row(
            each.kind,
            str(len(each.seconds)),
            _figure(each.percentile(0.5)),
            _figure(each.percentile(0.99)),
            str(unseen),
        )
    return table


def _figure(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"
