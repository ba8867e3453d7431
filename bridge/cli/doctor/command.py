"""The command: choose the bridge, examine it, and print the findings."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.checked_settings import check_draft
from bridge.cli.console import CommandConsole
from bridge.cli.doctor import installation
from bridge.cli.doctor.findings import Finding, State, failed, warning
from bridge.cli.json_output import print_json
from bridge.cli.up.command import DATA_DIR
from bridge.errors import SettingsError
from bridge.settings.loading import draft_settings

SIGNS: Mapping[State, tuple[str, str]] = {
    State.OK: ("✓", "green"),
    State.NOT_CHECKED: ("–", "cyan"),
    State.WARNING: ("!", "yellow"),
    State.FAILED: ("✗", "red"),
}
WIDEST = max(map(len, State))

UNKNOWN_NAME = "Correct its name or remove it; if it belongs to another program, leave it."


@click.command("doctor")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help=f"A data directory of `rally-bridge up`.  [default, without REDIS_URL: {DATA_DIR}, or the sandbox in it]",
)
@click.option("--send", is_flag=True, help="Send a test message to each named destination.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def command(*, data_dir: Path | None, send: bool, as_json: bool) -> None:
    """Check everything that the bridge depends on.

    The exit code is 0 if nothing failed. It checks the settings, Redis, the workers, the clocks, Rally's keys, Slack's
    token and the destinations. It changes nothing, except for keys in Redis that expire within a second, and the
    messages of --send.
    """
    # Imported here, as it takes a while to load and the other commands don't need it.
    from bridge.cli.doctor.probes import examine  # noqa: PLC0415

    chosen = installation.locate(data_dir, [DATA_DIR, DATA_DIR / "sandbox"])
    try:
        draft = check_draft(draft_settings(chosen.environ))
        with CommandConsole(stderr=True).status("checking…"):
            findings = asyncio.run(examine(draft.settings, send=send, start=chosen.start))
        findings[1:1] = [warning("Settings", text, UNKNOWN_NAME) for text in draft.warnings]
    except SettingsError as error:
        if as_json:
            _print_json(
                [
                    failed("Settings", problem, "Correct it; .env.example lists all settings.")
                    for problem in error.problems
                ]
            )
        raise SettingsError([*error.problems, *([chosen.hint] if chosen.hint else [])]) from None
    if as_json:
        _print_json(findings)
    else:
        _print(CommandConsole(), chosen.name, findings)
    raise click.exceptions.Exit(0 if _healthy(findings) else 1)


def _healthy(findings: Sequence[Finding]) -> bool:
    return all(finding.state is not State.FAILED for finding in findings)


def _print_json(findings: Sequence[Finding]) -> None:
    print_json({"findings": [finding.as_json() for finding in findings], "ok": _healthy(findings)})


def _print(console: Console, name: str, findings: Sequence[Finding]) -> None:
    """Print a line for each finding, wrapped at a terminal only."""
    console.print(Text(f"The bridge of {name}"), style="bold", soft_wrap=True, highlight=False)
    if console.is_terminal:
        console.print(_table(findings))
    else:
        for finding in findings:
            line = Text.assemble(_marked(finding), "  ", finding.check, ": ", _detail(finding, " "))
            console.print(line, soft_wrap=True, highlight=False)
    counts = [(state, sum(finding.state is state for finding in findings)) for state in reversed(State)]
    console.print(Text(", ".join(f"{count} {state}" for state, count in counts if count)), highlight=False)


def _table(findings: Sequence[Finding]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(_marked(finding), Text(finding.check), _detail(finding, "\n"))
    return table


def _marked(finding: Finding) -> Text:
    sign, style = SIGNS[finding.state]
    return Text(f"{sign} {finding.state:<{WIDEST}}", style=style)


def _detail(finding: Finding, between: str) -> Text:
    if finding.remedy is None:
        return Text(finding.detail)
    return Text.assemble(finding.detail, between, Text(f"→ {finding.remedy}", style="bold"))
