"""The ids of watches and deliveries as arguments."""

import shlex
from typing import Any

import click

PREFIXES = {"watch": "wat_", "delivery": "dlv_"}


class Id(click.ParamType[str]):
    """The id of one of these kinds; an import's id is refused with the command that finds its watches."""

    name = "id"

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not text.startswith(tuple(PREFIXES[kind] for kind in self._kinds)):
            wanted = " or ".join(f"a {kind} ({PREFIXES[kind]}…)" for kind in self._kinds)
            found = f"rally-bridge list --import {shlex.quote(text)}"
            self.fail(f"{text!r} is not the id of {wanted}. To find the watches of an import: {found}", param, ctx)
        return text


def is_watch(id_: str) -> bool:
    return id_.startswith(PREFIXES["watch"])


def is_delivery(id_: str) -> bool:
    return id_.startswith(PREFIXES["delivery"])
