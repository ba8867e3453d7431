"""The destinations in request bodies, one model for each `type`, validated against the operator's rules."""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, LiteralString, TypeAlias

from pydantic import (
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bridge.destinations.callback import LONGEST_HEADER, header_problem
from bridge.destinations.egress.client_permissions import may_call, may_post
from bridge.destinations.egress.rules import EgressRules, check_callback, check_url
from bridge.domain.callback_secrets import check_secret
from bridge.domain.clients import Permissions
from bridge.domain.destinations import (
    CHANNEL_ID,
    Callback,
    Destination,
    NamedDestination,
    ResolvedDestination,
    SlackChannel,
    SlackWebhook,
)
from bridge.domain.living.end_place import EndPlace
from bridge.domain.secret import Secret
from bridge.domain.subscriptions import Subscription, subscription_of
from bridge.web.refusals import Problem
from bridge.web.requests.json_pointer import escape
from bridge.web.schemas.body import Body
from bridge.web.schemas.choices import one_of
from bridge.web.schemas.combined_problems import combined
from bridge.web.schemas.mentions import MentionField, On, mention_of

Url: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The configuration and permissions that bodies are validated against."""

    rules: EgressRules
    workspaces: Collection[str]
    named: Mapping[str, ResolvedDestination]
    slack_bot: bool
    permissions: Permissions
    admin: bool = False
    """Whether errors name the setting that can allow an address."""


def context_in(info: ValidationInfo) -> Context:
    assert isinstance(info.context, Context)  # noqa: S101 - parse passes it; the type is lost within pydantic
    return info.context


def _not_permitted(code: LiteralString, choices: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{choices}", {"choices": choices})


class _ToDestination(Body):
    on: Annotated[
        On | None,
        Field(
            description="The outcomes to send: `always` (the default), `problems` (every outcome except `completed`), "
            "or a list."
        ),
    ] = None

    @property
    def subscription(self) -> Subscription:
        return None if self.on is None else subscription_of(self.on)


def _checked(url: str, info: ValidationInfo, *, slack: bool) -> str:
    rules = context_in(info).rules
    if violation := check_url(url, rules, slack=True) if slack else check_callback(url, rules):
        detail = violation.for_operators if context_in(info).admin else violation.detail
        detail = f"{detail[0].upper()}{detail[1:]}"
        raise PydanticCustomError(f"policy_{violation.code}", "{detail}", {"detail": detail})
    return url


class ToSlackWebhook(_ToDestination):
    """A Slack incoming webhook."""

    type: Literal["slack_webhook"]
    url: Url
    mention: MentionField = None

    @field_validator("url")
    @classmethod
    def _is_slacks(cls, url: str, info: ValidationInfo) -> str:
        if not may_post(context_in(info).permissions, _checked(url, info, slack=True)):
            raise PydanticCustomError(
                "policy_forbidden", "Your client may not use incoming webhooks; `slack` and `named` may be open to it"
            )
        return url

    def destination(self) -> Destination:
        return SlackWebhook(url=Secret(self.url), on=self.subscription, mention=mention_of(self.mention))


class ToSlack(_ToDestination):
    """A channel to which the bridge's Slack bot posts."""

    type: Literal["slack"]
    channel: Annotated[str, Field(json_schema_extra={"pattern": CHANNEL_ID})]
    mention: MentionField = None
    live: Annotated[
        bool | None,
        Field(
            description="Whether an import that runs for more than a minute has a message there that is edited "
            "meanwhile; `false` if left out."
        ),
    ] = None
    end: Annotated[
        EndPlace | None,
        Field(
            description="Where its end is told, only with `live`: `broadcast` (the default), as a reply to that "
            "message which the channel sees as well; `reply`, in its thread only; `message`, as an ordinary message."
        ),
    ] = None

    @field_validator("channel")
    @classmethod
    def _can_be_posted_to(cls, channel: str, info: ValidationInfo) -> str:
        if not re.fullmatch(CHANNEL_ID, channel):
            raise PydanticCustomError(
                "form_wrong_format",
                "Must be the channel's id, such as C0123ABCD; Slack shows it at the end of the channel's details",
            )
        if not context_in(info).slack_bot:
            raise PydanticCustomError("policy_no_slack_bot", "The operator has not configured a Slack bot")
        channels = context_in(info).permissions.slack_channels
        if channels is not None and channel not in channels:
            raise _not_permitted("policy_forbidden", one_of(channels, "Slack channel"))
        return channel

    @field_validator("end")
    @classmethod
    def _has_a_living_message(cls, end: EndPlace | None, info: ValidationInfo) -> EndPlace | None:
        if end is not None and info.data.get("live", True) is not True:
            raise PydanticCustomError("policy_needs_live", "Is only possible with `live`: true")
        return end

    def destination(self) -> Destination:
        live = (self.end or EndPlace.BROADCAST) if self.live else None
        return SlackChannel(channel=self.channel, on=self.subscription, mention=mention_of(self.mention), live=live)


def _repetition(name: str, count: int) -> str | None:
    return f"The header {name} is present {count} times, in different cases" if count > 1 else None


class ToCallback(_ToDestination):
    """Your own URL, which receives a signed POST."""

    type: Literal["callback"]
    url: Url
    secret: Annotated[
        str | None, Field(description="A `whsec_…` secret that signs the callback instead of your client's secret.")
    ] = None
    headers: Annotated[
        Annotated[
            dict[str, str],
            Field(
                max_length=20,
                json_schema_extra={
                    "propertyNames": {"maxLength": 100},
                    "additionalProperties": {"type": "string", "minLength": 1, "maxLength": LONGEST_HEADER},
                },
            ),
        ]
        | None,
        Field(description="Headers of the callback. Their values are never shown again."),
    ] = None

    @field_validator("url")
    @classmethod
    def _may_be_reached(cls, url: str, info: ValidationInfo) -> str:
        permissions = context_in(info).permissions
        if not may_call(permissions, _checked(url, info, slack=False)):
            hosts = one_of(permissions.callback_hosts or (), "callback", subject="The host must")
            raise _not_permitted("policy_forbidden", hosts)
        return url

    @field_validator("secret")
    @classmethod
    def _is_a_secret(cls, secret: str | None) -> str | None:
        if secret is not None and (problem := check_secret(secret)):
            raise PydanticCustomError("policy_invalid_secret", "{detail}", {"detail": problem})
        return secret

    @field_validator("headers")
    @classmethod
    def _may_be_sent(cls, headers: dict[str, str] | None) -> dict[str, str] | None:
        if headers is None:
            return None
        names = Counter(name.lower() for name in headers)
        problems = [
            Problem(pointer=f"/{escape(name)}", detail=problem, code="invalid_header")
            for name, value in headers.items()
            if (problem := header_problem(name, value) or _repetition(name, names[name.lower()]))
        ]
        if problems:
            raise combined(problems)
        return headers

    def destination(self) -> Destination:
        return Callback(
            url=Secret(self.url),
            secret=None if self.secret is None else Secret(self.secret),
            headers={name: Secret(value) for name, value in (self.headers or {}).items()},
            on=self.subscription,
        )


class ToNamed(_ToDestination):
    """A destination that the operator has configured by name."""

    type: Literal["named"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=63)]

    @field_validator("name")
    @classmethod
    def _is_configured(cls, name: str, info: ValidationInfo) -> str:
        context = context_in(info)
        resolved = context.named.get(name) if context.permissions.may_name(name) else None
        if resolved is None:
            names = [each for each in context.named if context.permissions.may_name(each)]
            raise _not_permitted("policy_unknown_name", one_of(names, "named destination"))
        if not isinstance(resolved, SlackChannel):
            _checked(resolved.url.reveal(), info, slack=isinstance(resolved, SlackWebhook))
        return name

    def destination(self) -> Destination:
        return NamedDestination(name=self.name, on=self.subscription)


ToDestination: TypeAlias = Annotated[ToSlackWebhook | ToSlack | ToCallback | ToNamed, Field(discriminator="type")]
DESTINATIONS: Mapping[str, type[_ToDestination]] = {
    "slack": ToSlack,
    "slack_webhook": ToSlackWebhook,
    "callback": ToCallback,
    "named": ToNamed,
}
"""The models by their `type`."""
