"""Secrets do not print."""

from bridge.domain.deliveries import Delivery
from bridge.domain.destinations import Callback
from bridge.domain.secret import Secret
from tests.support.samples import NOW

DELIVERY = Delivery(
    id="dlv_1",
    watch_id="wat_01",
    client="crm",
    notification_id="ntf_01",
    destination=Callback(url=Secret("https://crm.example.com/hush")),
    lane="callback:x",
    body="{}",
    queued_at=NOW,
)


def test_a_secret_does_not_print() -> None:
    secret = Secret("hush")

    assert secret.reveal() == "hush"
    assert "hush" not in f"{secret} {secret!r} {DELIVERY!r} {[secret]}"


def test_a_secret_prints_as_dots() -> None:
    assert (str(Secret("hush")), repr(Secret("hush"))) == ("•••", "Secret(•••)")
