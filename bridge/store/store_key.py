"""The store's own key, sealed: shows at the start whether our keys open what is there; marks what is compared."""

import secrets

from bridge.errors import DecryptionFailed, SettingsError
from bridge.store import keys
from bridge.store.bindings import STORE_KEY
from bridge.store.connection import Store
from bridge.store.encryption import Encryptor


async def store_key(store: Store, encryptor: Encryptor) -> str:
    """Open the key, or make it where there is none; seal it anew, so that an old sealing key may be dropped in time.

    Raises SettingsError when the store was sealed with keys that we do not have.
    """
    await store.call("SET", keys.SEAL, encryptor.encrypt(secrets.token_hex(32), STORE_KEY), "NX")
    try:
        key = encryptor.decrypt(await store.call("GET", keys.SEAL), STORE_KEY)
    except DecryptionFailed as error:
        raise SettingsError(
            ["BRIDGE_ENCRYPTION_KEYS: none of these keys opens what this Redis holds; add the one that sealed it"]
        ) from error
    await store.call("SET", keys.SEAL, encryptor.encrypt(key, STORE_KEY))
    return key
