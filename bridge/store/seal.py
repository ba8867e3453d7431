"""The sealed word: shows at the start whether our keys open what this store holds."""

from bridge.errors import SealBroken, SettingsError
from bridge.secrets import Sealer
from bridge.store import keys
from bridge.store.connection import Store

WORD = "rally-bridge"


async def check_seal(store: Store, sealer: Sealer) -> None:
    """Open the word, or leave it where there is none; seal it anew, so that an old key may be dropped in time.

    Raises SettingsError when the store was sealed with keys that we do not have.
    """
    sealed = await store.call("GET", keys.SEAL)
    if sealed is not None:
        try:
            sealer.open(sealed)
        except SealBroken as error:
            raise SettingsError(
                ["BRIDGE_ENCRYPTION_KEYS: none of these keys opens what this Redis holds; add the one that sealed it"]
            ) from error
    await store.call("SET", keys.SEAL, sealer.seal(WORD))
