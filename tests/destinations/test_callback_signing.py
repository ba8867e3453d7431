"""Signatures and the derivation of secrets and keys."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest

from bridge.client import NotVerified, verify_callback
from bridge.destinations import Sender, prepare
from bridge.destinations.callback_signing import (
    Signing,
    check_private_key,
    derived_key,
    derived_secret,
    public_key,
    sign,
    sign_asymmetrically,
)
from bridge.domain.callback_secrets import check_secret
from bridge.domain.destinations import Callback
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLDER = "whsec_" + "b2xkZXItb2xkZXItb2xkZXItb2xkZXIh"
CALLBACK = Callback(url=Secret("https://crm.example.com/hook"))


def test_the_vector_of_standard_webhooks() -> None:
    signature = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [Secret(SECRET)])

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


ED25519 = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
SEED_ALONE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc="
NEWER_ED25519 = f"whsk_{'A' * 43}="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


def test_the_vector_of_asymmetric_signatures() -> None:
    body = b'{"test": 2432232314}'
    signature = sign_asymmetrically("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, Secret(ED25519))

    assert signature == ("v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==")
    assert public_key(Secret(ED25519)) == PUBLIC


def test_each_client_has_its_own_keys_and_messages_to_others_do_not_verify() -> None:
    signing = Signing((Secret(SECRET),), (Secret(ED25519), Secret(NEWER_ED25519)))
    now = int(datetime.now(UTC).timestamp())
    headers = headers_of(CALLBACK, signing, body='{"data":{"client":"alice"}}', client="alice")

    for_alice, for_bob = signing.public_keys_of("alice"), signing.public_keys_of("bob")
    assert len({PUBLIC, *for_alice, *for_bob}) == 5
    for key in for_alice:
        assert verify_callback('{"data":{"client":"alice"}}', headers, key, now=now)
    with pytest.raises(NotVerified, match="no signature"):
        verify_callback('{"data":{"client":"alice"}}', headers, [*for_bob, PUBLIC], now=now)


def test_derived_keys_never_change() -> None:
    # Receivers have stored the public ones: another derivation would break every one of them.
    assert public_key(derived_key(Secret(ED25519), "crm")) == "whpk_qs/MTZ0HUoYnO2vl79Fcs+BrEfBg+ceWzsP7aZ9xU64="
    assert derived_key(Secret(SEED_ALONE), "crm") == derived_key(Secret(ED25519), "crm")


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        (ED25519, None),
        (SEED_ALONE, None),
        (SECRET, "must be whsk_"),
        ("whsk_", "must be whsk_"),
        ("whsk_MTIz", "must be whsk_"),
        ("whsk_!", "must be whsk_"),
        (f"whsk_!{'A' * 43}=", "must be whsk_"),
        (f"whsk_{'A' * 86}==", "holds a public key that is not its seed's"),
    ],
)
def test_a_private_key_is_a_seed_with_or_without_its_public_key(key: str, complaint: str | None) -> None:
    found = check_private_key(key)

    assert (found is None) if complaint is None else complaint in (found or "")


def headers_of(callback: Callback, signing: Signing, *, body: str = "{}", client: str = "crm") -> dict[str, str]:
    now = int(datetime.now(UTC).timestamp() * SECOND)  # the verifier looks at the clock
    return dict(
        prepare(
            callback, body, notification_id="ntf_1", client=client, now=now, sender=Sender(signing=signing)
        ).headers,
    )


def test_each_client_has_its_own_secrets() -> None:
    signing = Signing((Secret(SECRET), Secret(OLDER)))

    assert [secret.reveal() for secret in signing.secrets_of("crm")] == [
        derived_secret(SECRET, "crm"),
        derived_secret(OLDER, "crm"),
    ]
    assert derived_secret(SECRET, "crm") != derived_secret(SECRET, "crn")
    assert len(b64decode(derived_secret(SECRET, "crm").removeprefix("whsec_"))) == 32
    assert check_secret(derived_secret(SECRET, "crm")) is None


def test_derived_secrets_never_change() -> None:
    # Receivers have stored them: another derivation would break every one of them.
    assert derived_secret(SECRET, "crm") == "whsec_TGmn6m640f0bv0SafD5URdqbX1GbCc0txvQW5AdUZLQ="
