"""Markup in the text of a command: Slack writes links and names in angle brackets, and escapes `&`, `<` and `>`.

Source: https://docs.slack.dev/interactivity/implementing-slash-commands#escaping
"""

import re
from html import unescape

_REFERENCE = re.compile(r"<(?P<kind>[@#!]?)(?P<target>[^<>|]*)(?:\|(?P<name>[^<>]*))?>")
_QUOTED = re.compile(r"`(?P<code>[^`\s]+)`|<(?P<placeholder>[^<>\s]+)>")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")


def words_of(text: str) -> tuple[str, str]:
    """Return the first word in lower case, and the rest as the person typed it, without blanks around them."""
    verb, _, rest = typed(text).strip().partition(" ")
    return verb.lower(), rest.strip()


def unquoted(word: str) -> str:
    """Return an id without the backticks of code around it, or the angle brackets that the help has around it."""
    found = _QUOTED.fullmatch(word)
    return word if found is None else found["code"] or found["placeholder"]


def typed(text: str) -> str:
    """Return a text as it was typed, without Slack's markup."""
    return _ENTITY.sub(lambda found: unescape(found[0]), _REFERENCE.sub(_name_of, text))


def _name_of(found: re.Match[str]) -> str:
    """Return what was typed: the text of a link, `@name`, `#channel`."""
    name = found["target"] if found["name"] is None else found["name"]
    return f"{found['kind'].replace('!', '@')}{name}"
