"""The store's own key."""

import pytest
from cryptography.fernet import Fernet

from bridge.domain.secret import Secret
from bridge.errors import DecryptionFailed, SettingsError
from bridge.store import keys
from bridge.store.bindings import STORE_KEY
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor
from bridge.store.store_key import store_key

pytestmark = pytest.mark.anyio


async def test_a_store_encrypted_with_other_keys_is_refused_with_a_sentence(store: Store) -> None:
    old, new = (Secret(Fernet.generate_key().decode()) for _ in range(2))
    key = await store_key(store, Encryptor([old]))
    with pytest.raises(SettingsError, match="BRIDGE_ENCRYPTION_KEYS"):
        await store_key(store, Encryptor([new]))

    assert await store_key(store, Encryptor([new, old])) == key
    assert await store_key(store, Encryptor([new])) == key
    with pytest.raises(DecryptionFailed):
        Encryptor([old]).decrypt(await store.call("GET", keys.STORE_KEY), STORE_KEY)
