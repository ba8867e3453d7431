"""The records of new deliveries without a watch: of digests, summaries and notices."""

from bridge.domain.destinations import Destination
from bridge.store import bindings, codec
from bridge.store.calls.lua import Argument
from bridge.store.encryption import Encryptor


def message_fields(
    encryptor: Encryptor, delivery_id: str, client: str, destination: Destination, body: str
) -> list[Argument]:
    """Return the fields of a delivery, each followed by its value; scripts add those that depend on the time."""
    message = codec.dump({"destination": codec.dump_destination(destination), "body": body})
    encrypted = encryptor.encrypt(message, bindings.of_message(delivery_id, client, ""))
    return ["notification", delivery_id, "attempts", 0, "failures", 0, "reason", "", "message", encrypted]
