"""Blocks, in messages and in modals.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from collections.abc import Iterator
from typing import Any

from bridge.sandbox.slack.api.checks.elements import button_faults, input_faults
from bridge.sandbox.slack.api.checks.texts import LONGEST_ID, PLAIN, field_faults, repeated, string_faults, text_faults

MAX_BLOCKS, MAX_BLOCKS_OF_MODAL = 50, 100
MAX_HEADER = 150
MAX_SECTION = 3000
MAX_FIELDS = 10
MAX_FIELD = 2000
MAX_ELEMENTS = 10
MAX_BUTTONS = 25
MAX_LABEL = MAX_HINT = 2000
MAX_TEXT = 13_200
"""The characters of all texts of a message; not documented, but measured by others."""
_COMMON = frozenset({"type", "block_id"})


def faults_of(blocks: Any, *, modal: bool = False) -> list[str]:
    """Return every fault for which Slack would refuse the blocks of a message, or of a modal."""
    if not isinstance(blocks, list):
        return ["blocks must be a list"]
    most = MAX_BLOCKS_OF_MODAL if modal else MAX_BLOCKS
    found = [f"no more than {most} blocks allowed"] if len(blocks) > most else []
    for number, block in enumerate(blocks):
        found += [f"{fault} [json-pointer:/blocks/{number}]" for fault in _block(block, modal=modal)]
    if repeated([block.get("block_id") for block in blocks if isinstance(block, dict)]):
        found.append("each block_id must be unique")
    return found


def length_of(part: Any) -> int:
    """Return the number of characters in all texts of blocks."""
    match part:
        case {"text": str(text)}:
            return len(text)
        case dict():
            return sum(length_of(each) for each in part.values())
        case list():
            return sum(length_of(each) for each in part)
        case _:
            return 0


def _block(block: Any, *, modal: bool) -> Iterator[str]:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        yield "a block must have a type"
        return
    yield from string_faults(block, "block_id", LONGEST_ID)
    match block["type"]:
        case "header":
            yield from _header(block)
        case "section":
            yield from _section(block)
        case "context":
            yield from field_faults(block, _COMMON | {"elements"})
            yield from _texts(block.get("elements"), "elements", MAX_ELEMENTS, MAX_SECTION)
        case "divider":
            yield from field_faults(block, _COMMON)
        case "actions":
            yield from _actions(block)
        case "input" if modal:
            yield from _input(block)
        case kind:
            yield f"a block of type {kind} that is unknown here"


def _header(block: dict[str, Any]) -> Iterator[str]:
    yield from field_faults(block, _COMMON | {"text"})
    yield from text_faults(block.get("text"), MAX_HEADER, PLAIN)


def _section(block: dict[str, Any]) -> Iterator[str]:
    yield from field_faults(block, _COMMON | {"text", "fields", "accessory", "expand"})
    if "text" not in block and "fields" not in block:
        yield "a section must have a text or fields"
    if "text" in block:
        yield from text_faults(block["text"], MAX_SECTION)
    if "fields" in block:
        yield from _texts(block["fields"], "fields", MAX_FIELDS, MAX_FIELD)
    if "accessory" in block:
        yield from button_faults(block["accessory"])


def _actions(block: dict[str, Any]) -> Iterator[str]:
    yield from field_faults(block, _COMMON | {"elements"})
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= MAX_BUTTONS:
        yield f"elements must be a list of 1 to {MAX_BUTTONS}"
        return
    for element in elements:
        yield from button_faults(element)
    if repeated([element.get("action_id") for element in elements if isinstance(element, dict)]):
        yield "each action_id must be unique in its block"


def _input(block: dict[str, Any]) -> Iterator[str]:
    yield from field_faults(block, _COMMON | {"label", "element", "hint", "optional", "dispatch_action"})
    yield from text_faults(block.get("label"), MAX_LABEL, PLAIN)
    if "hint" in block:
        yield from text_faults(block["hint"], MAX_HINT, PLAIN)
    yield from input_faults(block.get("element"))


def _texts(items: Any, name: str, most: int, length: int) -> Iterator[str]:
    if not isinstance(items, list) or not items:
        yield f"{name} must be a list that is not empty"
        return
    if len(items) > most:
        yield f"no more than {most} {name} allowed"
    for item in items:
        yield from text_faults(item, length)
