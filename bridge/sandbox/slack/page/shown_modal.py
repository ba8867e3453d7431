"""What the inbox page shows of an open modal: its blocks, and each input with its value and error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.sandbox.slack.state.channels import Channel
from bridge.sandbox.slack.state.modals import Modal
from bridge.sandbox.slack.state.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An option of an input, and whether it is chosen."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A block of a modal; an input has a field's name, a value or choices, and the error of the last submission."""

    block: Mapping[str, Any]
    name: str
    value: str = ""
    choices: tuple[Choice, ...] = ()
    error: str = ""


def parts_of(slack: Workspace, modal: Modal) -> Iterator[Part]:
    """Yield the blocks of a modal in their order."""
    for number, block in enumerate(modal.view["blocks"]):
        name = f"field-{number}"
        if block["type"] == "input":
            yield _input(slack, modal, block, name)
        else:
            yield Part(block=block, name=name)


def _input(slack: Workspace, modal: Modal, block: Mapping[str, Any], name: str) -> Part:
    element = block["element"]
    typed = modal.typed.get(block["block_id"], {}).get(element["action_id"])
    return Part(
        block=block,
        name=name,
        value=_text(element, typed),
        choices=_choices(slack, modal, element, typed),
        error=modal.errors.get(block["block_id"], ""),
    )


def _text(element: Mapping[str, Any], typed: Mapping[str, Any] | None) -> str:
    if element["type"] != "plain_text_input":
        return ""
    return str(element.get("initial_value", "") if typed is None else typed["value"] or "")


def _choices(
    slack: Workspace, modal: Modal, element: Mapping[str, Any], typed: Mapping[str, Any] | None
) -> tuple[Choice, ...]:
    match element["type"]:
        case "plain_text_input":
            return ()
        case "conversations_select":
            return _channels(slack, modal, element, typed)
        case _:
            return _options(element, typed)


def _channels(
    slack: Workspace, modal: Modal, element: Mapping[str, Any], typed: Mapping[str, Any] | None
) -> tuple[Choice, ...]:
    current = modal.channel if element.get("default_to_current_conversation") else None
    initial = element.get("initial_conversation") or current
    chosen = initial if typed is None else typed["selected_conversation"]
    known = [channel for channel in slack.channels.all().values() if channel.person is None]
    return tuple(Choice(value=each.id, text=_name(each), chosen=each.id == chosen) for each in known)


def _options(element: Mapping[str, Any], typed: Mapping[str, Any] | None) -> tuple[Choice, ...]:
    if typed is None:
        first = element.get("initial_option")
        chosen = element.get("initial_options", []) if first is None else [first]
    else:
        chosen = typed.get("selected_options") or [typed.get("selected_option")]
    values = {each["value"] for each in chosen if each}
    return tuple(
        Choice(value=each["value"], text=each["text"]["text"], chosen=each["value"] in values)
        for each in element["options"]
    )


def _name(channel: Channel) -> str:
    return f"#{channel.name}" if channel.name else channel.id
