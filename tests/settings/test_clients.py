"""Clients: known by the digests of their keys, and confined to what the operator lets them use."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import main
from bridge.destinations.egress.client_permissions import may_call, may_use
from bridge.domain.clients import Permissions, digest
from bridge.domain.destinations import Callback, SlackWebhook
from bridge.domain.secret import Secret
from bridge.errors import SettingsError
from bridge.settings import load_settings
from tests.settings.test_model import GOOD
from tests.support.configuration import client, destination, workspace
from tests.support.samples import only
from tests.support.world import World, bearer, opened, reopened
from tests.support.world import settings as settings_of

pytestmark = pytest.mark.anyio
OLD_KEY, NEW_KEY, OTHER_KEY = "rbk_old-key-of-panels", "rbk_new-key-of-panels", "rbk_key-of-everything"
CLIENTS = f"""
[clients.panels]
keys = ["sha256:{digest(OLD_KEY).hex()}", "sha256:{digest(NEW_KEY).hex()}"]
workspaces = ["default"]
slack_channels = ["C0PANELS1"]
named = ["research"]
callback_hosts = ["panels.example.com", "*.panels.example.com"]

[clients.everything]
keys = ["sha256:{digest(OTHER_KEY).hex()}"]
"""


@pytest.fixture
async def confined(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    named = [destination(name, "callback", f"https://{name}.example.com/x") for name in ("research", "ops")]
    config = "\n".join([CLIENTS, workspace("eu", "key"), *named])
    async with opened(redis_url, sandbox_url, config, BRIDGE_API_KEYS="") as world:
        yield world


@pytest.mark.parametrize("key", [OLD_KEY, NEW_KEY, OTHER_KEY])
async def test_each_key_of_the_file_opens(confined: World, key: str) -> None:
    assert (await confined.api.get("/v1/watches", headers=bearer(key))).status_code == 200


async def test_two_keys_of_one_client_see_the_same_watches(confined: World) -> None:
    watch = await confined.watch("imp", key=OLD_KEY)
    for key, status in ((NEW_KEY, 200), (OTHER_KEY, 404)):
        assert (await confined.get(f"/v1/watches/{watch['id']}", key=key)).status_code == status


async def test_the_digest_itself_is_no_key(confined: World) -> None:
    for key in (digest(OLD_KEY).hex(), f"sha256:{digest(OLD_KEY).hex()}"):
        assert (await confined.api.get("/v1/watches", headers=bearer(key))).status_code == 401


@pytest.mark.parametrize(
    ("wish", "pointer", "code"),
    [
        ({"workspace": "eu"}, "/workspace", "unknown_workspace"),
        ({"notify": [{"type": "slack", "channel": "C0ANOTHER"}]}, "/notify/0/channel", "forbidden"),
        (
            {"notify": [{"type": "slack_webhook", "url": "https://hooks.slack.com/services/T/B/X"}]},
            "/notify/0/url",
            "forbidden",
        ),
        ({"notify": [{"type": "callback", "url": "https://crm.example.com/x"}]}, "/notify/0/url", "forbidden"),
        ({"notify": [{"type": "callback", "url": "https://evilpanels.example.com/"}]}, "/notify/0/url", "forbidden"),
        ({"notify": [{"type": "named", "name": "ops"}]}, "/notify/0/name", "unknown_name"),
    ],
)
async def test_a_client_uses_only_what_it_is_allowed(
    confined: World, wish: dict[str, object], pointer: str, code: str
) -> None:
    refused = await confined.post("/v1/watches", key=OLD_KEY, json={"importId": "imp", **wish})
    error = only(refused.json()["errors"])
    assert (refused.status_code, error["pointer"], error["code"]) == (422, pointer, code)
    allowed = await confined.post("/v1/watches", key=OTHER_KEY, json={"importId": "imp", **wish})
    assert allowed.status_code == 202, allowed.text


async def test_what_a_client_is_allowed_is_accepted(confined: World) -> None:
    notify = [
        {"type": "slack", "channel": "C0PANELS1"},
        {"type": "named", "name": "research"},
        {"type": "callback", "url": "https://PANELS.example.com/x"},
        {"type": "callback", "url": "https://eu.panels.example.com/x"},
    ]
    await confined.watch("imp", key=NEW_KEY, notify=notify)


@pytest.mark.parametrize(
    ("wished", "may"),
    [
        ({"type": "callback", "url": "SANDBOX/inbox/callbacks/crm"}, False),
        ({"type": "slack_webhook", "url": "SANDBOX/inbox/services/T000/B000/XXXX"}, False),
        ({"type": "slack", "channel": "C0ANOTHER"}, False),
        ({"type": "slack", "channel": "C0PANELS1"}, True),
        ({"type": "named", "name": "ops"}, False),
        ({"type": "named", "name": "research"}, True),
    ],
)
async def test_a_destination_no_longer_permitted_is_not_redelivered_to(
    redis_url: str, sandbox_url: str, wished: dict[str, str], *, may: bool
) -> None:
    inbox = f"{sandbox_url}/inbox/callbacks"
    named = destination("research", "callback", f"{inbox}/r") + destination("ops", "callback", f"{inbox}/o")
    async with opened(redis_url, sandbox_url, named, BRIDGE_API_KEYS=f"panels:{OLD_KEY}") as before:
        await before.sandbox.set_import("imp", ("ERROR", 0))
        for place in ("crm", "r", "o", "slack"):
            await before.sandbox.set_answers(place, {"status": 410})
        wish = {name: value.replace("SANDBOX", sandbox_url) for name, value in wished.items()}
        watch = await before.watch(key=OLD_KEY, notify=[wish])
        await before.poll()
        await before.deliver()
    async with reopened(redis_url, sandbox_url, CLIENTS + named, BRIDGE_API_KEYS="") as after:
        one = f"/v1/deliveries/{only((await after.get('/v1/deliveries', key=OLD_KEY)).json()['data'])['id']}"
        ended = (await after.get(one, key=OLD_KEY)).json()
        assert (ended["watchId"], ended["state"]) == (watch["id"], "abandoned")
        if not may:
            refused = await after.post(f"{one}/redeliver", key=OLD_KEY)
            assert (refused.status_code, refused.json()["type"]) == (403, "/docs#forbidden")
        many = {"state": "abandoned", "since": "2026-01-01T00:00:00Z"}
        redelivered = (await after.post("/v1/deliveries/redeliver", key=OLD_KEY, json=many)).json()["redelivered"]
        assert redelivered == int(may)
        assert (await after.get(one, key=OLD_KEY)).json()["state"] == ("pending" if may else "abandoned")


@pytest.mark.parametrize("may", [False, True])
async def test_a_workspace_no_longer_permitted_is_not_redelivered_from(
    redis_url: str, sandbox_url: str, *, may: bool
) -> None:
    eu = workspace("eu", "key")
    async with opened(redis_url, sandbox_url, eu, BRIDGE_API_KEYS=f"panels:{OLD_KEY}") as before:
        await before.sandbox.set_import("imp", ("ERROR", 0))
        await before.sandbox.set_answers("crm", {"status": 410})
        await before.watch(key=OLD_KEY, notify=[{"type": "callback", "url": before.sandbox.callback_url()}])
        await before.poll()
        await before.deliver()
    confined = client("panels", OLD_KEY, workspaces=["eu", "default"] if may else ["eu"])
    async with reopened(redis_url, sandbox_url, eu + confined, BRIDGE_API_KEYS="") as after:
        one = f"/v1/deliveries/{only((await after.get('/v1/deliveries', key=OLD_KEY)).json()['data'])['id']}"
        many = {"state": "abandoned", "since": "2026-01-01T00:00:00Z"}
        redelivered = (await after.post("/v1/deliveries/redeliver", key=OLD_KEY, json=many)).json()["redelivered"]
        answer = await after.post(f"{one}/redeliver", key=OLD_KEY)

        assert redelivered == int(may)
        assert (answer.status_code, answer.json().get("type")) == (
            (409, "/docs#delivery-pending") if may else (403, "/docs#forbidden")
        )
        assert (await after.get(one, key=OLD_KEY)).json()["state"] == ("pending" if may else "abandoned")


async def test_a_destination_is_tested_only_by_who_may_use_it(confined: World) -> None:
    body = {"destination": {"type": "callback", "url": "https://crm.example.com/x"}}
    refused = await confined.post("/v1/destinations/test", key=OLD_KEY, json=body)
    assert (refused.status_code, only(refused.json()["errors"])["code"]) == (422, "forbidden")


async def test_each_watch_of_a_batch_is_held_to_what_its_client_may_use(confined: World) -> None:
    wishes = [{"type": "slack", "channel": channel} for channel in ("C0PANELS1", "C0ANOTHER")]
    body = {"watches": [{"importId": "imp", "notify": [wish]} for wish in wishes]}
    answer = await confined.post("/v1/watches/batch", key=OLD_KEY, json=body)
    assert [each["status"] for each in answer.json()["results"]] == [202, 422]


def test_a_suffix_does_not_mean_the_bare_name() -> None:
    permissions = Permissions(callback_hosts=frozenset({"*.example.com"}))
    assert [
        may_call(permissions, f"https://{host}/hook") for host in ("a.example.com", "example.com", "aexample.com")
    ] == [
        True,
        False,
        False,
    ]


def test_a_list_that_is_empty_allows_nothing() -> None:
    config = client("a", OLD_KEY, callback_hosts=[], named=[])
    (known,) = settings_of("redis://", "http://s.invalid", config, BRIDGE_API_KEYS="").clients

    assert (may_call(known.permissions, "https://a.example.com/hook"), known.permissions.named) == (
        False,
        frozenset(),
    )


@pytest.mark.parametrize(
    ("permissions", "url", "may"),
    [
        (Permissions(), "https://chat.example.com/hooks/x", True),
        (Permissions(callback_hosts=frozenset()), "https://chat.example.com/hooks/x", False),
        (Permissions(callback_hosts=frozenset({"chat.example.com"})), "https://chat.example.com/hooks/x", True),
        (Permissions(callback_hosts=frozenset()), "https://hooks.slack.com/services/T/B/X", True),
        (Permissions(slack_channels=frozenset({"C0PANELS1"})), "https://hooks.slack.com/services/T/B/X", False),
        (Permissions(slack_channels=frozenset({"C0PANELS1"})), "https://hooks.slack-gov.com/services/T/B/X", False),
        (Permissions(slack_channels=frozenset({"C0PANELS1"})), "https://HOOKS.SLACK.COM./services/T/B/X", False),
        (Permissions(slack_channels=frozenset({"C0PANELS1"})), "https://hooks。slack。com/services/T/B/X", False),
        (Permissions(slack_channels=frozenset({"C0PANELS1"})), "https://chat.example.com/hooks/x", True),
        (Permissions(callback_hosts=frozenset()), "no URL", False),
    ],
)
def test_an_incoming_webhook_at_a_host_that_is_not_slacks_counts_as_a_callback(
    permissions: Permissions, url: str, *, may: bool
) -> None:
    assert may_use(permissions, SlackWebhook(url=Secret(url))) == may


@pytest.mark.parametrize(
    ("named", "url", "may"),
    [
        ("bücher.example", "https://bücher.example/x", True),
        ("bücher.example", "https://xn--bcher-kva.example/x", True),
        ("*.bücher.example", "https://a.xn--bcher-kva.example/x", True),
        ("crm.example.com", "https://CRM.example.com./x", True),
        ("crm.example.com", "https://crm。example。com/x", True),
        ("2001:db8::1", "https://[2001:DB8:0::1]/x", True),
        ("crm.example.com", "https://evil.example/@crm.example.com", False),
        ("crm.example.com", "https://crm.example.com@evil.example/", False),
        ("*.example.com", "https://example.com/x", False),
    ],
)
def test_a_host_is_compared_as_the_one_that_is_sent_to(named: str, url: str, *, may: bool) -> None:
    assert may_use(Permissions(callback_hosts=frozenset({named})), Callback(url=Secret(url))) == may


@pytest.mark.parametrize("path", ["/v1/watches", "/v1/destinations/test"])
async def test_what_egress_allows_is_closed_to_a_client_without_callbacks_by_every_type(
    redis_url: str, sandbox_url: str, path: str
) -> None:
    config = client("a", OLD_KEY, callback_hosts=[])
    async with opened(redis_url, sandbox_url, config, BRIDGE_API_KEYS="") as world:
        for kind, url in (("slack_webhook", world.sandbox.slack_url()), ("callback", world.sandbox.callback_url())):
            wish = {"type": kind, "url": url}
            body = {"destination": wish} if path.endswith("test") else {"importId": "imp", "notify": [wish]}
            refused = await world.post(path, key=OLD_KEY, json=body)
            assert (refused.status_code, only(refused.json()["errors"])["code"]) == (422, "forbidden")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T/B/X",
        "https://hooks.slack-gov.com/services/T/B/X",
        "https://slack.com/api/chat.postMessage?channel=C0123ABCD",
        "http://HOOKS.slack.com./services/T/B/X",
        "https://hooks。slack.com/services/T/B/X",
    ],
)
async def test_no_client_may_send_callbacks_to_slacks_hosts(confined: World, url: str) -> None:
    for key in (OLD_KEY, OTHER_KEY):
        wish = {"type": "callback", "url": url}
        refused = await confined.post("/v1/watches", key=key, json={"importId": "imp", "notify": [wish]})
        assert (refused.status_code, only(refused.json()["errors"])["code"]) == (422, "slack_host")


def test_a_new_key_is_printed_once_with_what_to_keep_of_it() -> None:
    made = CliRunner().invoke(main, ["keys", "new", "crm"])
    key = made.stdout.strip()
    assert (made.exit_code, key[:4], len(key) > 40) == (0, "rbk_", True)
    config = made.stderr[made.stderr.index("[clients.crm]") : made.stderr.index("To rotate")]
    settings = settings_of("redis://", "http://s.invalid", config, BRIDGE_API_KEYS="")
    assert only(list(settings.clients)).digests == (digest(key),)


def test_a_new_key_is_given_to_programs_as_json() -> None:
    made = json.loads(CliRunner().invoke(main, ["keys", "new", "crm", "--json"]).stdout)
    assert (made["name"], made["digest"]) == ("crm", f"sha256:{digest(made['key']).hex()}")


def test_a_key_for_no_name_is_refused() -> None:
    refused = CliRunner().invoke(main, ["keys", "new", "C R M"])
    assert (refused.exit_code, refused.stdout) == (2, "")


@pytest.mark.parametrize("name", ["rule:ops", "rule:*"])
def test_no_client_can_have_the_name_of_the_client_of_a_rule(name: str, tmp_path: Path) -> None:
    (tmp_path / "bridge.toml").write_text(f'[clients."{name}"]\nkeys = ["sha256:{"a" * 64}"]\n')

    with pytest.raises(SettingsError, match=r"clients\.rule:.*: must be a name of a-z"):
        load_settings({**GOOD, "BRIDGE_CONFIG_FILE": str(tmp_path / "bridge.toml")}, env_file=None)
    with pytest.raises(SettingsError, match="the key of 'rule' must have at least 16 characters"):
        load_settings({**GOOD, "BRIDGE_API_KEYS": f"{name}:{'k' * 20}"}, env_file=None)
    assert CliRunner().invoke(main, ["keys", "new", name]).exit_code == 2
