"""Fingerprints: equal for equal texts under one key, and short where people compare them."""

import re

import pytest

from bridge.store.encryption import Fingerprinter


def with_key(key: str) -> Fingerprinter:
    fingerprinter = Fingerprinter()
    fingerprinter.set_key(key)
    return fingerprinter


def test_a_short_fingerprint_depends_on_the_text_and_on_the_key() -> None:
    ours, others = with_key("a" * 64), with_key("b" * 64)

    assert re.fullmatch("[0-9a-f]{8}", ours.short("https://crm.example.com:443/x"))
    assert ours.short("one") == with_key("a" * 64).short("one")
    assert len({ours.short("one"), ours.short("two"), others.short("one")}) == 3


def test_without_a_key_there_are_no_fingerprints() -> None:
    with pytest.raises(RuntimeError, match="no key is set"):
        Fingerprinter().short("one")
