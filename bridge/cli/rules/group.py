"""The command `rules test`."""

from pathlib import Path
from typing import Any

import click

from bridge.checked_settings import load_checked
from bridge.cli.doctor import installation
from bridge.cli.errors import CannotStart
from bridge.cli.json_output import print_json
from bridge.cli.rules.target import push_about, queued, read_event, read_import
from bridge.cli.up.command import DATA_DIR
from bridge.destinations.descriptions import describe
from bridge.destinations.receivers import receiver_in
from bridge.domain.imports import ImportAnswer
from bridge.domain.rules.pushes import Push, QueuedPush
from bridge.domain.rules.rule_trials import Effect, Trial, try_rules, wants_poll
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.settings import Settings
from bridge.settings.problems import shown

_EFFECTS = {
    Effect.TELLS: "tells",
    Effect.SUMMARIZES: "adds it to a summary",
    Effect.WAITS: "waits for its end",
    Effect.SILENT: "tells nobody",
}


@click.group("rules")
def group() -> None:
    """Show what the rules of bridge.toml would do."""


@group.command("test")
@click.argument("target", metavar="EVENT.json|IMPORT_ID")
@click.option("--workspace", default=DEFAULT_WORKSPACE, show_default=True, help="The Rally account of the import.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="A data directory of `rally-bridge up`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def test(target: str, *, workspace: str, data_dir: Path | None, as_json: bool) -> None:
    """Say what each rule would do about a push, or about the end of an import, and why. Nothing is sent.

    EVENT.json is the body of a push. The import is read from Rally if a rule wants it; that is one call. Watches of the
    import, which take precedence over rules, are not looked for.
    """
    settings = load_checked(installation.locate(data_dir, [DATA_DIR, DATA_DIR / "sandbox"]).environ)
    if workspace not in settings.workspaces:
        raise CannotStart(f"There is no workspace {shown(workspace)!r}; there are: {', '.join(settings.workspaces)}.")
    if not settings.rules:
        raise CannotStart("There are no rules: the file of BRIDGE_CONFIG_FILE has no [[rules]].")
    push, answer = _read(settings, target, workspace)
    if not settings.workspaces[workspace].webhook_secrets:
        click.echo(f"Warning: no secret is set for pushes to workspace {workspace}, so its rules see none.", err=True)
    if push is None:
        _print_other_event(as_json=as_json)
        return
    trials = try_rules(settings.rules, push, answer, lambda each: receiver_in(each, settings.destinations))
    if as_json:
        print_json({"importId": push.push.import_id, "rules": [_trial_as_json(trial) for trial in trials]})
    else:
        for trial in trials:
            _print(trial)


def _read(settings: Settings, target: str, workspace: str) -> tuple[QueuedPush | None, ImportAnswer | None]:
    """Return the push to try the rules on, and Rally's answer about its import if a rule wants it."""
    if not target.endswith(".json") and not Path(target).is_file():
        answer = read_import(settings, workspace, target)
        return queued(push_about(target, workspace, answer)), answer
    push: Push | None = read_event(Path(target), workspace)
    if push is None:
        return None, None
    pushed = queued(push)
    wanted = wants_poll(settings.rules, pushed)
    return pushed, read_import(settings, workspace, push.import_id) if wanted else None


def _print_other_event(*, as_json: bool) -> None:
    if as_json:
        print_json({"importId": None, "rules": []})
    else:
        click.echo("This event is not about an import: no rule sees it.")


def _print(trial: Trial) -> None:
    reason = "" if trial.reason is None else f": {trial.reason}"
    click.echo(f"{trial.rule.name} {_EFFECTS[trial.effect]}{reason}")
    if trial.effect is Effect.TELLS:
        digest = "" if trial.rule.digest is None else ", in a digest unless it is a callback"
        for destination, silent in zip(trial.rule.notify, trial.silences, strict=True):
            click.echo(f"  {describe(destination)}{digest if silent is None else f': no, {silent}'}")


def _trial_as_json(trial: Trial) -> dict[str, Any]:
    destinations = zip(trial.rule.notify, trial.silences, strict=False)
    return {
        "rule": trial.rule.name,
        "effect": trial.effect.value,
        "reason": trial.reason,
        "destinations": [{"destination": describe(each), "skipped": silent} for each, silent in destinations],
    }
