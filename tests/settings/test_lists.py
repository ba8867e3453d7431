"""Lists in variables: commas, blanks and line ends separate; each element is judged exactly as it is kept."""

from base64 import urlsafe_b64encode

import pytest

from bridge.checked_settings import load_checked
from bridge.domain.clients import digest
from bridge.errors import SettingsError
from bridge.settings import Settings
from tests.settings.test_model import GOOD
from tests.support.samples import only

FERNET = [urlsafe_b64encode(bytes([number]) * 32).decode() for number in range(3)]
SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2VydmljZS1zZWNyZXQtb2YtdGhlLXRlc3RzIQ=="]
KEYS = ["key-of-crm-hunter2", "key-of-ops-hunter2"]


def load(**changes: str) -> Settings:
    return load_checked({**GOOD, **changes}, env_file=None)


def problem(**changes: str) -> str:
    with pytest.raises(SettingsError) as told:
        load(**changes)
    assert "hunter2" not in str(told.value)
    return str(only(list(told.value.problems)))


@pytest.mark.parametrize("separator", [",", "\n", "\r\n", " ", ", ", ",\n", "\n\n"])
def test_every_element_is_kept_whatever_separates_them(separator: str) -> None:
    known = load(
        BRIDGE_ENCRYPTION_KEYS=separator.join(FERNET),
        CALLBACK_SECRETS=separator.join(SECRETS),
        BRIDGE_API_KEYS=separator.join([f"crm:{KEYS[0]}", f"ops:{KEYS[1]}:admin"]),
        EGRESS_ALLOW=separator.join(["10.0.0.0/8", "crm.internal"]),
        DELIVERY_SCHEDULE=separator.join(["1s", "2s"]),
    )

    assert [key.reveal() for key in known.bridge_encryption_keys] == FERNET
    assert [secret.reveal() for secret in known.callback_secrets] == SECRETS
    assert [client.digests for client in known.clients] == [(digest(key),) for key in KEYS]
    assert known.egress_allow == ("10.0.0.0/8", "crm.internal")
    assert known.delivery_schedule == (1_000, 2_000)


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("*", "https://host"),
        ("null", "https://host"),
        ("tools.example.com", "https://host"),
        ("ftp://tools.example.com", "https://host"),
        ("https://me:hunter2@tools.example.com", "https://host"),
        ("https://tools.example.com/", "as browsers send it"),
        ("https://tools.example.com/path", "as browsers send it"),
        ("https://tools.example.com?q", "as browsers send it"),
        ("https://Tools.example.com", "as browsers send it"),
        ("https://tools.example.com:443", "as browsers send it"),
        ("https://*.example.com", "without *"),
        ("https://tools.example.com:0", "port from 1"),
        ("https://bücher.example", "as browsers send it"),
    ],
)
def test_an_origin_is_taken_only_as_browsers_send_it(origin: str, told: str) -> None:
    text = problem(CORS_ORIGINS=f"https://a.example {origin}")

    assert "CORS_ORIGINS" in text
    assert "origin 2 must" in text
    assert told in text


def test_origins_are_kept_as_they_are() -> None:
    kept = ("https://tools.example.com", "http://localhost:3000", "http://[::1]:8080")

    assert load(CORS_ORIGINS=",".join(kept)).cors_origins == kept


@pytest.mark.parametrize("junk", ["!", "=", "\x00", "ä"])
def test_an_encryption_key_with_anything_added_is_refused(junk: str) -> None:
    assert "key 2 is not a Fernet key" in problem(BRIDGE_ENCRYPTION_KEYS=f"{FERNET[0]},{FERNET[1]}{junk}")


def test_a_blank_after_the_name_is_no_part_of_the_key() -> None:
    told = problem(BRIDGE_API_KEYS=f"crm: {KEYS[0]}")

    assert "entry 1 must be name:key" in told
    assert "entry 2 must be name:key" in told


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RALLY_API_KEY", '"rally-hunter2"'),
        ("RALLY_API_KEY", "'rally-hunter2'"),
        ("BRIDGE_API_KEYS", f'"crm:{KEYS[0]}"'),
        ("BRIDGE_API_KEYS", f'crm:"{KEYS[0]}"'),
        ("BRIDGE_ENCRYPTION_KEYS", f'"{FERNET[0]}"'),
        ("SLACK_BOT_TOKEN", '"xoxb-hunter2"'),
        ("REDIS_URL", '"redis://:hunter2@localhost"'),
        ("LOG_LEVEL", '"INFO"'),
    ],
)
def test_quotes_are_not_taken_as_part_of_a_value(name: str, value: str) -> None:
    told = problem(**{name: value})

    assert told.startswith(f"{name}: ")
    assert "quotes" in told


def test_a_key_that_no_client_can_send_is_refused() -> None:
    assert "visible ASCII" in problem(BRIDGE_API_KEYS="crm:ключ-из-шестнадцати-букв")


@pytest.mark.parametrize(
    "url",
    ["http://rally:99999", "http://rally:0", "http://rally,http://other", "http://ra lly", "https://٣", "http://"],
)
def test_a_url_that_cannot_be_sent_to_is_refused_at_the_start(url: str) -> None:
    for name in ("RALLY_BASE_URL", "SLACK_API_URL", "RALLY_PROXY", "EGRESS_PROXY"):
        assert problem(**{name: url}).startswith(f"{name}: "), name
