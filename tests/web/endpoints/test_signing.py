"""Signing secrets and public keys: each client's own, so that a message to one does not verify as one to another."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bridge.client import NotVerified, verify_callback
from bridge.destinations.callback_signing import derived_secret
from bridge.destinations.configuration import sender_of
from bridge.errors import SettingsError
from tests.support.configuration import client
from tests.support.samples import only
from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, SERVICE_SECRET, World, opened, settings

pytestmark = pytest.mark.anyio


async def test_a_client_gets_its_own_secrets_and_public_keys(world: World) -> None:
    mine = await world.get("/v1/signing-secret")
    theirs = (await world.get("/v1/signing-secret", key=OTHER_KEY)).json()["secrets"]

    assert mine.json()["client"] == "crm"
    assert mine.json()["secrets"] == [derived_secret(SERVICE_SECRET, "crm")]
    assert theirs == [derived_secret(SERVICE_SECRET, "billing")]
    assert mine.headers["cache-control"] == "no-store"
    assert (await world.get("/v1/signing-keys")).json() == {"client": "crm", "keys": []}
    assert (await world.api.get("/v1/signing-secret")).status_code == 401
    assert (await world.api.get("/v1/signing-keys")).status_code == 401


async def test_an_admin_gets_the_secrets_of_any_client_and_others_only_their_own(world: World) -> None:
    for name in ("crm", "operator"):
        answer = await world.get("/v1/signing-secret", key=ADMIN_KEY, client=name)
        assert answer.json() == {"client": name, "secrets": [derived_secret(SERVICE_SECRET, name)]}
        assert (await world.get("/v1/signing-keys", key=ADMIN_KEY, client=name)).json() == {"client": name, "keys": []}
    assert (await world.get("/v1/signing-secret", client="crm")).json()["client"] == "crm"


async def test_an_admin_gets_the_secret_that_signs_the_callbacks_of_a_rule(redis_url: str, sandbox_url: str) -> None:
    rule = '[[rules]]\nname = "crm"\nnotify = [{type = "callback", url = "https://crm.example.com/"}]\n'
    async with opened(redis_url, sandbox_url, rule) as world:
        answer = await world.get("/v1/signing-secret", key=ADMIN_KEY, client="rule:crm")
        assert answer.json()["secrets"] == [derived_secret(SERVICE_SECRET, "rule:crm")]
        assert (await world.get("/v1/signing-secret", key=ADMIN_KEY, client="rule:x")).status_code == 422
        assert (await world.get("/v1/signing-secret", client="rule:crm")).status_code == 422


@pytest.mark.parametrize("path", ["/v1/signing-secret", "/v1/signing-keys"])
@pytest.mark.parametrize(
    ("key", "name", "code"),
    [
        (CLIENT_KEY, "billing", "forbidden"),
        (CLIENT_KEY, "operator", "forbidden"),
        (CLIENT_KEY, "no-such-client", "forbidden"),
        (ADMIN_KEY, "no-such-client", "unknown_name"),
        (ADMIN_KEY, "No Name", "wrong_format"),
    ],
)
async def test_an_invalid_client_name_is_refused(path: str, key: str, name: str, code: str, world: World) -> None:
    answer = await world.get(path, key=key, client=name)

    error = only(answer.json()["errors"])
    assert (answer.status_code, error["pointer"], error["code"]) == (422, "?client", code)


async def test_the_public_keys_are_those_that_callbacks_are_signed_with(redis_url: str, sandbox_url: str) -> None:
    key = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
    async with opened(redis_url, sandbox_url, CALLBACK_ED25519_KEYS=key) as world:
        body = {"destination": {"type": "callback", "url": world.sandbox.callback_url()}}
        await world.post("/v1/destinations/test", json=body)
        message = only(await world.sandbox.messages())
        known = only((await world.get("/v1/signing-keys")).json()["keys"])
        verifier = Ed25519PublicKey.from_public_bytes(b64decode(known.removeprefix("whpk_")))
        symmetric, asymmetric = message["headers"]["webhook-signature"].split(" ")
        headers = message["headers"]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{message['body']}"

        assert message["verified"], "by the v1 signature"
        assert symmetric.startswith("v1,")
        verifier.verify(b64decode(asymmetric.removeprefix("v1a,")), signed.encode())
        theirs = (await world.get("/v1/signing-keys", key=OTHER_KEY)).json()["keys"]
        with pytest.raises(NotVerified, match="no signature"):
            verify_callback(message["body"], headers, theirs)
        with pytest.raises(NotVerified, match="for another client"):
            verify_callback(message["body"], headers, known, client="billing")
        assert verify_callback(message["body"], headers, [*theirs, known], client="crm")["type"] == "watch.test"


def test_an_invalid_signing_key_is_a_problem_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="CALLBACK_ED25519_KEYS: key 1 must be whsk_"):
        sender_of(settings("redis://localhost", "http://localhost:1", CALLBACK_ED25519_KEYS="whsk_wrong"))


@pytest.mark.parametrize("source", ["keys", "file"])
def test_the_name_that_notices_are_signed_with_is_reserved(source: str) -> None:
    keys, config = (f"operator:{CLIENT_KEY}", "") if source == "keys" else ("", client("operator", CLIENT_KEY))

    with pytest.raises(SettingsError, match="no client may be named 'operator'"):
        settings("redis://localhost", "http://localhost:1", config, BRIDGE_API_KEYS=keys)
