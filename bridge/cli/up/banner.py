"""The banner that `up` prints once everything runs: addresses, and commands to paste."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """The addresses and directories of a running bridge."""

    api: str
    sandbox: str | None
    key: str = field(repr=False)
    """The generated API key, or `$KEY` if the user set keys of their own, which are not printed."""
    data: Path
    logs: Path

    def print(self, console: Console) -> None:
        """Print without wrapping, so that each command can be pasted."""
        console.print()
        console.print("[bold green]rally-bridge runs[/]" + (", on its sandbox" if self.sandbox else ""))
        for name, location in self.locations():
            console.print(f"  [bold]{name:<8}[/] {location}", soft_wrap=True, highlight=False)
        for title, command in self.commands():
            console.print(f"\n[bold]{title}[/]", soft_wrap=True, highlight=False)
            console.print(command, soft_wrap=True, highlight=False, markup=False)
        console.print("\nCtrl-C stops everything.", highlight=False)

    def locations(self) -> list[tuple[str, str]]:
        """Return the name and the location of each part."""
        inbox = [("Inbox", f"{self.sandbox}/inbox")] if self.sandbox else []
        key = "one of your BRIDGE_API_KEYS (put it into $KEY)" if self.key == "$KEY" else self.key
        return [
            ("API", self.api),
            *inbox,
            ("API key", key),
            ("Data", str(self.data)),
            ("Logs", str(self.logs)),
        ]

    def commands(self) -> list[tuple[str, str]]:
        """Return titles and curl commands that work without editing."""
        authorization = f'-H "Authorization: Bearer {self.key}"'
        body = json.dumps(self._body(), separators=(",", ":"))
        watches = f"{self.api}/v1/watches"
        return [
            (
                "Watch an import" + ("; its messages appear in the inbox" if self.sandbox else ""),
                f"curl -sS {watches} {authorization} -H \"Content-Type: application/json\" -d '{body}'",
            ),
            ("See how it goes", f"curl -sS '{watches}?limit=1' {authorization}"),
        ]

    def _body(self) -> dict[str, object]:
        if not self.sandbox:
            return {"importId": "PUT-AN-IMPORT-ID-HERE", "label": "My first import"}
        return {
            "importId": "demo-completed-1",
            "label": "My first import",
            "notify": [
                {"type": "slack_webhook", "url": f"{self.sandbox}/inbox/services/T000/B000/XXXX"},
                {"type": "callback", "url": f"{self.sandbox}/inbox/callbacks/demo"},
            ],
        }
