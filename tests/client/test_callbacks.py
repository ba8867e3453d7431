"""Callbacks that a receiver verifies: genuine ones, forged ones and old ones."""

import time
from base64 import b64decode, b64encode
from hmac import digest
from typing import Any

import pytest

from bridge.client import NotVerified, verify_callback
from bridge.destinations import callback
from bridge.destinations.callback_signing import Signing
from bridge.domain.destinations import Callback
from bridge.domain.secret import Secret
from tests.support.world import SECRET


def sent(body: str, now: int, secret: str = SECRET) -> dict[str, str]:
    """Sign as the bridge itself does."""
    destination = Callback(url=Secret("https://crm.example.com"), secret=Secret(secret))
    signing = Signing((), ())
    request = callback.prepare(
        destination, body, notification_id="ntf_1", client="crm", now=now * 1000, signing=signing
    )
    return dict(request.headers)


BODY = '{"type": "import.completed", "timestamp": "2026-11-24T09:30:00Z", "data": {"label": "Pänel"}}'
NOBODYS = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
OTHER = "whsec_c2VydmljZS1zZWNyZXQtb2YtdGhlLXRlc3RzIQ=="


@pytest.mark.parametrize("secrets", [SECRET, [OTHER, SECRET]])
@pytest.mark.parametrize("body", [BODY, BODY.encode()])
def test_a_genuine_callback_is_verified(body: str | bytes, secrets: Any) -> None:
    now = int(time.time())
    assert verify_callback(body, sent(BODY, now), secrets)["data"] == {"label": "Pänel"}
    shouted = {name.upper(): value for name, value in sent(BODY, now).items()}
    assert verify_callback(body, shouted, secrets, now=now + 299)["type"] == "import.completed"


@pytest.mark.parametrize(
    ("changes", "body", "secret", "later", "why"),
    [
        ({}, BODY + " ", SECRET, 0, "no signature"),
        ({}, BODY, OTHER, 0, "no signature"),
        ({}, BODY, SECRET, 301, "too far from now"),
        ({}, BODY, SECRET, -301, "too far from now"),
        ({"webhook-id": "ntf_2"}, BODY, SECRET, 0, "no signature"),
        ({"webhook-id": ""}, BODY, SECRET, 0, "missing"),
        ({"webhook-timestamp": "now"}, BODY, SECRET, 0, "is not a number"),
        ({"webhook-timestamp": "9" * 5000}, BODY, SECRET, 0, "is not a number"),
        ({"webhook-timestamp": "١٢"}, BODY, SECRET, 0, "is not a number"),
        ({"webhook-signature": "v1,"}, BODY, SECRET, 0, "no signature"),
        ({"webhook-signature": "v1,ä"}, BODY, SECRET, 0, "no signature"),
        ({}, BODY, "whsec_", 0, "a secret is"),
        ({}, BODY, "", 0, "a secret is"),
        ({}, BODY, "whpk_AAAA", 0, "a public key is"),
        ({"webhook-signature": "v1a,AAAA v1a,ä"}, BODY, NOBODYS, 0, "no signature"),
    ],
)
def test_a_forged_or_old_callback_is_refused(
    changes: dict[str, str], body: str, secret: str, later: int, why: str
) -> None:
    now = 1_800_000_000
    with pytest.raises(NotVerified, match=why):
        verify_callback(body, {**sent(BODY, now), **changes}, secret, now=now + later)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"data": 1, "type": NaN', b"2"])
def test_a_signed_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    now = 1_800_000_000
    raw = b64encode(digest(b64decode(SECRET.removeprefix("whsec_")), b"ntf_1.%d." % now + body, "sha256")).decode()
    headers = {"webhook-id": "ntf_1", "webhook-timestamp": str(now), "webhook-signature": f"v1,{raw}"}

    with pytest.raises(NotVerified, match="the body is not a JSON object"):
        verify_callback(body, headers, SECRET, now=now)


@pytest.mark.parametrize("body", ['{"type": "x"}', '{"data": null}', '{"data": [1]}'])
def test_a_message_that_names_no_client_is_for_another_one(body: str) -> None:
    now = 1_800_000_000

    with pytest.raises(NotVerified, match="for another client"):
        verify_callback(body, sent(body, now), SECRET, client="crm", now=now)


def test_headers_of_svix_do_not_stand_in_for_those_of_a_callback() -> None:
    now = 1_800_000_000
    renamed = {name.replace("webhook-", "svix-"): value for name, value in sent(BODY, now).items()}

    with pytest.raises(NotVerified, match="missing"):
        verify_callback(BODY, renamed, SECRET, now=now)
    with pytest.raises(NotVerified, match="no signature"):
        verify_callback(BODY, renamed | sent(BODY, now) | {"webhook-id": "ntf_2"}, SECRET, now=now)
