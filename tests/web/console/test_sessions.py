"""Sessions of the console: sealed, bound to their key, and over after eight hours."""

import pytest
from cryptography.fernet import Fernet

from bridge.domain.clients import Client, digest
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR
from bridge.store.encryption import Binding, Encryptor
from bridge.web.console.sessions import SESSION_LASTS, client_of, is_token_of, new_session, seal, unseal

NOW = 1_800_000_000_000
KEY = "rbk_key-of-the-client"
CLIENT = Client(name="crm", digests=(digest("rbk_an-older-key"), digest(KEY)))
SESSION = new_session(NOW, client="crm", key=digest(KEY))


@pytest.fixture(scope="module")
def encryptor() -> Encryptor:
    return Encryptor([Secret(Fernet.generate_key().decode())])


def test_a_cookie_holds_the_session_until_it_is_over(encryptor: Encryptor) -> None:
    cookie = seal(encryptor, SESSION)
    assert unseal(encryptor, cookie, NOW + 8 * HOUR - 1) == SESSION
    assert unseal(encryptor, cookie, NOW + 8 * HOUR) is None
    assert unseal(encryptor, cookie, NOW - 1) is None
    assert SESSION_LASTS == 8 * HOUR


def test_a_cookie_shows_neither_the_client_nor_the_key(encryptor: Encryptor) -> None:
    cookie = seal(encryptor, SESSION)
    assert "crm" not in cookie
    assert SESSION.key not in cookie
    assert SESSION.key not in repr(SESSION)
    assert SESSION.csrf not in repr(SESSION)


@pytest.mark.parametrize("cookie", ["", "x", "é", "gAAAAA" * 20])
def test_what_is_not_our_cookie_is_no_session(encryptor: Encryptor, cookie: str) -> None:
    assert unseal(encryptor, cookie, NOW) is None


def test_another_encrypted_text_of_ours_is_no_session(encryptor: Encryptor) -> None:
    other = encryptor.encrypt("{}", Binding(record="rb:watch:wat_1", field="private"))
    assert unseal(encryptor, other, NOW) is None


def test_a_session_ends_when_its_key_leaves_the_configuration() -> None:
    assert client_of(SESSION, [CLIENT]) == CLIENT
    assert client_of(SESSION, [Client(name="crm", digests=(digest("rbk_an-older-key"),))]) is None
    assert client_of(SESSION, [Client(name="billing", digests=(digest(KEY),))]) is None
    assert client_of(new_session(NOW), [CLIENT]) is None


def test_each_session_has_its_own_token() -> None:
    other = new_session(NOW)
    assert is_token_of(SESSION, SESSION.csrf)
    assert not is_token_of(SESSION, other.csrf)
    assert not is_token_of(SESSION, "")
    assert not is_token_of(SESSION, "\udcff")
