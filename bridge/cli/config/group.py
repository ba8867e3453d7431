"""The commands `config check`, `show`, `schema` and `init`."""

import os
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from bridge.checked_settings import all_problems
from bridge.cli.config.first_files import FirstFiles, write_new
from bridge.cli.config.rows import Row, rows_of
from bridge.cli.console import CommandConsole
from bridge.cli.doctor import installation
from bridge.cli.doctor.installation import Installation
from bridge.cli.errors import CannotStart
from bridge.cli.json_output import print_json
from bridge.cli.up.command import DATA_DIR
from bridge.cli.up.environment import CONFIG_FILE
from bridge.errors import SettingsError
from bridge.settings import Settings
from bridge.settings.file.schema import config_schema
from bridge.settings.loading import Draft, draft_settings

FILE = click.argument("file", required=False, type=click.Path(path_type=Path))
DATA_DIR_OPTION = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="A data directory of `rally-bridge up`, as for doctor."
)


@click.group("config")
def group() -> None:
    """Check and show the settings; write a first configuration."""


@group.command("check")
@FILE
@DATA_DIR_OPTION
def check(*, file: Path | None, data_dir: Path | None) -> None:
    """Check the environment, .env and the configuration file; with FILE, that one instead of BRIDGE_CONFIG_FILE's.

    Every problem is a line with file, line and key; the exit code is 2 if there is one. Nothing is connected to.
    """
    chosen = _choose(file, data_dir)
    settings = _valid(chosen, draft_settings(chosen.environ)).settings
    counts = [
        _count(len(settings.workspaces), "workspace"),
        _count(len(settings.destinations), "named destination"),
        _count(len({client.name for client in settings.clients}), "client"),
        *([_count(len(settings.rules), "rule")] if settings.rules else []),
    ]
    where = f"{chosen.name}, with {settings.bridge_config_file}," if _names_a_file(settings, file) else chosen.name
    click.echo(f"The settings of {where} are valid: {', '.join(counts)}.")


def _names_a_file(settings: Settings, file: Path | None) -> bool:
    """Return whether the settings name the configuration file; warn of one here that they do not name."""
    if settings.bridge_config_file is None and Path(CONFIG_FILE).is_file():
        click.echo(f"Warning: {CONFIG_FILE} is not read: set BRIDGE_CONFIG_FILE=./{CONFIG_FILE}", err=True)
    return settings.bridge_config_file is not None and file is None


@group.command("show")
@FILE
@DATA_DIR_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def show(*, file: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """Show the settings in effect and where each comes from. Secrets are masked."""
    chosen = _choose(file, data_dir)
    own = {**os.environ, **({} if file is None else {"BRIDGE_CONFIG_FILE": str(file)})}
    set_by_up = frozenset(name for name, value in chosen.environ.items() if own.get(name) != value)
    rows = rows_of(_valid(chosen, draft_settings(chosen.environ)).settings, set_by_up)
    if as_json:
        print_json([row.as_json() for row in rows])
    else:
        _print(CommandConsole(), rows)


@group.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    print_json(config_schema())


@group.command("init")
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(*, folder: Path) -> None:
    """Write .env and bridge.toml with fresh keys into FOLDER; existing files are never overwritten.

    RALLY_API_KEY and REDIS_URL are taken from the environment; at a terminal, the key is asked for.
    """
    rally_key = os.environ.get("RALLY_API_KEY") or _ask_for_rally_key()
    files = FirstFiles.generate(rally_key=rally_key, redis_url=os.environ.get("REDIS_URL", ""))
    try:
        written = write_new(folder, files)
    except FileExistsError as error:
        raise CannotStart(f"{error.filename} exists; nothing was written. Name another folder, or move it.") from error
    except OSError as error:
        raise CannotStart(f"{error.filename} can't be written: {error.strerror}; nothing was written.") from error
    click.echo(files.export_line)
    click.echo(f"\n{_next_steps(written, has_key=bool(rally_key))}", err=True)


def _ask_for_rally_key() -> str:
    if not os.isatty(0):
        return ""
    answer: str = click.prompt(
        "The API key of your Rally workspace (Enter: later)", "", hide_input=True, show_default=False, err=True
    )
    return answer.strip()


def _next_steps(written: list[Path], *, has_key: bool) -> str:
    steps = [
        "The line above holds the API key of the client `admin`; it is not shown again.",
        f"Written: {', '.join(map(str, written))}. In that folder:",
        *([] if has_key else ["  - write your Rally key into .env (RALLY_API_KEY)"]),
        "  - rally-bridge config check",
        "  - rally-bridge serve and rally-bridge worker, with a Redis at REDIS_URL",
    ]
    return "\n".join(steps)


def _choose(file: Path | None, data_dir: Path | None) -> Installation:
    """Return the bridge that doctor would examine; with `file` as its configuration file."""
    chosen = installation.locate(data_dir, [DATA_DIR, DATA_DIR / "sandbox"])
    if file is None:
        return chosen
    return replace(chosen, environ={**chosen.environ, "BRIDGE_CONFIG_FILE": str(file)}, name=f"{file}, {chosen.name}")


def _valid(chosen: Installation, draft: Draft) -> Draft:
    """Print the warnings; raise SettingsError if there are problems."""
    for warning in draft.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if problems := all_problems(draft):
        raise SettingsError([*problems, *([chosen.hint] if chosen.hint else [])])
    return draft


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _print(console: Console, rows: list[Row]) -> None:
    """Print aligned columns at a terminal, and values separated by tabs elsewhere."""
    if not console.is_terminal:
        for row in rows:
            click.echo(f"{row.key}\t{row.value}\t{row.source}")
        return
    table = Table.grid(*(Column(overflow="fold") for _ in range(3)), padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(Text(row.key, "bold"), Text(row.value), Text(row.source, "dim"))
    console.print(table)
