"""What a person has typed and chosen in a modal, as Slack describes it to the app."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

State = dict[str, Any]
MISSING = "Please complete this required field."
Fields = Mapping[str, Sequence[str]]
"""The values of a form, by the name of the field."""


def inputs_of(view: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the field's name and the block of each input of a view."""
    for number, block in enumerate(view["blocks"]):
        if block["type"] == "input":
            yield f"field-{number}", block


def values_of(view: Mapping[str, Any], fields: Fields) -> dict[str, dict[str, State]]:
    """Return the state of each input, by its block_id and action_id."""
    return {
        block["block_id"]: {block["element"]["action_id"]: _state(block["element"], fields.get(name, []))}
        for name, block in inputs_of(view)
    }


def missing_in(view: Mapping[str, Any], values: Mapping[str, Mapping[str, State]]) -> dict[str, str]:
    """Return the error of each required input that is empty, or whose text has another length than is allowed."""
    found = {}
    for _, block in inputs_of(view):
        state = values[block["block_id"]][block["element"]["action_id"]]
        if problem := _problem(block, state):
            found[block["block_id"]] = problem
    return found


def _problem(block: Mapping[str, Any], state: State) -> str | None:
    given = next((value for name, value in state.items() if name != "type"), None)
    if not given:
        return None if block.get("optional") else MISSING
    most = block["element"].get("max_length")
    if isinstance(given, str) and most is not None and len(given) > most:
        return f"This text is too long: at most {most} characters."
    return None


def _state(element: Mapping[str, Any], given: Sequence[str]) -> State:
    kind = element["type"]
    first = given[0] if given and given[0] else None
    match kind:
        case "plain_text_input":
            return {"type": kind, "value": first}
        case "conversations_select":
            return {"type": kind, "selected_conversation": first}
        case "checkboxes":
            return {"type": kind, "selected_options": [each for each in element["options"] if each["value"] in given]}
        case _:
            chosen = next((each for each in element["options"] if each["value"] == first), None)
            return {"type": kind, "selected_option": chosen}
