"""Merging: variables and tables become the settings; what contradicts or is missing is reported."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from bridge.domain.destinations import NamedDestination, SlackChannel
from bridge.domain.watches import LONGEST_WATCH
from bridge.domain.workspaces import DEFAULT_WORKSPACE, Workspace
from bridge.settings.file.contents import INVALID, Contents
from bridge.settings.file.document import Document
from bridge.settings.model import SECRETS, Settings, Variables
from bridge.settings.parsers import NAME
from bridge.settings.problems import Place, Problem, problem, shown
from bridge.settings.slack_app import slack_problems

SANDBOX_PATH = "/rally/api/public/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    settings: Settings
    invalid: frozenset[str]
    problems: list[Problem]


def merged(
    variables: Variables,
    contents: Contents,
    document: Document | None,
    *,
    origins: Mapping[str, Place],
    invalid: frozenset[str],
    empty: Mapping[str, Place],
    whole: bool,
) -> Merged:
    """Return the settings, and the problems that only show once all sources are merged.

    `document` is None if the file can't be read; then no setting that it may contain is reported as missing. The same
    holds for the variables if `.env` was not read as a `whole`.
    """
    settings = Settings.model_construct(
        **{name: value for name, value in variables if name not in invalid},
        workspaces=_workspaces(variables, contents, invalid),
        destinations={name: table.destination() for name, table in contents.destinations.items()},
        clients=(
            *([] if "bridge_api_keys" in invalid else variables.bridge_api_keys),
            *(table.client(name) for name, table in contents.clients.items()),
        ),
        records_users=_records_users(variables, contents, invalid),
        rules=tuple(table.rule() for table in contents.rules),
        origins={**origins, **(document.places() if document else {})},
    )
    missing = {
        name: _required(sentence, empty.get(_VARIABLES.get(name, name.upper())))
        for name, sentence in _missing(settings, document, invalid)
    }
    absent = invalid | missing.keys()
    checks = [
        *_contradictions(settings, absent),
        *slack_problems(settings, absent),
        *_references(settings, document, absent),
        *_duplicates(settings),
    ]
    return Merged(settings=settings, invalid=absent, problems=[*(missing.values() if whole else ()), *checks])


def _workspaces(variables: Variables, contents: Contents, invalid: frozenset[str]) -> dict[str, Workspace]:
    """Return the valid workspaces, the default one first; in a sandbox, all of them are the sandbox's."""
    keys = {name: table.key for name, table in contents.workspaces.items()}
    if variables.rally_api_key and "rally_api_key" not in invalid:
        keys = {DEFAULT_WORKSPACE: variables.rally_api_key} | keys
    shares = {name: table.budget_share for name, table in contents.workspaces.items()}
    urls = {name: table.base_url for name, table in contents.workspaces.items()}
    secrets = {name: table.webhook_secrets for name, table in contents.workspaces.items()}
    if "rally_webhook_secrets" not in invalid:
        secrets[DEFAULT_WORKSPACE] = secrets.get(DEFAULT_WORKSPACE) or variables.rally_webhook_secrets
    links = {name: table.import_url for name, table in contents.workspaces.items()}
    if "rally_import_url" not in invalid:
        links[DEFAULT_WORKSPACE] = links.get(DEFAULT_WORKSPACE) or variables.rally_import_url
    if variables.rally_sandbox and variables.rally_api_key:
        keys = dict.fromkeys(keys, variables.rally_api_key)
        urls = dict.fromkeys(keys, variables.rally_sandbox + SANDBOX_PATH)
        secrets = dict.fromkeys(keys, variables.rally_webhook_secrets)
    return {
        name: Workspace(
            name=name,
            key=key,
            base_url=urls.get(name) or variables.rally_base_url,
            budget_share=shares.get(name) or variables.rally_budget_share,
            webhook_secrets=secrets.get(name) or (),
            import_url=links.get(name),
        )
        for name, key in sorted(keys.items(), key=lambda each: each[0] != DEFAULT_WORKSPACE)
        if urls.get(name) or "rally_base_url" not in invalid
    }


def _records_users(variables: Variables, contents: Contents, invalid: frozenset[str]) -> frozenset[str]:
    """Return the users of the configuration file, else those of the variable."""
    named = () if "slack_records_users" in invalid else variables.slack_records_users
    return frozenset(contents.records_users or named)


def _missing(settings: Settings, document: Document | None, invalid: frozenset[str]) -> Iterator[tuple[str, Problem]]:
    """Yield what is required and absent, by field. A file that can't be read may have any of its tables."""
    for name, field in Settings.model_fields.items():
        if field.is_required() and name not in invalid and not hasattr(settings, name):
            also = f" (or {name.upper()}_FILE)" if name in SECRETS else ""
            yield name, f"{name.upper()}{also} is required"
    if document is None:
        return
    in_file = DEFAULT_WORKSPACE in document.names("workspaces")
    if not in_file and not settings.rally_api_key and "rally_api_key" not in invalid:
        yield (
            "rally_api_key",
            f"RALLY_API_KEY (or RALLY_API_KEY_FILE, or {_TABLE.format('workspaces.default')}) is required",
        )
    if not document.tables.get("clients") and not settings.bridge_api_keys and "bridge_api_keys" not in invalid:
        yield "clients", f"BRIDGE_API_KEYS (or BRIDGE_API_KEYS_FILE, or {_TABLE.format('clients.NAME')}) is required"


_VARIABLES = {"clients": "BRIDGE_API_KEYS"}
"""The variables of fields that have another name."""


def _required(sentence: Problem, empty: Place | None) -> Problem:
    """Return the sentence with the place of the variable, if it is there without a text."""
    return sentence if empty is None else problem(empty, "", f"{sentence}, but it is empty")


_TABLE = "[{}] in the file of BRIDGE_CONFIG_FILE"


def _contradictions(settings: Settings, absent: frozenset[str]) -> Iterator[Problem]:
    if not {"poll_floor", "poll_ceiling"} & absent and settings.poll_floor > settings.poll_ceiling:
        yield settings.problem("POLL_FLOOR", "must not be longer than POLL_CEILING")
    if "watch_expiry" not in absent and settings.watch_expiry > LONGEST_WATCH:
        yield settings.problem("WATCH_EXPIRY", "must be at most 30d")
    if settings.egress_sandbox and settings.egress_proxy and not {"egress_sandbox", "egress_proxy"} & absent:
        yield settings.problem("EGRESS_SANDBOX", "EGRESS_PROXY is set as well; set only one of the two")
    if "slack_bot_token" not in absent and settings.slack_bot_token is None:
        for name, destination in settings.destinations.items():
            if isinstance(destination, SlackChannel):
                yield settings.problem(f"destinations.{name}", _NO_BOT)
        for rule in settings.rules:
            if any(isinstance(destination, SlackChannel) for destination in rule.notify):
                yield settings.problem(f"rules.{rule.name}.notify", _NO_BOT)


_NO_BOT = "needs a Slack bot: set SLACK_BOT_TOKEN"


def _references(settings: Settings, document: Document | None, absent: frozenset[str]) -> Iterator[Problem]:
    """Yield a problem for each setting that names a missing table of bridge.toml; an invalid table is not missing."""
    if document is None:
        return
    workspaces = {DEFAULT_WORKSPACE, *document.names("workspaces")}
    named = set(document.names("destinations"))
    if "operator_notify" not in absent and settings.operator_notify and settings.operator_notify not in named:
        yield settings.problem(
            "OPERATOR_NOTIFY", f"must name a destination of the configuration file: {_choices(named)}"
        )
    for key, what, known in (("workspaces", "workspace", workspaces), ("named", "destination", named)):
        for client, names in document.lists("clients", key):
            if unknown := [number for number, name in enumerate(names, start=1) if name not in known]:
                text = f"entry {unknown[0]} is not the name of a {what}; there are: {_choices(known)}"
                yield settings.problem(f"clients.{client}.{key}", text)
    for rule in settings.rules:
        names = [each.name for each in rule.notify if isinstance(each, NamedDestination) and each.name != INVALID]
        yield from _unknown(settings, f"rules.{rule.name}.notify", names, "destination", named)
        yield from _unknown(settings, f"rules.{rule.name}.workspaces", rule.workspaces or (), "workspace", workspaces)


def _unknown(
    settings: Settings, key: str, names: Collection[str], what: str, known: Collection[str]
) -> Iterator[Problem]:
    """Yield a problem if one of a rule's names is not known; a name may be a secret in the wrong place."""
    if unknown := sorted(set(names) - set(known)):
        yield settings.problem(key, f"{shown(unknown[0])!r} is not the name of a {what}; there are: {_choices(known)}")


def _choices(names: Collection[str]) -> str:
    return ", ".join(sorted(filter(NAME.fullmatch, names))) or "none"


def _duplicates(settings: Settings) -> Iterator[Problem]:
    """Yield what is configured both by a variable and by the file, and keys that two clients share."""
    if settings.rally_api_key and not settings.rally_sandbox and _in_file(settings, f"workspaces.{DEFAULT_WORKSPACE}"):
        yield settings.problem(
            f"workspaces.{DEFAULT_WORKSPACE}", "RALLY_API_KEY is set as well; configure this workspace in one place"
        )
    in_table = f"workspaces.{DEFAULT_WORKSPACE}.webhook_secrets"
    if settings.rally_webhook_secrets and not settings.rally_sandbox and settings.origin(in_table):
        yield settings.problem(in_table, "RALLY_WEBHOOK_SECRETS is set as well; set only one of the two")
    for name in dict.fromkeys(client.name for client in settings.bridge_api_keys):
        if _in_file(settings, f"clients.{name}"):
            yield settings.problem(
                f"clients.{name}", "is in BRIDGE_API_KEYS as well; configure this client in one place"
            )
    owners: dict[bytes, str] = {}
    for client in settings.clients:
        for digest in client.digests:
            if digest in owners:
                yield settings.problem(
                    f"clients.{client.name}.keys", f"a key occurs twice, also for {owners[digest]!r}"
                )
            owners[digest] = client.name


def _in_file(settings: Settings, key: str) -> bool:
    return key in settings.origins
