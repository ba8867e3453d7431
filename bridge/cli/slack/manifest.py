"""The manifest of the Slack app: what Slack must know of it, to be pasted where an app is created.

Source: https://docs.slack.dev/reference/app-manifest
https://docs.slack.dev/authentication/installing-with-oauth
"""

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from bridge.destinations.slack.watch_modal import MESSAGE_SHORTCUT, SHORTCUT

COMMAND = re.compile(r"/[a-z0-9_-]{1,31}")
OPTIONAL_SCOPES = ["chat:write.public", "files:write", "im:write"]
"""Scopes that can be left out when the app is installed. Slack wants them among all scopes as well."""
LONGEST_NAME = 35
LONGEST_URL = 2_900
"""Slack takes 3,000 characters, with our path."""


def manifest(url: str, *, name: str, command: str) -> dict[str, Any]:
    """Return the manifest of an app whose requests go to the bridge at a URL."""
    return {
        "_metadata": {"major_version": 1},
        "display_information": {
            "name": name,
            "description": "Says in Slack how Rally imports ended",
            "background_color": "#2c2d30",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,  # without it, the app cannot send files in direct messages
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "shortcuts": [
                {
                    "name": "Watch a Rally import",
                    "type": "global",
                    "callback_id": SHORTCUT,
                    "description": "Be told here when an import ends",
                },
                {
                    "name": "Watch this import",
                    "type": "message",
                    "callback_id": MESSAGE_SHORTCUT,
                    "description": "Watch the import whose id stands in this message",
                },
            ],
            "slash_commands": [
                {
                    "command": command,
                    "url": f"{url}/slack/commands",
                    "description": "Watch a Rally import",
                    "usage_hint": "watch <import id> [label] | list | stop <import id> | help",
                    "should_escape": True,
                }
            ],
        },
        "oauth_config": {
            "scopes": {
                "bot": ["commands", "chat:write", *OPTIONAL_SCOPES],
                "bot_optional": OPTIONAL_SCOPES,
            }
        },
        "settings": {
            "interactivity": {"is_enabled": True, "request_url": f"{url}/slack/interactions"},
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def public_url(text: str) -> str:
    """Return a URL that Slack can send to, without the slashes at its end; raise ValueError if it is none."""
    url = _split(text)
    if url is None or url.scheme != "https" or not url.hostname or not text.isascii():
        raise ValueError("must begin with https:// and name a host")
    if url.username or url.password or "?" in text or "#" in text or any(each in text for each in ' \\"'):
        raise ValueError("must have no user, password, query or fragment")
    if len(text) > LONGEST_URL:
        raise ValueError(f"must have at most {LONGEST_URL} characters")
    return text.rstrip("/")


def _split(text: str) -> SplitResult | None:
    try:
        url, port = (split := urlsplit(text)), split.port
    except ValueError:
        return None
    return None if port == 0 else url
