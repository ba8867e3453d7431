"""The verifier of webhooks: what Svix and Standard Webhooks sign is accepted, whatever else stands in the headers."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.webhook_verification import STANDARD, SVIX, NotSigned, read_signatures

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD = "whsec_c2VydmljZS1zZWNyZXQtb2YtdGhlLXRlc3RzIQ=="
NOW = 1_795_777_009
BODY = b'{"_eventType":"person_import.csv.finished"}'
BOTH = (SVIX, STANDARD)


def signature(body: bytes = BODY, *, secret: str = SECRET, at: int = NOW, message_id: str = "msg_1") -> str:
    """Sign with the library of Standard Webhooks."""
    moment = datetime.fromtimestamp(at, UTC)
    return standardwebhooks.Webhook(secret).sign(message_id, moment, body.decode("latin-1"))


def sent(family: str = SVIX, **changes: str) -> dict[str, str]:
    """Return the headers of a genuine message, with changes of their parts."""
    parts = {"id": "msg_1", "timestamp": str(NOW), "signature": signature(), **changes}
    return {f"{family}-{part}": value for part, value in parts.items()}


def verify(
    headers: Mapping[str, str] | Sequence[tuple[str, str]],
    body: bytes = BODY,
    *,
    secrets: Sequence[str] = (SECRET,),
    now: float = NOW,
    families: Sequence[str] = BOTH,
) -> str:
    """Return the id of a message that one of the secrets verifies."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    signatures = read_signatures(pairs, now=now, families=families)
    if not any(signatures.verify(body, secret) for secret in secrets):
        raise NotSigned("no signature")
    return signatures.message_id


VECTORS = [
    (
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1731705121,
        b'{"event_type":"ping","data":{"success":true}}',
        "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    ),
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
]
"""Examples of Svix' documentation: secret, id, timestamp, body, signature."""


@pytest.mark.parametrize("vector", VECTORS)
@pytest.mark.parametrize("family", BOTH)
def test_the_published_examples_verify(family: str, vector: tuple[str, str, int, bytes, str]) -> None:
    secret, message_id, at, body, expected = vector
    headers = sent(family, id=message_id, timestamp=str(at), signature=expected)

    assert verify(headers, body, secrets=[secret], now=at) == message_id
    with pytest.raises(NotSigned):
        verify(headers, body + b" ", secrets=[secret], now=at)


@given(
    body=st.text(max_size=200),
    raw=st.binary(min_size=24, max_size=64),
    message_id=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60),
    at=st.integers(10**9, 4 * 10**9),
    family=st.sampled_from(BOTH),
)
def test_what_the_official_libraries_sign_is_accepted_and_its_forgery_refused(
    body: str, raw: bytes, message_id: str, at: int, family: str
) -> None:
    import svix  # noqa: PLC0415 - takes a quarter of a second

    secret = "whsec_" + base64.b64encode(raw).decode()
    moment = datetime.fromtimestamp(at, UTC)
    for library in (standardwebhooks.Webhook(secret), svix.Webhook(secret)):
        headers = sent(family, id=message_id, timestamp=str(at), signature=library.sign(message_id, moment, body))

        assert verify(headers, body.encode(), secrets=[OLD, secret], now=at) == message_id
        for forged in ({**headers, f"{family}-id": message_id + "x"}, {**headers, f"{family}-timestamp": str(at + 1)}):
            with pytest.raises(NotSigned):
                verify(forged, body.encode(), secrets=[OLD, secret], now=at)
        with pytest.raises(NotSigned, match="no signature"):
            verify(headers, body.encode() + b".", secrets=[OLD, secret], now=at)


GOOD = signature()
OLDS = signature(secret=OLD)


@pytest.mark.parametrize(
    "signatures",
    [
        f"{OLDS} {GOOD}",
        f"v1a,{GOOD.removeprefix('v1,')} {GOOD}",
        f"v2,abc {GOOD}",
        f"nonsense {GOOD}",
        f"v1 {GOOD}",
        f"v1,a,b {GOOD}",
        f"  {GOOD}  ",
        f"v1,é ü {GOOD}",
        f"v1, {GOOD}",
        f", ,, {GOOD}",
        " ".join(["v1,AAAA"] * 5_000 + [GOOD]),
    ],
)
def test_one_good_signature_among_any_others_is_enough(signatures: str) -> None:
    assert verify(sent(signature=signatures)) == "msg_1"


@pytest.mark.parametrize("secrets", [[SECRET], [OLD, SECRET], [SECRET, OLD]])
def test_each_of_several_secrets_verifies_while_they_are_rotated(secrets: list[str]) -> None:
    assert verify(sent(), secrets=secrets) == "msg_1"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"signature": OLDS}, "no signature"),
        ({"signature": GOOD.removeprefix("v1,")}, "no signature"),
        ({"signature": "V1" + GOOD.removeprefix("v1")}, "no signature"),
        ({"signature": f"v1a,{GOOD.removeprefix('v1,')}"}, "no signature"),
        ({"signature": GOOD + "="}, "no signature"),
        ({"signature": GOOD.replace("v1,", "v1,,")}, "no signature"),
        ({"signature": "v1,"}, "no signature"),
        ({"signature": " "}, "no signature"),
        ({"signature": ""}, "a header is missing"),
        ({"id": ""}, "a header is missing"),
        ({"timestamp": ""}, "a header is missing"),
        ({"id": "msg_2"}, "no signature"),
        ({"id": "msg 1"}, "visible ASCII"),
        ({"id": "msg_\xe9"}, "visible ASCII"),
        ({"id": "x" * 257}, "visible ASCII"),
        ({"timestamp": f"{NOW}.7"}, "not a number"),
        ({"timestamp": f"+{NOW}"}, "not a number"),
        ({"timestamp": f" {NOW}"}, "not a number"),
        ({"timestamp": "nan"}, "not a number"),
        ({"timestamp": "inf"}, "not a number"),
        ({"timestamp": "now"}, "not a number"),
        ({"timestamp": "١٢"}, "not a number"),
        ({"timestamp": "²"}, "not a number"),
        ({"timestamp": "9" * 5_000}, "not a number"),
        ({"timestamp": f"{NOW}000"}, "too far from now"),
        ({"timestamp": "0"}, "too far from now"),
        ({"timestamp": f"0{NOW}"}, "no signature"),
    ],
)
def test_any_other_message_is_refused_with_the_reason(changes: dict[str, str], why: str) -> None:
    with pytest.raises(NotSigned, match=why):
        verify(sent(**changes))


@pytest.mark.parametrize(("later", "accepted"), [(299, True), (-299, True), (301, False), (-301, False)])
def test_five_minutes_between_the_clocks_are_allowed(later: int, *, accepted: bool) -> None:
    if accepted:
        assert verify(sent(), now=NOW + later) == "msg_1"
    else:
        with pytest.raises(NotSigned, match="too far from now"):
            verify(sent(), now=NOW + later)


def test_of_two_whole_families_only_the_first_counts() -> None:
    forged = {"signature": OLDS}

    assert verify(sent(SVIX) | sent(STANDARD, **forged)) == "msg_1"
    with pytest.raises(NotSigned, match="no signature"):
        verify(sent(SVIX, **forged) | sent(STANDARD))


@pytest.mark.parametrize("part", ["id", "timestamp", "signature"])
def test_a_mixture_of_families_is_refused(part: str) -> None:
    svix_parts, standard = sent(SVIX), sent(STANDARD)
    mixed = {name: value for name, value in svix_parts.items() if name != f"svix-{part}"}

    with pytest.raises(NotSigned, match="a header is missing"):
        verify(mixed | {f"webhook-{part}": standard[f"webhook-{part}"]})
    assert verify(mixed | standard) == "msg_1"


def test_a_family_that_is_not_asked_for_counts_for_nothing() -> None:
    """A receiver acts once for each `webhook-id`, so that id must be the one that is signed."""
    replayed = sent(SVIX) | sent(STANDARD, id="msg_2")

    with pytest.raises(NotSigned, match="no signature"):
        verify(replayed, families=[STANDARD])
    with pytest.raises(NotSigned, match="missing: webhook-id, webhook-timestamp and webhook-signature are needed"):
        verify(sent(SVIX), families=[STANDARD])


@pytest.mark.parametrize("part", ["id", "timestamp", "signature"])
def test_a_header_may_be_repeated_but_not_differ(part: str) -> None:
    headers = list(sent().items())

    assert verify([*headers, *headers]) == "msg_1"
    for other in ([(f"svix-{part}", "x"), *headers], [*headers, (f"SVIX-{part.upper()}", "x")]):
        with pytest.raises(NotSigned, match=f"svix-{part} has two different values"):
            verify(other)


def test_names_of_headers_have_no_case() -> None:
    assert verify({name.title(): value for name, value in sent().items()}) == "msg_1"


def test_a_body_that_is_not_utf_8_is_verified_as_it_is() -> None:
    body = b"\xff\xfe\x00"
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    raw = base64.b64encode(hmac.digest(key, b"msg_1.%d." % NOW + body, "sha256")).decode()

    assert verify(sent(signature=f"v1,{raw}"), body) == "msg_1"
    with pytest.raises(NotSigned, match="no signature"):
        verify(sent(), body)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64"])
def test_an_empty_or_broken_secret_verifies_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match=r"empty|base64"):
        verify(sent(), secrets=[secret])


def test_without_a_secret_nothing_verifies() -> None:
    with pytest.raises(NotSigned, match="no signature"):
        verify(sent(), secrets=[])


@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from([f"{family}-{part}" for family in BOTH for part in ("id", "timestamp", "signature")]),
            st.sampled_from(["msg_1", str(NOW), GOOD, OLDS]) | st.text(max_size=30),
        ),
        max_size=9,
    ),
    body=st.just(BODY) | st.binary(max_size=30),
)
def test_any_headers_verify_or_are_refused(headers: list[tuple[str, str]], body: bytes) -> None:
    with suppress(NotSigned):
        assert verify(headers, body) == "msg_1"
        assert ("svix-id", "msg_1") in headers or ("webhook-id", "msg_1") in headers
        assert body == BODY
