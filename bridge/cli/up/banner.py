"""The banner that `up` prints once everything runs: addresses, variables, and commands to paste."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bridge.cli.up import exports

DEMO_IDS = ("demo-completed-1", "demo-partial-1", "demo-failed-1", "demo-slow-1")
"""Imports that the sandbox makes at the first request for them, and any other id that begins like these."""

UPLOAD = "An import that nobody watches"
UPLOAD_BUTTON = "Press “Upload a CSV in Rally's UI” in the inbox. The rule in {} sends its message"
SLACK, SLACK_COMMAND = "The Slack app, in a simulated Slack", "Send “/rally help” in the inbox"
PUSHES = "The endpoint to add in Rally, where YOUR-HOST forwards this path to the API"
PUSH_URL = "https://YOUR-HOST/v1/push/rally/{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """The addresses and directories of a running bridge."""

    api: str
    sandbox: str | None
    exports: Mapping[str, str] = field(repr=False)
    """The variables for a client's shell, without a key if the user set keys of their own, which are not printed."""
    rally: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The variables for scripts that import people into the simulated Rally."""
    rule_file: str | None = None
    """The configuration file, if it has rules."""
    slack_app: bool = False
    """Whether a client is a Slack workspace."""
    pushed: Sequence[str] = ()
    """The workspaces of the real Rally whose pushes the bridge accepts."""
    console: bool = True
    """Whether the pages of the console are served."""
    data: Path
    logs: Path

    def print(self, console: Console) -> None:
        """Print without wrapping, so that each command can be pasted."""
        console.print()
        console.print("[bold green]rally-bridge runs[/]" + (", on its sandbox" if self.sandbox else ""))
        for name, location in self.locations():
            console.print(f"  [bold]{name:<8}[/] {location}", soft_wrap=True, highlight=False)
        for title, lines in self.sections():
            console.print(f"\n[bold]{title}[/]", soft_wrap=True, highlight=False)
            for line in lines:
                console.print(line, soft_wrap=True, highlight=False, markup=False)
        console.print("\nCtrl-C stops everything.", highlight=False)

    def locations(self) -> list[tuple[str, str]]:
        """Return the name and the location of each part."""
        inbox = [("Inbox", f"{self.sandbox}/inbox")] if self.sandbox else []
        console = [("Console", f"{self.api}/console")] if self.console else []
        return [
            ("API", self.api),
            ("Docs", f"{self.api}/docs"),
            *console,
            *inbox,
            ("Data", str(self.data)),
            ("Logs", str(self.logs)),
        ]

    def sections(self) -> list[tuple[str, list[str]]]:
        """Return titles, and lines below each that work without editing."""
        demos = [("Demo imports", [", ".join(DEMO_IDS)])] if self.sandbox else []
        upload = [(UPLOAD, [UPLOAD_BUTTON.format(self.rule_file)])] if self.sandbox and self.rule_file else []
        slack = [(SLACK, [SLACK_COMMAND])] if self.sandbox and self.slack_app else []
        pushes = [(PUSHES, [PUSH_URL.format(name) for name in self.pushed])] if self.pushed else []
        imports = f"For scripts that import people into the simulated Rally: {self._source(exports.RALLY_FILE)}, or"
        rally = [(imports, exports.lines(self.rally))]
        return [
            (f"In another terminal: {self._source(exports.FILE)}, or", self._export_lines()),
            *demos,
            *upload,
            *slack,
            *((title, [command]) for title, command in self.commands()),
            *pushes,
            *(rally if self.rally else []),
        ]

    def _source(self, file: str) -> str:
        return f"source {shlex.quote(str(self.data / file))}"

    def _export_lines(self) -> list[str]:
        own = [f"export {exports.KEY}=…  # one of your API keys"] if exports.KEY not in self.exports else []
        return [*exports.lines(self.exports), *own]

    def commands(self) -> list[tuple[str, str]]:
        """Return titles and curl commands."""
        authorization = f'-H "Authorization: Bearer {self.exports.get(exports.KEY, f"${exports.KEY}")}"'
        body = json.dumps(self._body(), separators=(",", ":"))
        watches = f"{self.api}/v1/watches"
        return [
            (
                "Watch an import" + ("; its messages appear in the inbox" if self.sandbox else ""),
                f"curl -sS {watches} {authorization} -H \"Content-Type: application/json\" -d '{body}'",
            ),
            ("List the newest watch", f"curl -sS '{watches}?limit=1' {authorization}"),
        ]

    def _body(self) -> dict[str, object]:
        if not self.sandbox:
            return {"importId": "PUT-AN-IMPORT-ID-HERE", "label": "My first import"}
        return {
            "importId": DEMO_IDS[0],
            "label": "My first import",
            "notify": [
                {"type": "slack_webhook", "url": "https://hooks.slack.com/services/T000/B000/XXXX"},
                {"type": "callback", "url": "https://crm.example.com/hooks/rally"},
            ],
        }
