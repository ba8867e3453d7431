"""Fuzzing: any input - bytes, headers, texts, variables - gives a value or the error that is meant for it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from bridge.checked_settings import load_checked
from bridge.destinations import Sender, callback, prepare
from bridge.destinations.callback_signing import Signing, derived_secret, sign
from bridge.destinations.configuration import egress_proxy, egress_rules, named_destinations
from bridge.destinations.lanes import lane_of
from bridge.destinations.slack import message as slack_message
from bridge.domain.callback_secrets import LONGEST, SHORTEST, check_secret, encode_secret
from bridge.domain.conclusions import Conclusion
from bridge.domain.delivery.delivery_schedule import RETRY_AFTER_HONOURED
from bridge.domain.destinations import Callback
from bridge.domain.imports import OverLimit, Read, Reading, Unanswered, Unusable
from bridge.domain.notices.notices import Notice
from bridge.domain.notifications import build_notification
from bridge.domain.outcomes import outcome_of
from bridge.domain.polling.budget import LONGEST_RALLY_PAUSE
from bridge.domain.retry_after import retry_after
from bridge.domain.secret import Secret
from bridge.domain.times import DAY, SECOND
from bridge.domain.watches import Watch
from bridge.errors import SettingsError
from bridge.rally import decipher
from bridge.rally.workspaces import rally_clients
from bridge.settings import load_settings
from bridge.settings.model import SECRETS, Variables
from bridge.store import codec
from bridge.store.configuration import store_of
from bridge.store.encryption import Binding, Encryptor
from tests.settings.test_model import GOOD as GOOD_SETTINGS
from tests.support.slack_messages import assert_harmless, assert_inert, texts, units

NOW = 1_800_000_000_000
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=30)
OF_DATES = """Sun Sunday Mon Nov Jan 06 6 31 0 99 1994 9999 0000 08:49:37 24:00:60 GMT UTC EST +0000 -9999 +99999999
    , - : . ; ٣ 1 60 1800000060 1e5 inf nan 0x1F -1 +3 1_0"""
DATELIKE = st.builds(
    str.join, st.sampled_from([" ", "", ", ", "-"]), st.lists(st.sampled_from(OF_DATES.split()), max_size=9)
)
DATE = st.datetimes().map(lambda at: at.replace(tzinfo=UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"))
HEADER_TEXT = ANY_TEXT | DATELIKE | DATE | st.integers().map(str) | st.floats().map(str) | st.just("9" * 5_000)


# Rally's responses.

LIMITS = ("X-RateLimit-Limit", "x-ratelimit-remaining", "X-RATELIMIT-RESET", "Retry-After", "date", "Content-Type")
FIELDS = ("importId", "type", "status", "personCount", "failedRecords", "updatedAt", "personId", "email")
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | ANY_TEXT
    | st.sampled_from(["imp", "COMPLETED", 10**4_000])
)
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | ANY_TEXT, inner, max_size=8),
    max_leaves=20,
)
RECORD = st.fixed_dictionaries(
    {}, optional={"personId": st.none() | ANY_TEXT, "email": st.none() | ANY_TEXT, "more": JSON}
)
IMPORT = st.fixed_dictionaries(
    {
        "importId": st.just("imp"),
        "type": ANY_TEXT,
        "status": st.sampled_from(["COMPLETED", "ERROR", "UPLOADING"]) | ANY_TEXT,
        "personCount": st.sampled_from([0, 7, 2**53, 10**4_000, 10**4_299]) | st.integers(0),
    },
    optional={
        "failedRecords": st.none() | st.lists(RECORD, max_size=4),
        "updatedAt": st.none() | ANY_TEXT,
        "more": JSON,
    },
)
BODY = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    IMPORT.map(lambda value: json.dumps(value).encode()),
    IMPORT.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    st.tuples(IMPORT, st.integers(0, 300)).map(lambda both: json.dumps(both[0]).encode()[: both[1]]),
    st.tuples(
        st.sampled_from([b"[", b'{"a":', b'{"failedRecords":[', b"\xef\xbb\xbf", b"9", b"\\u"]), st.integers(1, 3_000)
    ).map(lambda both: both[0] * both[1]),
)


@example(
    status=200,
    headers=[],
    body=b'{"importId":"imp","type":"","status":"ERROR","personCount":1' + b"0" * 4_000 + b"}",
    at=NOW,
)
@given(
    status=st.just(200) | st.sampled_from([401, 403, 404, 429, 500]) | st.integers(),
    headers=st.lists(st.tuples(st.sampled_from(LIMITS) | ANY_TEXT, HEADER_TEXT), max_size=10),
    body=BODY,
    at=st.integers(0, 4 * 10**12),
)
def test_any_response_of_rally_is_understood_and_can_be_stored_and_sent(
    status: int, headers: list[tuple[str, str]], body: bytes, at: int
) -> None:
    reply = decipher(status=status, headers=headers, body=body, import_id="imp", at=at)

    match reply.answer:
        case Read(reading):
            assert status == 200
            assert_it_can_be_stored_and_sent(reading)
        case Unusable(reason) | Unanswered(reason):
            assert 0 < len(reason) < 100
        case OverLimit(wait):
            assert wait is None or 0 <= wait <= LONGEST_RALLY_PAUSE
    if reply.allowance is not None:
        assert 0 <= reply.allowance.remaining <= reply.allowance.limit
        assert 0 <= reply.allowance.resets_in <= LONGEST_RALLY_PAUSE


HERE = Binding(record="rb:import:default:imp", field="reading")
ENCRYPTOR = Encryptor([Secret(GOOD_SETTINGS["BRIDGE_ENCRYPTION_KEYS"])])


def assert_it_can_be_stored_and_sent(reading: Reading) -> None:
    encrypted = ENCRYPTOR.encrypt(codec.dump(reading), HERE)
    assert codec.load_reading(codec.load(ENCRYPTOR.decrypt(encrypted, HERE))) == reading
    if (outcome := outcome_of(reading)) is None:
        return
    watch = Watch(
        id="wat_1", client="crm", workspace="default", import_id="imp", created_at=0, grace_until=0, expires_at=DAY
    )
    notification = build_notification(watch, Conclusion(outcome), reading, NOW)
    assert_harmless(json.loads(slack_message.render(notification, show_emails=False)))
    body = callback.render(notification)
    assert len(body.encode()) <= callback.BODY_LIMIT
    assert json.loads(body)["data"]["outcome"] == outcome.value


# Responses of destinations.


@given(asked=HEADER_TEXT, date=st.none() | HEADER_TEXT, now=st.integers(0, 4 * 10**12))
def test_any_retry_after_is_a_bounded_wait_or_none(asked: str, date: str | None, now: int) -> None:
    headers = {"retry-after": asked} | ({} if date is None else {"date": date})

    wait = retry_after(headers, now, at_most=RETRY_AFTER_HONOURED)

    assert wait is None or 0 <= wait <= RETRY_AFTER_HONOURED


@given(wait=st.integers(0, DAY // SECOND), skew=st.integers(-(10**9), 10**9))
def test_a_retry_after_in_seconds_equals_one_as_a_date_of_any_clock(wait: int, skew: int) -> None:
    def date(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")

    sent = NOW // SECOND + skew
    as_date = {"retry-after": date(sent + wait), "date": date(sent)}

    assert (
        retry_after(as_date, NOW, at_most=RETRY_AFTER_HONOURED)
        == retry_after({"retry-after": str(wait)}, NOW, at_most=RETRY_AFTER_HONOURED)
        == wait * SECOND
    )


# Messages in Slack.

OF_LURES = """<!channel> <@U1> <#C1> <https://e.example|bank> https://e.example www.e.example mailto:a@b.example @here
    #general :tada: *b* _i_ ~s~ `c` ``` &amp; &lt; & < > | ! ^ א e.example"""
UNSEEN = ["\u202e", "\u2066", "\u2069", "\n", "\r", "\u2028", "\ud800", "\x00", " "]
LURES = st.lists(st.sampled_from(OF_LURES.split() + UNSEEN) | ANY_TEXT, max_size=12).map("".join)


@given(text=LURES, times=st.sampled_from([1, 60]))
def test_any_notice_to_the_operator_is_harmless(text: str, times: int) -> None:
    payload = json.loads(slack_message.render_notice(Notice(type="x", at=NOW, text=f"Workspace {text * times}")))

    assert_inert(payload["text"])
    assert units(payload["text"]) <= 4_000
    for shown in texts(payload):
        assert 1 <= units(shown["text"]) <= 3_000
    assert "<" not in payload["blocks"][1]["text"]["text"]
    assert payload["blocks"][1]["text"]["type"] == "plain_text"


@given(label=LURES, reason=LURES, record=LURES, import_id=LURES, times=st.sampled_from([1, 7, 60]))
def test_deceptive_text_has_no_effect_in_slack(
    label: str, reason: str, record: str, import_id: str, times: int
) -> None:
    body = {
        "importId": import_id,
        "type": "CSV",
        "status": "COMPLETED",
        "personCount": 1,
        "failedRecords": [{"personId": "r" + record * times, "email": record}] * 4,
    }
    raw = json.dumps(body).encode()
    found = decipher(status=200, headers=[], body=raw, import_id=import_id, at=NOW).answer
    assume(isinstance(found, Read))
    assert isinstance(found, Read)
    watch = Watch(
        id="wat_1",
        client="crm",
        workspace="default",
        import_id=import_id,
        label=label * times,
        created_at=0,
        grace_until=0,
        expires_at=DAY,
    )
    outcome = outcome_of(found.reading)
    assert outcome is not None

    notification = build_notification(watch, Conclusion(outcome, reason * times), found.reading, NOW)

    assert_harmless(json.loads(slack_message.render(notification, show_emails=False)))


# Signatures.

RAW_SECRET = st.binary(min_size=SHORTEST, max_size=LONGEST)
WRITTEN = st.text(st.characters(codec="utf-8"), max_size=50)
JSON_BODY = st.dictionaries(WRITTEN, WRITTEN | st.integers(), max_size=4).map(
    lambda body: json.dumps(body, ensure_ascii=False)
)


def written(raw: bytes) -> str:
    return encode_secret(raw)


@given(
    raws=st.lists(RAW_SECRET, min_size=1, max_size=3, unique=True), own=st.booleans(), body=JSON_BODY, client=WRITTEN
)
def test_two_other_libraries_verify_our_signatures_with_any_secret(
    raws: list[bytes],
    own: bool,  # noqa: FBT001 - Hypothesis draws it
    body: str,
    client: str,
) -> None:
    from svix.webhooks import Webhook as SvixWebhook  # noqa: PLC0415 - takes a quarter of a second
    from svix.webhooks import WebhookVerificationError as SvixVerificationError  # noqa: PLC0415 - likewise

    secrets = [written(raw) for raw in raws]
    destination = Callback(url=Secret("https://crm.example.com"), secret=Secret(secrets[0]) if own else None)
    now = int(datetime.now(UTC).timestamp() * SECOND)  # the verifiers check the clock

    request = prepare(
        destination,
        body,
        notification_id="ntf_1",
        client=client,
        now=now,
        sender=Sender(signing=Signing(tuple(Secret(secret) for secret in secrets))),
    )

    headers = dict(request.headers)
    for secret in secrets[:1] if own else [derived_secret(secret, client) for secret in secrets]:
        assert Webhook(secret).verify(request.body, headers) == json.loads(body)
        assert SvixWebhook(secret).verify(request.body, headers) == json.loads(body)
        forged = request.body + b" "
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(forged, headers)
        with pytest.raises(SvixVerificationError):
            SvixWebhook(secret).verify(forged, headers)


@given(text=ANY_TEXT | ANY_TEXT.map(lambda text: f"whsec_{text}") | st.binary(max_size=80).map(written))
def test_any_text_is_a_usable_secret_or_reported_as_invalid(text: str) -> None:
    if check_secret(text) is None:
        assert sign("ntf_1", 1, b"{}", [Secret(text)]) == Webhook(text).sign(
            "ntf_1", datetime.fromtimestamp(1, UTC), "{}"
        )


# Settings.

GOOD_BASE_URL = Variables.model_fields["rally_base_url"].default
CANARY = "CANARY9"
"""A text that no message has a reason to contain."""
OF_VARIABLES = f"""{CANARY} crm:{CANARY} eu:{CANARY}@ {CANARY}:x@y ops=https://{CANARY} redis://:{CANARY}@ whsec_
    http:// https:// redis:// unix:// : @ , = + / ? # [ ] % \u2100 \uff0f é \udc80 admin workspaces= slack: callback: 5s
    1h30m 9d 0s 0.5 nan inf 1e999 default eu crm localhost:6379 10.0.0.0/8 *.example.com [::1]:80 DEBUG info"""
PIECES = st.sampled_from(OF_VARIABLES.split())
VARIABLE = st.lists(
    PIECES | st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=8), max_size=8
).map("".join)


def loaded(changes: Mapping[str, str]) -> Any:
    """Load settings, and build from them what every process builds at its start."""
    known = load_settings({**GOOD_SETTINGS, **changes}, env_file=None)
    egress_rules(known)
    store_of(known, 0)
    for address in named_destinations(known).values():
        lane_of(address)
    egress_proxy(known)
    if known.rally_base_url != GOOD_BASE_URL or known.rally_proxy or known.rally_sandbox:
        rally_clients(known)
    for account in known.workspaces.values():
        headers = {"Authorization": f"Bearer {account.key.reveal()}"}
        httpx.Request("GET", f"{account.base_url}/imports/imp", headers=headers)
    return known


@pytest.mark.parametrize("name", [field.upper() for field in Variables.model_fields])
@given(text=VARIABLE)
@example(text=f"redis://:{CANARY}@\u2100.com")
@example(text=f"redis://:{CANARY}/x@localhost:6379")
@example(text=f"ops=https://{CANARY}\u2100.com")
@example(text=f"{CANARY}@x:y@z")
@example(text="ключ-из-шестнадцати-букв")
@example(text="eu:k@http://٣")
@example(text="http://٣")
@example(text="\udc80")
def test_any_text_in_a_variable_is_accepted_or_refused_by_its_name(name: str, text: str) -> None:
    assert_refused_by_name(name, {name: text}, secret=name.lower() in SECRETS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", [field.upper() for field in SECRETS])
@given(raw=VARIABLE.map(lambda text: text.encode("utf-8", "surrogateescape")))
@example(raw=b"")
@example(raw=b"\xff" + CANARY.encode())
def test_any_file_of_a_secret_is_accepted_or_refused_by_its_name(tmp_path: Path, name: str, raw: bytes) -> None:
    (tmp_path / "secret").write_bytes(raw)

    assert_refused_by_name(name, {name: "", f"{name}_FILE": str(tmp_path / "secret")}, secret=True)


TABLES = [
    "[workspaces.eu]\nkey = {}",
    '[workspaces.eu]\nkey = "k"\nbase_url = {}',
    "[workspaces.eu]\nkey_file = {}",
    '[workspaces.eu]\nkey = "k"\nwebhook_secrets = [{}]',
    '[workspaces.eu]\nkey = "k"\nwebhook_secrets_file = {}',
    "[workspaces.eu]\nkey_env = {}",
    '[destinations.x]\ntype = "callback"\nurl = {}',
    '[destinations.x]\ntype = "slack_webhook"\nurl = {}',
    '[destinations.x]\ntype = "callback"\nurl = "https://x.example/"\nsecret = {}',
    '[destinations.x]\ntype = "callback"\nurl = "https://x.example/"\nheaders = {{X-A = {}}}',
    "[destinations.x]\ntype = {}",
    "[destinations.{0}]",
    "[clients.x]\nkeys = [{0}, {0}]",
    "[clients.x]\nkeys = []\n{0} = {0}",
    "{0} = {0}",
    "[[rules]]\nname = {0}\nnotify = [{0}]",
    '[[rules]]\nname = "x"\nnotify = [{{type = "slack_webhook", url = {}}}]',
    '[[rules]]\nname = "x"\n[[rules.notify]]\ntype = "callback"\nurl_env = {}',
    '[[rules]]\nname = "x"\nnotify = [{{type = {0}}}]\nworkspaces = [{0}]\ntypes = [{0}]\noutcomes = [{0}]',
    '[[rules]]\nname = "x"\noutcomes = {0}\nmax_age = {0}\nmode = {0}\nmention = {{users = [{0}], on = {0}}}',
    '[[rules]]\nname = "x"\ndigest = {{every = {0}, at = {0}, zone = {0}}}\nonly_if = {{failed_share = {0}}}',
    '[[rules]]\nname = "x"\nnotify = []\n{0} = {0}',
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("template", TABLES)
@given(text=VARIABLE)
@example(text="")
@example(text=f"{CANARY}{CANARY}{CANARY}")
def test_any_text_in_the_configuration_file_is_accepted_or_refused_with_its_line(
    tmp_path: Path, template: str, text: str
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(template.format(json.dumps(text, ensure_ascii=False)), "utf-8", "surrogatepass")
    try:
        known = load_checked({**GOOD_SETTINGS, "BRIDGE_CONFIG_FILE": str(file)}, env_file=None)
    except SettingsError as error:
        for problem in error.problems:
            assert problem.startswith(f"{file}:")
            assert CANARY * 3 not in problem
    else:
        assert CANARY not in repr(known) or "base_url" in template  # which is no secret


def assert_refused_by_name(name: str, changes: Mapping[str, str], *, secret: bool) -> None:
    with suppress(SettingsError):
        assert CANARY not in repr(loaded(changes)) or not secret
        return
    with pytest.raises(SettingsError) as caught:
        loaded(changes)
    for problem in caught.value.problems:
        assert name in problem
        assert CANARY not in problem or not secret
