"""`rally-bridge slack manifest`: what Slack takes as a new app, within its limits."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.web.app import SLACK_ROUTES
from tests.support.command_line import run_here

URL = "https://bridge.example.com"


def manifest(folder: Path, *options: str) -> dict[str, Any]:
    ran = run_here("slack", "manifest", *options, env={}, cwd=folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def urls_in(document: Any) -> list[str]:
    match document:
        case dict():
            return [url for value in document.values() for url in urls_in(value)]
        case list():
            return [url for value in document for url in urls_in(value)]
        case str() if document.startswith("https://"):
            return [document]
        case _:
            return []


def test_every_request_goes_to_a_path_of_the_bridge(tmp_path: Path) -> None:
    for given, base in ((URL, URL), (f"{URL}/", URL), (f"{URL}:8443/bridge//", f"{URL}:8443/bridge")):
        urls = urls_in(manifest(tmp_path, "--url", given))
        assert urls == [f"{base}{route.path}" for route in SLACK_ROUTES]


def test_its_texts_are_within_the_limits_of_slack(tmp_path: Path) -> None:
    longest = {"--url": f"{URL}/{'x' * 2_873}", "--name": "n" * 35, "--command": f"/{'c' * 31}"}

    document = manifest(tmp_path, *(part for option in longest.items() for part in option))

    (command,) = document["features"]["slash_commands"]
    assert len(document["display_information"]["name"]) <= 35
    assert len(document["display_information"]["description"]) <= 140
    assert len(document["features"]["bot_user"]["display_name"]) <= 80
    assert (command["command"], len(command["command"])) == (longest["--command"], 32)
    for shortcut in document["features"]["shortcuts"]:
        assert len(shortcut["name"]) <= 24
        assert len(shortcut["description"]) <= 150
    assert len(command["usage_hint"]) <= 1_000
    assert all(len(url) <= 3_000 for url in urls_in(document))


def test_the_app_asks_for_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    document = manifest(tmp_path, "--url", URL)
    assert document["oauth_config"]["scopes"] == {  # Slack wants optional scopes in both lists
        "bot": ["commands", "chat:write", "chat:write.public", "files:write", "im:write"],
        "bot_optional": ["chat:write.public", "files:write", "im:write"],
    }
    assert "event_subscriptions" not in document["settings"]
    assert document["settings"]["token_rotation_enabled"] is False


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--url", f"{URL}{tail}") for tail in ("?a", "#a", ":0", ":x", "/ a", f"/{'x' * 3_000}")),
        *(
            ("--url", url)
            for url in ("http://bridge.example.com", "https://", "bridge", "https://u:p@host", "https://bü.de")
        ),
        *(("--command", command) for command in ("rally", "/", "/Rally", "/a b", f"/{'c' * 32}", "/rally\n")),
        *(("--name", name) for name in ("", " ", "n" * 36)),
    ],
)
def test_what_slack_would_refuse_is_refused(tmp_path: Path, option: str, value: str) -> None:
    options = {"--url": URL} | {option: value}
    ran = run_here("slack", "manifest", *(part for each in options.items() for part in each), env={}, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert option in ran.stderr
