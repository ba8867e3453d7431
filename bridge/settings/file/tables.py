"""The tables of the configuration file: workspaces, destinations and clients. Rules are in `rule_tables.py`."""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bridge.domain.clients import DIGEST_PREFIX, Client, Permissions, SlackTeam
from bridge.domain.destinations import CHANNEL_ID, Callback, ResolvedDestination, SlackChannel, SlackWebhook
from bridge.domain.living.end_place import EndPlace
from bridge.domain.mentions import USER_ID, Mention
from bridge.domain.secret import Secret
from bridge.settings import parsers
from bridge.settings.file.mention_fields import AnyOutcomesField, Users, mention_of, problems
from bridge.settings.file.secret_fields import SecretField, secret_fields

_DIGEST = r"^sha256:[0-9a-f]{64}$"
_HOST = r"^((\*\.)?[^\s/:@*]+|[0-9a-fA-F:.]+)$"
_TEAM = r"^T[A-Z0-9]{2,30}$"
_APP = r"^A[A-Z0-9]{2,30}$"
SENTENCES = {
    "extra_forbidden": "is not known",
    "missing": "is required",
    "list_type": "must be a list",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "greater_than": "must be more than {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "too_short": "must have at least {min_length} element",
    "too_long": "must have at most {max_length} elements",
    _DIGEST: "must be sha256: and 64 hexadecimal digits, as `rally-bridge keys new` prints it",
    CHANNEL_ID: "must be a channel's id, such as C0123ABCD; its details in Slack show it at the very end",
    _TEAM: "must be the id of a Slack workspace, such as T0123ABCD",
    _APP: "must be the id of a Slack app, such as A0123ABCD; Slack shows it under Basic Information",
    _HOST: "must be a host alone, such as crm.example.com or *.example.com",
}
"""The sentence for each type of pydantic's findings, or for the pattern that is not matched."""

SecretText: TypeAlias = Annotated[Secret, BeforeValidator(parsers.visible), WithJsonSchema({"type": "string"})]
SecretUrl: TypeAlias = Annotated[Secret, BeforeValidator(parsers.secret_url), WithJsonSchema({"type": "string"})]
ChannelId: TypeAlias = Annotated[str, StringConstraints(pattern=CHANNEL_ID)]
Host: TypeAlias = Annotated[str, StringConstraints(pattern=_HOST, to_lower=True)]


class Table(BaseModel):
    """The base class of tables: unknown keys are errors, and values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add `x_file` and `x_env` of each secret to the schema of a table."""
        described = handler(schema)
        table = handler.resolve_ref_schema(described)
        for name, mark in secret_fields(cls):
            if not mark.each:
                _add_forms(table, name)
        return described


def _add_forms(table: dict[str, Any], name: str) -> None:
    forms = {
        f"{name}_file": "The path of a file that holds it, relative to this file.",
        f"{name}_env": "The name of an environment variable that holds it.",
    }
    table["properties"] |= {form: {"type": "string", "description": text} for form, text in forms.items()}
    table["properties"][name].pop("default", None)
    one_of: list[dict[str, Any]] = [{"required": [form]} for form in (name, *forms)]
    if name in table.get("required", []):
        table["required"].remove(name)
    else:
        one_of.append({"not": {"anyOf": list(one_of)}})
    table.setdefault("allOf", []).append({"oneOf": one_of})


class MentionTable(Table):
    """Whom the messages to a Slack destination mention."""

    users: Users
    on: Annotated[AnyOutcomesField, Field(default_factory=problems, description="The outcomes that mention them.")]

    def mention(self) -> Mention:
        return mention_of(self.users, self.on)


MentionField: TypeAlias = Annotated[MentionTable | None, Field(description="Whom its messages mention.")]


def _end_place(value: object) -> EndPlace:
    try:
        return EndPlace(str(value))
    except ValueError:
        raise ValueError('must be "broadcast", "reply" or "message"') from None


class WorkspaceTable(Table):
    """A Rally account."""

    key: Annotated[SecretText, SecretField(), Field(description="The API key of the Rally workspace.")]
    base_url: Annotated[
        Annotated[str, BeforeValidator(parsers.base_url)] | None,
        Field(description="The address of Rally's API; RALLY_BASE_URL if left out."),
    ] = None
    budget_share: Annotated[
        Annotated[float, Field(gt=0, le=1)] | None,
        Field(description="The part of its rate limit to use; RALLY_BUDGET_SHARE if left out."),
    ] = None

    webhook_secrets: Annotated[
        tuple[Secret, ...] | None,
        BeforeValidator(parsers.webhook_secrets),
        SecretField(listed=True),
        WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1}),
        Field(description="The whsec_… secrets of Rally's pushes to this workspace, newest first."),
    ] = None
    import_url: Annotated[
        Annotated[str, BeforeValidator(parsers.import_url)] | None,
        Field(description="The address of an import in Rally's app, with {importId} for the id; links lead there."),
    ] = None


class SlackWebhookTable(Table):
    """A Slack incoming webhook."""

    type: Literal["slack_webhook"]
    url: Annotated[SecretUrl, SecretField(), Field(description="The webhook's URL, which is a secret.")]

    mention: MentionField = None

    def destination(self) -> ResolvedDestination:
        return SlackWebhook(url=self.url, mention=None if self.mention is None else self.mention.mention())


class SlackTable(Table):
    """A channel to which the Slack bot (SLACK_BOT_TOKEN) posts."""

    type: Literal["slack"]
    channel: Annotated[ChannelId, Field(description="The channel's id, such as C0123ABCD.")]

    mention: MentionField = None
    live: Annotated[bool, Field(description="Whether an import has a message there that is edited while it runs.")] = (
        False
    )
    end: Annotated[
        Annotated[EndPlace, BeforeValidator(_end_place), WithJsonSchema({"enum": list(EndPlace)})] | None,
        Field(description="Where its end is told, only with live: broadcast (the default), reply or message."),
    ] = None

    @model_validator(mode="after")
    def _end_only_with_live(self) -> Self:
        if self.end is not None and not self.live:
            raise ValueError("end is only possible with live = true")
        return self

    def destination(self) -> ResolvedDestination:
        mention = None if self.mention is None else self.mention.mention()
        live = (self.end or EndPlace.BROADCAST) if self.live else None
        return SlackChannel(channel=self.channel, mention=mention, live=live)


class CallbackTable(Table):
    """An HTTP endpoint that receives signed callbacks."""

    type: Literal["callback"]
    url: Annotated[SecretUrl, SecretField(), Field(description="Its URL, which may hold a secret.")]
    secret: Annotated[
        Secret | None,
        BeforeValidator(parsers.callback_secret),
        SecretField(),
        WithJsonSchema({"type": "string"}),
        Field(description="A whsec_… secret that signs instead of the client's."),
    ] = None
    headers: Annotated[
        dict[str, Annotated[Secret, BeforeValidator(Secret), WithJsonSchema({"type": "string"})]],
        SecretField(each=True),
        Field(max_length=20, description="Headers to send along; each may be given as NAME_file or NAME_env as well."),
    ] = {}

    def destination(self) -> ResolvedDestination:
        return Callback(url=self.url, secret=self.secret, headers=self.headers)


class SlackAppTable(Table):
    """What people may do with the Slack app."""

    records_users: Annotated[
        list[Annotated[str, StringConstraints(pattern=USER_ID)]],
        Field(description="The ids of the users who may read failed records; default: none."),
    ] = []


class SlackTeamTable(Table):
    """A Slack workspace, and the app that is installed there."""

    team: Annotated[str, StringConstraints(pattern=_TEAM), Field(description="The id of the workspace (T…).")]
    app: Annotated[str, StringConstraints(pattern=_APP), Field(description="The id of the app (A…).")]


class ClientTable(Table):
    """An internal tool that may call the API, and what it may use; what is left out is allowed without restriction.

    With `slack`, it is a Slack workspace, and needs no key.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["keys"]}, {"required": ["slack"]}]})

    keys: Annotated[
        list[Annotated[str, StringConstraints(pattern=_DIGEST)]],
        Field(min_length=1, max_length=2, description="The digests of its key; two while a key is rotated."),
    ] = []
    slack: Annotated[
        SlackTeamTable | None, Field(description="The Slack workspace whose people may use the app, and the app.")
    ] = None
    admin: Annotated[bool, Field(description="Whether it sees the watches of all clients.")] = False
    workspaces: Annotated[list[str] | None, Field(description="The workspaces that it may use.")] = None
    slack_channels: Annotated[list[ChannelId] | None, Field(description="The channels that it may post to.")] = None
    named: Annotated[list[str] | None, Field(description="The destinations of this file that it may use.")] = None
    callback_hosts: Annotated[list[Host] | None, Field(description="The hosts that it may send callbacks to.")] = None

    @model_validator(mode="after")
    def _can_be_recognized(self) -> Self:
        if not self.keys and self.slack is None:
            raise ValueError("keys is required, except for a client with slack")
        return self

    def client(self, name: str) -> Client:
        permissions = Permissions(
            workspaces=_set(self.workspaces),
            slack_channels=_set(self.slack_channels),
            named=_set(self.named),
            callback_hosts=_set(self.callback_hosts),
        )
        digests = tuple(bytes.fromhex(key.removeprefix(DIGEST_PREFIX)) for key in self.keys)
        slack = None if self.slack is None else SlackTeam(team=self.slack.team, app=self.slack.app)
        return Client(name=name, admin=self.admin, digests=digests, permissions=permissions, slack=slack)


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


DestinationTable: TypeAlias = SlackWebhookTable | SlackTable | CallbackTable
DESTINATION_TABLES: dict[str, type[SlackWebhookTable] | type[SlackTable] | type[CallbackTable]] = {
    "slack_webhook": SlackWebhookTable,
    "slack": SlackTable,
    "callback": CallbackTable,
}
"""The model of a destination for each `type`."""

Name: TypeAlias = Annotated[str, StringConstraints(pattern=f"^{parsers.NAME.pattern}$")]
