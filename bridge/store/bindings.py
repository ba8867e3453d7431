"""The record and field that each encrypted part is bound to, so that it cannot be decrypted elsewhere.

Otherwise someone with write access to Redis could copy a client's encrypted part into a record of their own, or change
the plain client name of a record, and read it through the API.
"""

from bridge.store import keys
from bridge.store.encryption import Binding

STORE_KEY = Binding(record=keys.STORE_KEY, field="")


def of_watch(field: str, watch_id: str, client: str, workspace: str, import_id: str) -> Binding:
    """Bind to the import too: otherwise a watch could be pointed at another client's import and return its readings."""
    return Binding(record=keys.watch(watch_id), field=field, client=client, about=keys.import_(workspace, import_id))


def of_reading(workspace: str, import_id: str) -> Binding:
    """Bind to the import alone: all its watches share the reading, and stored replies copy it."""
    return Binding(record=keys.import_(workspace, import_id), field="reading")


def of_note(workspace: str, import_id: str) -> Binding:
    return Binding(record=keys.notes(workspace, import_id), field="")


def of_record_set(set_id: str, workspace: str, import_id: str) -> Binding:
    return Binding(record=keys.record_set(set_id, workspace, import_id), field="")


def of_record_read(workspace: str, import_id: str) -> tuple[Binding, Binding]:
    """Return the bindings of the reading and of the records."""
    record = keys.record_read(workspace, import_id)
    return Binding(record=record, field="reading"), Binding(record=record, field="records")


def of_slack_answer(team: str, fingerprint: str) -> Binding:
    return Binding(record=keys.slack_request(team, fingerprint), field="answer", client=team)


def of_slack_wish(watch_id: str) -> Binding:
    return Binding(record=keys.slack_wish(watch_id), field="wish")


def of_nudge_state(watch_id: str, client: str) -> Binding:
    return Binding(record=keys.watch(watch_id), field="nudge_state", client=client)


def of_message(delivery_id: str, client: str, watch_id: str) -> Binding:
    return Binding(record=keys.delivery(delivery_id), field="message", client=client, about=watch_id)


def of_posted(delivery_id: str, client: str) -> Binding:
    return Binding(record=keys.delivery(delivery_id), field="posted", client=client)


def of_living(receiver: str, workspace: str, import_id: str) -> Binding:
    return Binding(record=keys.living(receiver, workspace, import_id), field="posted")


def of_attempt(delivery_id: str, client: str) -> Binding:
    return Binding(record=keys.attempts(delivery_id), field="", client=client)
