"""The outcomes that a destination receives in request bodies, and whom its messages mention."""

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from bridge.domain.mentions import MOST_USERS, USER_ID, Mention
from bridge.domain.outcomes import Outcome
from bridge.domain.subscriptions import subscription_of
from bridge.web.schemas.body import Body

OutcomeGroup: TypeAlias = Literal["always", "problems"]


def _form(on: Any) -> str | None:
    """Return the form of a value of `on`, a group's name or a list, so that only problems of this form are reported."""
    match on:
        case "always" | "problems":
            return "group"
        case list():
            return "list"
        case _:
            return None


On: TypeAlias = Annotated[
    Annotated[OutcomeGroup, Tag("group")]
    | Annotated[Annotated[list[Outcome], Field(min_length=1, max_length=len(Outcome))], Tag("list")],
    Discriminator(
        _form,
        custom_error_type="form_not_a_choice",
        custom_error_message="Must be 'always', 'problems' or a list of outcomes, such as ['failed', 'timed_out']",
    ),
]


def _user_id(text: str) -> str:
    if not re.fullmatch(USER_ID, text):
        raise PydanticCustomError(
            "form_wrong_format", "Must be the id of a Slack user, such as U0123ABCD; a profile shows it"
        )
    return text


UserId: TypeAlias = Annotated[str, AfterValidator(_user_id), Field(json_schema_extra={"pattern": USER_ID})]


class MentionBody(Body):
    """Whom the messages to a Slack destination mention."""

    users: Annotated[
        list[UserId],
        Field(min_length=1, max_length=MOST_USERS, description="The ids of Slack users, such as `U0123ABCD`."),
    ]
    on: Annotated[
        On | None,
        Field(
            description="The outcomes that mention them: `problems` (the default; every outcome except `completed`), "
            "`always`, or a list."
        ),
    ] = None


def mention_of(body: MentionBody | None) -> Mention | None:
    """Return the mention of a body; None if there is none."""
    if body is None:
        return None
    return Mention(users=tuple(dict.fromkeys(body.users)), on=subscription_of(body.on or "problems"))


MentionField: TypeAlias = Annotated[MentionBody | None, Field(description="Whom its messages mention.")]
