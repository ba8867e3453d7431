"""Escaping of untrusted text for Slack: it can't mention, link or format, and is cut to a limit.

Sources: https://docs.slack.dev/messaging/formatting-message-text and
https://docs.slack.dev/reference/block-kit/composition-objects/text-object
"""

import re
import unicodedata
from html import escape
from typing import Any

from bridge.destinations.slack.wording import local_time
from bridge.domain.times import moment_of

_ACTIVE = re.compile(r"[*_~`:/@#.]")
"""Characters that format, begin an emoji, or turn the text around them into a link."""
_WORD_JOINER = "\u2060"
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_DIRECTION_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_PARTIAL_ENTITY = re.compile(r"&[a-z]{0,3}$")
_NEVER_SHOWN = frozenset({"Cc", "Cs"})
"""Unicode categories: control characters, and halves of surrogate pairs."""
_MOMENT = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_EMOJI_NAME = 60
"""The length of the longest names of emoji. In mrkdwn, Slack may count an emoji as its name, such as `:tada:`."""
_MOST_EMOJI = 40
MOST_TIMES = 5
"""The number of times in a text that are converted; each adds some 70 characters, which no limit counts."""
_SET_ASIDE = "\ufdd0"
"""The placeholder for each time while the rest of the text is neutralized: a code point that no text contains."""


def plain_text(text: str, *, emoji: bool = False) -> dict[str, Any]:
    """Return a text object that Slack shows as it is; with `emoji`, for texts of our own, `:name:` becomes a symbol."""
    return {"type": "plain_text", "text": text, "emoji": emoji}


def mrkdwn(text: str) -> dict[str, Any]:
    """Return a text object in mrkdwn, Slack's markup: `*bold*`, `<url|link>`. Its untrusted parts are neutralized.

    `verbatim` keeps Slack from turning what looks like a URL or a name into a link.
    """
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def escaped_line(text: str, limit: int) -> str:
    """Return untrusted text on one line for a plain_text object: escaped, then cut; isolated if right-to-left."""
    cut = truncated(escape(_cleaned(text), quote=False), limit)
    leftward = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in cut)
    return f"{_ISOLATE}{cut}{_END_ISOLATE}" if leftward else cut


def neutralized(text: str, limit: int) -> str:
    """Return untrusted text for a mrkdwn object: a word joiner after each active character disables it."""
    # `&`, `<` and `>` are not active characters, so entities stay whole.
    return escaped_line(_ACTIVE.sub(rf"\g<0>{_WORD_JOINER}", _with_few_emoji(_cleaned(text))), limit)


def neutralized_with_times(text: str, limit: int) -> str:
    """Like `neutralized`, but with the times in the text shown in each reader's time zone."""
    aside: list[str] = []

    def set_aside(found: re.Match[str]) -> str:
        if (moment := moment_of(found[0])) is None:
            return found[0]
        aside.append(local_time(moment))
        return _SET_ASIDE

    harmless = neutralized(_MOMENT.sub(set_aside, text.replace(_SET_ASIDE, ""), count=MOST_TIMES), limit)
    for moment in aside:
        harmless = harmless.replace(_SET_ASIDE, moment, 1)
    return harmless


def code(text: str, limit: int) -> str:
    """Return untrusted text as code, in which only backticks are active."""
    return f"`{truncated(escape(_with_few_emoji(_cleaned(text)).replace('`', 'ˋ'), quote=False), limit) or '?'}`"


def link(url: str, words: str) -> str:
    """Return a link for a mrkdwn object: `url` from a checked template, and words of our own."""
    return f"<{escape(url, quote=False)}|{words}>"


def formatted_units(text: str) -> int:
    """Return the length of a mrkdwn text in UTF-16 units, with the names of its emoji in their place."""
    return len(text.encode("utf-16-le")) // 2 + _EMOJI_NAME * sum(map(_is_symbol, text))


def truncated(escaped: str, limit: int) -> str:
    """Cut escaped text, but never inside an entity."""
    if len(escaped) <= limit:
        return escaped
    return _PARTIAL_ENTITY.sub("", escaped[: limit - 1]).rstrip() + "…"


def _with_few_emoji(text: str) -> str:
    """Cut a text after as many symbols as have room in a mrkdwn object when Slack has replaced them by their names."""
    symbols = [place for place, character in enumerate(text) if _is_symbol(character)]
    return text if len(symbols) <= _MOST_EMOJI else text[: symbols[_MOST_EMOJI]].rstrip() + "…"


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character) == "So"


def _cleaned(text: str) -> str:
    """Remove characters that would break the line or change its direction."""
    visible = "".join(
        " " if unicodedata.category(character) in _NEVER_SHOWN else character
        for character in text
        if character not in _DIRECTION_CONTROLS
    )
    return " ".join(visible.split())
