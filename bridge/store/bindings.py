"""What each sealed part is bound to, so that it opens in its own place alone.

Whoever may write to Redis could otherwise copy a client's sealed part into a record of another client's, or give the
whole record to another client by its name, which is in the clear, and read it through the API.
"""

from bridge.store import keys
from bridge.store.encryption import Binding

STORE_KEY = Binding(record=keys.SEAL, field="")


def of_watch(field: str, watch_id: str, client: str, workspace: str, import_id: str) -> Binding:
    """Bind to the import too: a watch that names another one would be answered with that import's readings."""
    return Binding(record=keys.watch(watch_id), field=field, client=client, about=keys.import_(workspace, import_id))


def of_reading(workspace: str, import_id: str) -> Binding:
    """Bind to the import alone: all its watches share its reading, and kept answers copy it."""
    return Binding(record=keys.import_(workspace, import_id), field="reading")


def of_message(delivery_id: str, client: str, watch_id: str) -> Binding:
    return Binding(record=keys.delivery(delivery_id), field="message", client=client, about=watch_id)


def of_attempt(delivery_id: str, client: str) -> Binding:
    return Binding(record=keys.attempts(delivery_id), field="", client=client)
