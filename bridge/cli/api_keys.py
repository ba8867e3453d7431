"""`keys`: generate a client's API key, shown once, and its digest for bridge.toml."""

import secrets

import click

from bridge.cli.json_output import print_json
from bridge.domain.clients import DIGEST_PREFIX, digest
from bridge.domain.notices.notices import OPERATOR
from bridge.settings.api_keys import RESERVED
from bridge.settings.parsers import NAME

PREFIX = "rbk_"
"""The prefix by which people and secret scanners recognize a key."""


def new_key() -> str:
    return f"{PREFIX}{secrets.token_urlsafe(32)}"


@click.group("keys")
def group() -> None:
    """Generate API keys."""


@group.command("new")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def new(name: str, *, as_json: bool) -> None:
    """Generate a key for the client NAME; print it, and its table for bridge.toml."""
    if not NAME.fullmatch(name):
        raise click.BadParameter("a name consists of a-z, 0-9, - and _", param_hint="NAME")
    if name == OPERATOR:
        raise click.BadParameter(RESERVED, param_hint="NAME")
    key = new_key()
    kept = f"{DIGEST_PREFIX}{digest(key).hex()}"
    if as_json:
        print_json({"name": name, "key": key, "digest": kept})
        return
    click.echo(key)
    click.echo(
        f"""
The line above is the key of {name}; it is not shown again. Write into bridge.toml (BRIDGE_CONFIG_FILE), and restart:

[clients.{name}]
keys = ["{kept}"]

To rotate a key: add the new digest to the list, give the key to the client, then remove the old digest.""",
        err=True,
    )
