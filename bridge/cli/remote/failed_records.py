"""`failed-records`: all failed records of a watch's import, for people, as JSON, or as CSV for Rally's upload."""

import click

from bridge.cli.json_output import print_json
from bridge.cli.remote.completions import complete_watches
from bridge.cli.remote.connection_options import with_client
from bridge.cli.remote.ids import Id
from bridge.cli.remote.printable import printable
from bridge.cli.remote.status_words import record_words
from bridge.client import Bridge, FailedRecord

EXAMPLE = """\b
Example:
  rally-bridge failed-records WATCH_ID --csv > failed.csv"""


@click.command("failed-records", epilog=EXAMPLE)
@click.argument("watch_id", type=Id("watch"), shell_complete=complete_watches("settled"))
@click.option("--csv", "as_csv", is_flag=True, help="Print the CSV that Rally's upload takes.")
@click.option("--safe", is_flag=True, help="With --csv: for a spreadsheet, which then runs no cell as a formula.")
@with_client()
def command(bridge: Bridge, watch_id: str, *, as_csv: bool, safe: bool, as_json: bool) -> None:
    """Print all failed records of a watch's import.

    Rally names the id or the e-mail address of a person, or both; it gives no reasons.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv can't be combined with --json.")
    if safe and not as_csv:
        raise click.UsageError("--safe needs --csv.")
    if as_csv:
        click.echo(bridge.failed_records_csv(watch_id, safe=safe), nl=False)
        return
    records = bridge.failed_records(watch_id)
    if as_json:
        print_json([_as_json(each) for each in records])
        return
    _print_lines(bridge, watch_id, list(records))


def _print_lines(bridge: Bridge, watch_id: str, records: list[FailedRecord]) -> None:
    for each in records:
        click.echo(printable(record_words(each)))
    unnamed = bridge.get(watch_id).failed_record_count - len(records)
    if unnamed > 0:
        click.echo(f"Without id and e-mail address: {unnamed:,} more.", err=True)
    elif not records:
        click.echo("No failed records.", err=True)


def _as_json(record: FailedRecord) -> dict[str, str]:
    """Return a record as in the API."""
    named = {"personId": record.person_id, "email": record.email}
    return {name: value for name, value in named.items() if value is not None}
