"""Fields of the tables of the configuration file: outcomes, as a group or a list, and users to mention."""

from collections.abc import Callable, Collection, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema

from bridge.domain.mentions import MOST_USERS, USER_ID, Mention
from bridge.domain.outcomes import Outcome
from bridge.domain.subscriptions import GROUPS, Subscription

IMPORT_OUTCOMES = (Outcome.COMPLETED, Outcome.COMPLETED_WITH_FAILURES, Outcome.FAILED)
"""The outcomes that a rule can announce. The others say that nothing is known of an import."""


def problems() -> Subscription:
    return GROUPS["problems"]


def _one_of(outcomes: Collection[Outcome]) -> Callable[[object], Subscription]:
    def parse(value: object) -> Subscription:
        if isinstance(value, str) and value in GROUPS:
            return GROUPS[value]
        names = value if isinstance(value, list) else []
        found = frozenset(outcome for outcome in outcomes if outcome.value in names)
        if not found or len(names) != len(found):
            raise ValueError(f'must be "problems", "always" or a list of {", ".join(outcomes)}')
        return found

    return parse


def _described(outcomes: Collection[Outcome]) -> dict[str, Any]:
    listed = {"type": "array", "items": {"enum": list(outcomes)}, "minItems": 1, "uniqueItems": True}
    return {"anyOf": [{"enum": list(GROUPS)}, listed], "default": "problems"}


OutcomesField: TypeAlias = Annotated[
    Subscription, PlainValidator(_one_of(IMPORT_OUTCOMES)), WithJsonSchema(_described(IMPORT_OUTCOMES))
]
AnyOutcomesField: TypeAlias = Annotated[
    Subscription, PlainValidator(_one_of(tuple(Outcome))), WithJsonSchema(_described(tuple(Outcome)))
]
Users: TypeAlias = Annotated[
    list[Annotated[str, StringConstraints(pattern=USER_ID)]],
    Field(min_length=1, max_length=MOST_USERS, description="The ids of Slack users, such as U0123ABCD."),
]


def mention_of(users: Sequence[str], on: Subscription) -> Mention:
    return Mention(users=tuple(dict.fromkeys(users)), on=on)
