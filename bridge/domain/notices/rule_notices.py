"""Notices about rules: a receiver that may start imports itself, and imports that were pushed too late."""

from collections.abc import Sequence

from bridge.domain.notices.notices import Notice
from bridge.domain.times import HOUR, Moment, Span

CALLBACKS_IN_A_WINDOW = 60
"""The number of callbacks of rules to one receiver above which the operator is told."""
CALLBACK_WINDOW: Span = HOUR
IDS_NAMED = 10
ID_SHOWN = 40


def callbacks_flooded(rule: str, destination: str, now: Moment) -> Notice:
    """Build the notice about a callback that rules call so often that its receiver may start the imports itself."""
    text = (
        f"Rules sent more than {CALLBACKS_IN_A_WINDOW} callbacks to {destination} within an hour, the last one for the "
        f"rule “{rule}”. If the receiver starts an import for each of them, this is a loop."
    )
    facts = {"rule": rule, "destination": destination}
    return Notice(type="rule.callbacks_flooded", at=now, text=text, facts=facts)


def imports_missed(rule: str, import_ids: Sequence[str], total: int, problems: int, now: Moment) -> Notice:
    """Build a rule's summary of imports whose push came when their end was no news any more.

    `import_ids` are the first of them; `problems` is the number of those that had failures according to the push.
    """
    ended = "1 import" if total == 1 else f"{total:,} imports"
    failed = f", {problems:,} with failures by the push" if problems else ""
    named = ", ".join(map(_shown, import_ids[:IDS_NAMED]))
    more = f" and {total - IDS_NAMED:,} more" if total > IDS_NAMED else ""
    return Notice(
        type="rule.imports_missed",
        at=now,
        text=f"{ended} ended while no push came{failed}: {named}{more}.",
        client=f"rule:{rule}",
        facts={"rule": rule, "imports": str(total), "problems": str(problems)},
    )


def _shown(import_id: str) -> str:
    return import_id if len(import_id) <= ID_SHOWN else f"{import_id[:ID_SHOWN]}…"
