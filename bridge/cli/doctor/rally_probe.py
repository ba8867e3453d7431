"""The probe of Rally: a GET of an import that can't exist, from every workspace; it changes nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bridge.cli.doctor.redis_probe import PATIENCE, local_now
from bridge.domain.imports import Absence, Absent, Reply
from bridge.domain.secret import Secret
from bridge.ids import new_id
from bridge.rally.client import RallyClient
from bridge.rally.responses import unanswered
from bridge.rally.workspaces import client_of
from bridge.resources import Resources


@dataclass(frozen=True, slots=True)
class RallyProbe:
    """Rally's reply, and whether it answers the same to any key, as a wrong address does."""

    reply: Reply
    any_key: bool = False


async def probe_rally(resources: Resources) -> Mapping[str, RallyProbe]:
    """Probe every workspace: one call each, and another one with a made-up key where the first finds nothing."""
    probes = await asyncio.gather(*(_probe(resources, workspace) for workspace in resources.rally))
    return dict(zip(resources.rally, probes, strict=True))


async def _probe(resources: Resources, workspace: str) -> RallyProbe:
    reply = await _ask(resources.rally[workspace])
    if reply.answer != Absent(Absence.NOT_FOUND):
        return RallyProbe(reply)
    made_up = replace(resources.settings.workspaces[workspace], key=Secret(new_id("doctor-")))
    client = client_of(made_up, resources.settings)
    try:
        return RallyProbe(reply, any_key=(await _ask(client)).answer == reply.answer)
    finally:
        await client.aclose()


async def _ask(client: RallyClient) -> Reply:
    import_id = new_id("doctor-")
    try:
        async with asyncio.timeout(PATIENCE):
            reply = await client.get_import(import_id, at=local_now)
    except TimeoutError:
        return unanswered(f"no answer within {PATIENCE:g} s", import_id, local_now())
    except Exception as error:  # noqa: BLE001 - whatever it was, it must not hide the other findings
        return unanswered(f"the check broke ({type(error).__name__})", import_id, local_now())
    assert reply is not None  # noqa: S101 - None only for a call with a deadline for its start
    return reply
