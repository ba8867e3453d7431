"""Secrets do not print."""

from bridge.domain.secret import Secret
from tests.support.samples import DELIVERY


def test_a_secret_does_not_print() -> None:
    secret = Secret("hush")

    assert secret.reveal() == "hush"
    assert "hush" not in f"{secret} {secret!r} {DELIVERY!r} {[secret]}"


def test_a_secret_prints_as_dots() -> None:
    assert (str(Secret("hush")), repr(Secret("hush"))) == ("•••", "Secret(•••)")
