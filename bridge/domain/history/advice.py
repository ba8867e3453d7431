"""What a person can do about a watch, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote

from bridge.domain.delivery.deliveries import Delivery, DeliveryState
from bridge.domain.destinations import NamedDestination
from bridge.domain.history.wait_reasons import WaitingFor, WaitReason
from bridge.domain.imports import Absence
from bridge.domain.outcomes import Outcome
from bridge.domain.rules.rules import rule_of
from bridge.domain.watches import Watch, WatchState

_WAITS: Mapping[WaitReason, str] = {
    WaitReason.NO_WORKER: "Start a worker: `rally-bridge worker`. `/readyz` lists those that are alive.",
    WaitReason.REPLICAS: "Connect more replicas to Redis; `rally-bridge doctor` says how many there are and must be.",
    WaitReason.REDIS_FULL: "Give Redis more memory: raise its `maxmemory`.",
    WaitReason.BUDGET: "Wait, or let other programs with the same Rally account make fewer calls: find them by their "
    "API keys in Rally. `RALLY_BUDGET_SHARE` is the part of the limit that the bridge may use.",
    WaitReason.RALLY_PAUSE: "Wait. If this repeats, another program uses up the limit of the same Rally account: "
    "find it by its API key in Rally, and slow it down.",
    WaitReason.RALLY_DOWN: "Check that Rally is up, and `RALLY_BASE_URL` and `RALLY_PROXY`: `rally-bridge doctor`.",
    WaitReason.KEY_REFUSED: "Set a valid API key of the workspace (`RALLY_API_KEY`), and restart all processes.",
    WaitReason.IMPORTS_VANISHED: "Check the base URL of the workspace, and which imports its API key may see.",
    WaitReason.WORKSPACE_UNKNOWN: "Configure the workspace again, or cancel the watch.",
    WaitReason.RETRY_AFTER: "Wait: the receiver accepts no message before that time.",
    WaitReason.DIGEST: "Wait for the digest.",
}
_ENDS: Mapping[Outcome, str] = {
    Outcome.NOT_FOUND: "Check the id of the import and the workspace of the watch, then watch it again.",
    Outcome.FORBIDDEN: "Let the API key of the workspace see the import in Rally, then watch it again.",
    Outcome.TIMED_OUT: "Watch the import again, with a longer `expiresIn`.",
}
_ABSENT: Mapping[Absence, str] = {
    Absence.NOT_FOUND: "If the import exists, check its id and the workspace of the watch.",
    Absence.FORBIDDEN: "If the import exists, let the API key of the workspace see it in Rally.",
}


def advice(watch: Watch, deliveries: Sequence[Delivery], waiting: WaitingFor | None) -> Iterator[str]:
    """Yield what can be done; nothing if all is well."""
    if waiting is not None and waiting.reason in _WAITS:
        yield _WAITS[waiting.reason]
    if watch.state is WatchState.WATCHING and (absence := _absence(watch)) is not None:
        yield _ABSENT[absence]
    if watch.outcome is not None and watch.outcome in _ENDS:
        yield _ENDS[watch.outcome]
    states = {each.state for each in deliveries}
    yield from _failing(deliveries)
    yield from _abandoned(watch, deliveries)
    if states == {DeliveryState.SKIPPED} and rule_of(watch.client) is not None:
        test = f"rally-bridge rules test {quote(watch.import_id)}"
        yield f"If this was to be told, change the rule: `{test}` says what each does."
    if DeliveryState.DELIVERED in states and states <= {DeliveryState.DELIVERED, DeliveryState.SKIPPED}:
        yield "If a delivered message is not seen, search the receiver's own log for the time of the attempt."
    if watch.state is WatchState.SETTLED and not watch.notify:
        yield "Name destinations in `notify` to be told."


def _failing(deliveries: Sequence[Delivery]) -> Iterator[str]:
    """Yield where a person finds the answers to the failed attempts, if attempts fail."""
    for each in deliveries:
        if each.state is DeliveryState.PENDING and each.failures and each.retry_after is None:
            yield "Repair the receiver; the next attempt then succeeds."
            yield f"Its answers: `rally-bridge show {each.id}`."
            return


def _abandoned(watch: Watch, deliveries: Sequence[Delivery]) -> Iterator[str]:
    """Yield how an abandoned message is sent again, and what to do if its address is no longer the right one.

    A redelivery goes to the address of the watch, so a webhook that was replaced needs another watch, unless the
    configuration has the address.
    """
    abandoned = [each for each in deliveries if each.state is DeliveryState.ABANDONED]
    if not abandoned:
        return
    yield f"Repair the receiver, then send again: `rally-bridge redeliver {watch.id}`."
    moved = "If its address has changed,"
    names = sorted({each.destination.name for each in abandoned if isinstance(each.destination, NamedDestination)})
    if names:
        yield f"{moved} first correct {', '.join(names)} in `bridge.toml`, and restart all processes."
    if any(not isinstance(each.destination, NamedDestination) for each in abandoned):
        yield f"{moved} watch the import with the new one: `rally-bridge watch {quote(watch.import_id)} …`."


def _absence(watch: Watch) -> Absence | None:
    """Return why Rally did not show the import of an open watch at the last poll; None if that is not known."""
    status = None if watch.last_poll is None else watch.last_poll.status
    return {404: Absence.NOT_FOUND, 403: Absence.FORBIDDEN}.get(status or 0)
