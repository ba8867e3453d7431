"""`why`: what happened to a watch, what it waits for and what to do, in sentences."""

from itertools import islice
from shlex import quote

import click
from rich.console import Console

from bridge.cli.console import CommandConsole
from bridge.cli.json_output import print_json
from bridge.cli.remote.completions import complete_watches
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.ids import is_delivery, is_watch
from bridge.cli.remote.printable import printable
from bridge.cli.remote.printing import print_line
from bridge.cli.remote.status_words import listed_status, waiting_words
from bridge.cli.remote.times import local_time
from bridge.client import Bridge, CallFailed, History, Watch

MOST_WATCHES = 5
"""The number of watches of an import that are explained: the newest ones."""
EPILOG = """\b
Examples:
  rally-bridge why wat_01kb2x3v8mrd4hz0c7w9t5qfyn
  rally-bridge why cm1uwhduy001vle4gr4soyqkq"""


@click.command("why", epilog=EPILOG)
@click.argument("id_", metavar="WATCH_ID|IMPORT_ID", shell_complete=complete_watches())
@with_client()
def command(bridge: Bridge, id_: str, *, as_json: bool) -> None:
    """Explain why a message came, or did not.

    Says what happened, what is waited for, and what to do. Of an import, the newest watches are explained. The id of a
    delivery (dlv_…) stands for its watch.
    """
    watches = _watches(bridge, id_)
    histories = [bridge.history(each) for each in watches]
    if as_json:
        print_json([each.document for each in histories])
        return
    console = CommandConsole()
    for number, (watch, history) in enumerate(zip(watches, histories, strict=True)):
        if number:
            console.print()
        _print(console, watch, history)


def _watches(bridge: Bridge, id_: str) -> list[Watch]:
    """Return the watch with an id or of a delivery, or the newest ones of an import."""
    if is_watch(id_):
        return [bridge.get(id_)]
    if is_delivery(id_):
        watch_id = bridge.delivery(id_).watch_id
        if watch_id is None:
            raise CallFailed(f"{id_} belongs to no watch: it is a notice, or a message about several imports.")
        return [bridge.get(watch_id)]
    found = list(islice(bridge.list(import_id=id_, page=MOST_WATCHES), MOST_WATCHES))
    if not found:
        raise CallFailed(
            f"No watch of yours is about the import {id_!r}, so no message is sent when it ends. "
            f"To get one: rally-bridge watch {quote(id_)}. "
            "If a rule of the operator was to tell of it, on the bridge's machine "
            f"`rally-bridge rules test {quote(id_)}` says whether it covers the import, "
            "and `rally-bridge doctor` whether Rally's pushes arrive."
        )
    return found


def _print(console: Console, watch: Watch, history: History) -> None:
    print_line(console, watch.id)
    print_line(console, listed_status(watch).append(f"  {printable(watch.label or watch.import_id)}", style="default"))
    print_line(console, printable(history.summary))
    print_line(console, "What happened:")
    for entry in history.entries:
        print_line(console, printable(f"  {local_time(entry.at)}  {entry.text}"))
    if history.waiting_for is not None:
        print_line(console, "What is waited for:")
        print_line(console, printable(f"  {waiting_words(history.waiting_for)}"))
    if history.advice:
        print_line(console, "What to do:")
        for sentence in history.advice:
            print_line(console, printable(f"  {sentence}"))
