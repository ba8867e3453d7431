"""The clients of Rally that the settings configure: one for each workspace."""

from bridge.domain.times import SECOND
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.errors import SettingsError
from bridge.http.trust import system_trust
from bridge.rally.client import RallyClient
from bridge.settings import Settings

POLL_SLOTS = 50
"""Concurrent polls of one worker in one workspace, each over its own connection."""


def rally_clients(settings: Settings) -> dict[str, RallyClient]:
    """Return a client for each workspace, with its own slots, so that a hanging workspace doesn't block the others.

    Raises SettingsError when a base URL is not usable.
    """
    accounts = {DEFAULT_WORKSPACE: (settings.rally_base_url, settings.rally_api_key)} | {
        workspace.name: (workspace.base_url or settings.rally_base_url, workspace.key)
        for workspace in settings.rally_workspaces
    }
    # Half of the lease, so that a request that starts within the other half ends before the lease does.
    total_timeout = settings.poll_lease / 2 / SECOND
    try:
        return {
            name: RallyClient(
                base_url=base_url, key=key, slots=POLL_SLOTS, total_timeout=total_timeout, trust=system_trust
            )
            for name, (base_url, key) in accounts.items()
        }
    except ValueError as error:
        raise SettingsError([f"RALLY_BASE_URL or RALLY_WORKSPACES: {error}"]) from error
