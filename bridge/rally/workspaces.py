"""The clients of Rally that the settings configure: one for each workspace."""

from bridge.domain.times import SECOND
from bridge.domain.workspaces import Workspace
from bridge.errors import SettingsError
from bridge.http import check_proxy
from bridge.http.trust import system_trust
from bridge.rally.client import RallyClient
from bridge.settings import Settings
from bridge.settings.problems import Problem

POLL_SLOTS = 50
"""The number of concurrent polls of one worker in one workspace, each over its own connection."""


def rally_clients(settings: Settings) -> dict[str, RallyClient]:
    """Return a client for each workspace, with its own slots, so that a hanging workspace doesn't block the others.

    Raises SettingsError when a base URL or RALLY_PROXY is not usable.
    """
    if settings.rally_proxy is not None and (wrong := check_proxy(settings.rally_proxy)):
        raise SettingsError([settings.problem("RALLY_PROXY", wrong)])
    clients: dict[str, RallyClient] = {}
    problems: list[Problem] = []
    for workspace in settings.workspaces.values():
        try:
            clients[workspace.name] = client_of(workspace, settings)
        except ValueError as error:
            problems.append(settings.problem(settings.workspace_key(workspace.name, "base_url"), str(error)))
    if problems:
        raise SettingsError(list(dict.fromkeys(problems)))
    return clients


def client_of(workspace: Workspace, settings: Settings) -> RallyClient:
    """Return a client of a workspace; raises ValueError for an invalid base URL."""
    return RallyClient(
        base_url=workspace.base_url,
        key=workspace.key,
        slots=POLL_SLOTS,
        # Half of the lease, so that a request that starts within the other half ends before the lease does.
        total_timeout=settings.poll_lease / 2 / SECOND,
        trust=system_trust,
        proxy=settings.rally_proxy,
    )
