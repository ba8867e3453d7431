"""Elements: the buttons in messages and modals, and the inputs in modals.

Source: https://docs.slack.dev/reference/block-kit/block-elements
"""

from collections.abc import Iterator
from typing import Any

from bridge.sandbox.slack.api.checks.texts import LONGEST_ID, PLAIN, field_faults, string_faults, text_faults

BUTTON = frozenset({"type", "text", "action_id", "url", "value", "style", "accessibility_label"})
STYLES = frozenset({"primary", "danger"})
LONGEST_LABEL, LONGEST_VALUE, LONGEST_URL = 75, 2000, 3000
LONGEST_OPTION, MOST_OPTIONS = 75, 100
LONGEST_INPUT = 3000
TEXT_INPUT = frozenset(
    {"type", "action_id", "initial_value", "multiline", "min_length", "max_length", "placeholder", "focus_on_load"}
)
CHOICE = frozenset(
    {"type", "action_id", "options", "initial_option", "initial_options", "placeholder", "focus_on_load"}
)
CONVERSATION = frozenset(
    {
        *("type", "action_id", "initial_conversation", "default_to_current_conversation", "response_url_enabled"),
        *("filter", "placeholder", "focus_on_load"),
    }
)


def button_faults(element: Any) -> Iterator[str]:
    """Yield what is wrong with a button."""
    if not isinstance(element, dict) or element.get("type") != "button":
        yield "only buttons are known here"
        return
    yield from field_faults(element, BUTTON)
    yield from text_faults(element.get("text"), LONGEST_LABEL, PLAIN)
    yield from string_faults(element, "action_id", LONGEST_ID)
    yield from string_faults(element, "value", LONGEST_VALUE)
    yield from string_faults(element, "url", LONGEST_URL)
    yield from string_faults(element, "accessibility_label", LONGEST_LABEL)
    if str(element.get("style", "primary")) not in STYLES:
        yield "style must be primary or danger"


def input_faults(element: Any) -> Iterator[str]:
    """Yield what is wrong with the element of an input."""
    match element:
        case {"type": "plain_text_input"}:
            yield from _text_input(element)
        case {"type": "radio_buttons" | "static_select" | "checkboxes"}:
            yield from _choice(element)
        case {"type": "conversations_select"}:
            yield from field_faults(element, CONVERSATION)
        case _:
            yield "an input that is unknown here"
            return
    yield from string_faults(element, "action_id", LONGEST_ID)


def _text_input(element: dict[str, Any]) -> Iterator[str]:
    yield from field_faults(element, TEXT_INPUT)
    most = element.get("max_length", LONGEST_INPUT)
    if not isinstance(most, int) or not 1 <= most <= LONGEST_INPUT:
        yield f"max_length must be a number from 1 to {LONGEST_INPUT}"
    else:
        yield from string_faults(element, "initial_value", most)


def _choice(element: dict[str, Any]) -> Iterator[str]:
    yield from field_faults(element, CHOICE)
    options = element.get("options")
    if not isinstance(options, list) or not 1 <= len(options) <= MOST_OPTIONS:
        yield f"options must be a list of 1 to {MOST_OPTIONS}"
        return
    for option in options:
        yield from _option(option)
    chosen = [element["initial_option"]] if "initial_option" in element else element.get("initial_options", [])
    if not isinstance(chosen, list) or any(option not in options for option in chosen):
        yield "an initial option must be one of the options"


def _option(option: Any) -> Iterator[str]:
    if not isinstance(option, dict) or not isinstance(option.get("value"), str):
        yield "an option must have a text and a value"
        return
    yield from text_faults(option.get("text"), LONGEST_OPTION)
    yield from string_faults(option, "value", LONGEST_OPTION)
