"""The store's own key, encrypted: proves at startup that our keys fit, and is the key of fingerprints."""

import secrets

from bridge.errors import DecryptionFailed, SettingsError
from bridge.store import keys
from bridge.store.bindings import STORE_KEY
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor


async def store_key(store: Store, encryptor: Encryptor) -> str:
    """Return the key; create it if missing. Encrypt it again, so that old encryption keys can be dropped later.

    Raises SettingsError if the store was encrypted with keys that are not configured.
    """
    await store.call("SET", keys.STORE_KEY, encryptor.encrypt(secrets.token_hex(32), STORE_KEY), "NX")
    try:
        key = encryptor.decrypt(await store.call("GET", keys.STORE_KEY), STORE_KEY)
    except DecryptionFailed as error:
        raise SettingsError(
            ["BRIDGE_ENCRYPTION_KEYS: none of these keys decrypts what is in this Redis; add the one that encrypted it"]
        ) from error
    await store.call("SET", keys.STORE_KEY, encryptor.encrypt(key, STORE_KEY))
    return key
