"""The settings, checked beyond their form: that everything which they configure can be built."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from bridge.destinations.configuration import (
    check_heartbeat_url,
    diversion,
    egress_proxy,
    egress_trust,
    named_destinations,
    sender_of,
)
from bridge.errors import SettingsError
from bridge.rally.workspaces import rally_clients
from bridge.settings import Settings
from bridge.settings.loading import Draft, draft_settings
from bridge.settings.problems import Problem
from bridge.store.configuration import store_of

_CHECKS: Sequence[tuple[Callable[[Settings], object], frozenset[str]]] = (
    (store_of, frozenset({"redis_url"})),
    (rally_clients, frozenset({"rally_proxy"})),
    (egress_trust, frozenset({"egress_ca_file"})),
    (egress_proxy, frozenset({"egress_proxy"})),
    (sender_of, frozenset({"callback_ed25519_keys", "callback_secrets", "slack_api_url"})),
    (diversion, frozenset({"egress_sandbox"})),
    (check_heartbeat_url, frozenset({"operator_heartbeat_url", "egress_allow", "egress_sandbox"})),
    (named_destinations, frozenset({"egress_allow", "egress_sandbox"})),
)
"""What is built from the settings, and the fields that it needs."""


def load_checked(environ: Mapping[str, str] | None = None, env_file: str | None = ".env") -> Settings:
    """Return the settings; raises SettingsError with every problem, also of what is well-formed but can't be used."""
    return check_draft(draft_settings(environ, env_file)).settings


def check_draft(draft: Draft) -> Draft:
    """Return a draft that has no problems; raises SettingsError with all of them."""
    if problems := all_problems(draft):
        raise SettingsError(problems)
    return draft


def all_problems(draft: Draft) -> list[Problem]:
    """Return the problems of the settings, and those of building the resources from the valid ones."""
    return list(dict.fromkeys([*draft.problems, *_unusable(draft.settings, draft.invalid)]))


def check_usable(settings: Settings) -> None:
    """Raise SettingsError naming every setting that is well-formed but from which nothing can be built."""
    if problems := list(dict.fromkeys(_unusable(settings, frozenset()))):
        raise SettingsError(problems)


def _unusable(settings: Settings, invalid: frozenset[str]) -> Iterator[Problem]:
    for build, needed in _CHECKS:
        if needed & invalid:
            continue
        try:
            build(settings)
        except SettingsError as error:
            yield from error.problems
